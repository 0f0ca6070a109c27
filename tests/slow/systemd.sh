#!/usr/bin/env bash
# The units under a real systemd: boot, lessons on the timetable, kills, the sandbox. Takes about ten minutes.
#
#   tests/slow/systemd.sh ROOTFS [--only attendance|delivery|planting] [--json OUT] [--keep]
#
# --only: the command `attendance`, the unit that delivers, or the plants alone, in one to three minutes each.
# ROOTFS is a folder with a Debian 12, which is not changed. Made once (a minute, 320 MB), as root:
#
#   apt-get install --no-install-recommends debootstrap systemd-container
#   debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,sudo,procps,python3,python3-venv,python3-systemd \
#       bookworm ROOTFS
#
# Needs root, overlayfs, cgroup2, systemd-nspawn, gcc, and a python3 (or PYTHON) of the ROOTFS's version: it fetches the wheels.
# WORK (default /var/tmp/edge-daemon-systemd) holds the layer over ROOTFS, and the wheels for the next time.
set -euo pipefail
# shellcheck source=tests/slow/common.sh
. "$(dirname "$0")/common.sh"

rootfs=${1:-}
[[ $rootfs && $rootfs != -* ]] || usage
needs_root
needs 'systemd-container util-linux gcc libc6-dev' gcc flock systemd-nspawn nsenter unshare setpriv chroot mount
[[ -x $rootfs/lib/systemd/systemd ]] || fail "$rootfs holds no system with systemd; --help says how to make one"
grep -qw cgroup2 /proc/filesystems || fail 'the kernel has no cgroup2'

rootfs=$(readlink -f "$rootfs")
shift
module=systemd_checks
if [[ ${1:-} == --only ]]; then
    case ${2:-} in attendance | delivery | planting) module=systemd_$2 ;; *) usage ;; esac
    shift 2
fi
cd "$(dirname "$0")/../.."
export WORK=${WORK:-/var/tmp/edge-daemon-systemd}
alone "$WORK"
check "tests.slow.$module" "$rootfs" "$@"
