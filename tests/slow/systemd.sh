#!/usr/bin/env bash
# The units under a real systemd: boot, lessons on the timetable, kills, the sandbox. Takes about ten minutes.
#
#   tests/slow/systemd.sh ROOTFS [--json OUT] [--keep]
#
# ROOTFS is a folder with a Debian 12, which is not changed. Made once (a minute, 320 MB), as root:
#
#   apt-get install --no-install-recommends debootstrap systemd-container
#   debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,python3,python3-venv,python3-systemd \
#       bookworm ROOTFS
#
# Needs root, overlayfs, cgroup2, systemd-nspawn, and a python3 (or PYTHON) of the ROOTFS's version: it fetches the wheels.
# WORK (default /var/tmp/edge-daemon-systemd) holds the layer over ROOTFS, and the wheels for the next time.
set -euo pipefail

fail() { printf 'systemd.sh: %s\n' "$*" >&2; exit 2; }

rootfs=${1:-}
[[ $rootfs && $rootfs != -* ]] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
[[ $(id -u) == 0 ]] || fail 'run it as root: it boots a system'
for tool in flock systemd-nspawn nsenter unshare setpriv chroot mount; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install --no-install-recommends systemd-container util-linux"
done
[[ -x $rootfs/lib/systemd/systemd ]] || fail "$rootfs holds no system with systemd; --help says how to make one"
grep -qw cgroup2 /proc/filesystems || fail 'the kernel has no cgroup2'

rootfs=$(readlink -f "$rootfs")
shift
cd "$(dirname "$0")/../.."
export WORK=${WORK:-/var/tmp/edge-daemon-systemd}
mkdir -p "$WORK"
exec 9>"$WORK/lock"
flock --nonblock 9 || fail "another run has $WORK; set WORK to another folder"
# Mounts of the test end with it.
exec unshare --mount --propagation private "${PYTHON:-python3}" -m tests.slow.systemd_checks "$rootfs" "$@"
