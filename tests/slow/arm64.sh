#!/usr/bin/env bash
# An arm64 Debian, emulated: install.sh from nothing to an enabled service, the demo lesson as on x86-64, and away again.
#
#   tests/slow/arm64.sh ROOTFS_ARM64 [--json OUT] [--captures N]
#
# About 10 minutes and 3 more for each capture (8 by default; 0 leaves the lesson out). What it says of time and memory is of the
# emulation, never of a board. ROOTFS_ARM64 is a folder with a bare Debian 12 or 13, which is not changed. Made once, as root:
#
#   apt-get install --no-install-recommends debootstrap qemu-user-static
#   debootstrap --arch=arm64 --foreign --variant=minbase --include=systemd,systemd-sysv,ca-certificates bookworm ROOTFS
#   chroot ROOTFS /debootstrap/debootstrap --second-stage        (with qemu-aarch64 registered, as below)
#
# Needs root, overlayfs, a network for apt and the package index, and a python3 (or PYTHON) of the ROOTFS's version for the
# same lesson on this computer. WORK (default /var/tmp/edge-daemon-arm64) holds the layer over ROOTFS.
set -euo pipefail

fail() { printf 'arm64.sh: %s\n' "$*" >&2; exit 2; }

rootfs=${1:-}
[[ $rootfs && $rootfs != -* ]] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
[[ $(id -u) == 0 ]] || fail 'run it as root'
[[ -x $rootfs/usr/bin/dpkg ]] || fail "$rootfs holds no Debian"
binfmt=/proc/sys/fs/binfmt_misc
[[ -e $binfmt/register ]] || mount -t binfmt_misc binfmt_misc $binfmt
if [[ ! -e $binfmt/qemu-aarch64 ]]; then
    [[ -e /usr/lib/binfmt.d/qemu-aarch64.conf ]] || fail 'qemu is missing: apt-get install --no-install-recommends qemu-user-static'
    cat /usr/lib/binfmt.d/qemu-aarch64.conf >$binfmt/register
    trap 'echo -1 >$binfmt/qemu-aarch64' EXIT
fi
rootfs=$(readlink -f "$rootfs")
shift
cd "$(dirname "$0")/../.."
export WORK=${WORK:-/var/tmp/edge-daemon-arm64}
mkdir -p "$WORK"
exec 9>"$WORK/lock"
flock --nonblock 9 || fail "another run has $WORK; set WORK to another folder"
# Mounts of the test end with it.
unshare --mount --propagation private "${PYTHON:-python3}" -m tests.slow.arm64_checks "$rootfs" "$@"
