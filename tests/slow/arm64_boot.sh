#!/usr/bin/env bash
# A whole arm64 machine, emulated, from its first boot with a card of make_cards.py to a delivered register: install.sh makes the
# disk, the machine finds its identity, enrols, holds a lesson with a virtual camera, loses its power in the middle of it, and syncs to
# a server of its own.
#
#   tests/slow/arm64_boot.sh ROOTFS_ARM64 FOLDER [--json OUT]
#
# A good hour. What it says of time is of the emulation, never of a board. ROOTFS_ARM64 as for tests/slow/arm64.sh, which says how to make it;
# it is not changed. FOLDER takes the machine (6 GB) and keeps its kernel for the next time. Needs root, overlayfs, qemu-system-arm,
# qemu-user-static, e2fsprogs, and a network for apt and the package index.
set -euo pipefail
# shellcheck source=tests/slow/common.sh
. "$(dirname "$0")/common.sh"

rootfs=${1:-} folder=${2:-}
[[ $rootfs && $folder && $rootfs != -* ]] || usage
needs_root
[[ -x $rootfs/usr/bin/dpkg ]] || fail "$rootfs holds no Debian"
needs 'qemu-system-arm e2fsprogs' qemu-system-aarch64 mkfs.ext4 flock
emulate_arm64
mkdir -p "$folder"
rootfs=$(readlink -f "$rootfs") folder=$(readlink -f "$folder")
shift 2
cd "$(dirname "$0")/../.."
alone "$folder"

# A kernel with its drivers, and a camera that is fed by a program.
base=$folder/base
if [[ ! -e $base/made ]]; then
    rm -rf "$base"
    cp -a "$rootfs" "$base"
    cp /etc/resolv.conf "$base/etc/resolv.conf"
    # All drivers would take an emulated processor half an hour.
    mkdir -p "$base/etc/initramfs-tools/conf.d" "$base/usr/share/initramfs-tools/modules.d"
    echo MODULES=list >"$base/etc/initramfs-tools/conf.d/guest"
    printf '%s\n' virtio_pci virtio_blk ext4 >"$base/usr/share/initramfs-tools/modules.d/guest"
    # shellcheck disable=SC2016 # for the shell in there
    unshare --mount --propagation private sh -euc '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        export DEBIAN_FRONTEND=noninteractive
        chroot "$1" apt-get update -q
        chroot "$1" apt-get install --yes -q --no-install-recommends linux-image-arm64 linux-headers-arm64 initramfs-tools \
            v4l2loopback-dkms udev kmod procps dbus
    ' sh "$base" >&2
    ls "$base"/lib/modules/*/updates/dkms/v4l2loopback.ko >&2
    touch "$base/made"
fi
check tests.slow.arm64_boot "$base" "$folder" "$@"
