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
# shellcheck source=tests/slow/common.sh
. "$(dirname "$0")/common.sh"

rootfs=${1:-}
[[ $rootfs && $rootfs != -* ]] || usage
needs_root
[[ -x $rootfs/usr/bin/dpkg ]] || fail "$rootfs holds no Debian"
emulate_arm64
rootfs=$(readlink -f "$rootfs")
shift
cd "$(dirname "$0")/../.."
export WORK=${WORK:-/var/tmp/edge-daemon-arm64}
alone "$WORK"
check tests.slow.arm64_checks "$rootfs" "$@"
