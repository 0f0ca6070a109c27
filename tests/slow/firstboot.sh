#!/usr/bin/env bash
# A prepared card under a real systemd: the first boot with power cuts, the device's own keys, a lesson to its register. About six minutes.
#
#   tests/slow/firstboot.sh ROOTFS [--json OUT] [--keep]
#
# ROOTFS as for tests/slow/systemd.sh, which says how to make it. Needs root, overlayfs, cgroup2, systemd-nspawn, and a python3 (or
# PYTHON) of the ROOTFS's version. WORK (default /var/tmp/edge-daemon-firstboot) holds the layer over ROOTFS, and the wheels.
set -euo pipefail

fail() { printf 'firstboot.sh: %s\n' "$*" >&2; exit 2; }

rootfs=${1:-}
[[ $rootfs && $rootfs != -* ]] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
[[ $(id -u) == 0 ]] || fail 'run it as root: it boots a system'
for tool in flock systemd-nspawn nsenter unshare setpriv chroot mount; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install --no-install-recommends systemd-container util-linux"
done
[[ -x $rootfs/lib/systemd/systemd ]] || fail "$rootfs holds no system with systemd"
rootfs=$(readlink -f "$rootfs")
shift
cd "$(dirname "$0")/../.."
export WORK=${WORK:-/var/tmp/edge-daemon-firstboot}
mkdir -p "$WORK"
exec 9>"$WORK/lock"
flock --nonblock 9 || fail "another run has $WORK; set WORK to another folder"
exec unshare --mount --propagation private "${PYTHON:-python3}" -m tests.slow.firstboot_checks "$rootfs" "$@"
