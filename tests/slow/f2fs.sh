#!/usr/bin/env bash
# An erasure on f2fs, in a full guest with a Debian kernel: this machine's own files (9p, read only), a disk of f2fs, and
# tests/app/erasure/test_raw_disk.py on it, which searches the raw disk with all keys that lie there.
#
#     sudo tests/slow/f2fs.sh [PYTHON]
#
# PYTHON: an interpreter with the project's packages (default: .venv/bin/python). Needs qemu-system-x86, busybox-static,
# f2fs-tools and linux-image-amd64. ACCEL=kvm where that works; without it some ten minutes. Prints the lines of pytest;
# exit code 0: passed.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
python=$(realpath -s "${1:-$here/.venv/bin/python}")
kernel=$(printf "%s\n" /boot/vmlinuz-*-amd64 | sort -V | tail -1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work"/ram/{bin,dev,proc,sys,root,lib}
cp /bin/busybox "$work/ram/bin/"
for name in virtio_pci virtio_blk 9pnet_virtio 9p overlay f2fs; do
    modprobe -d / -S "${kernel#/boot/vmlinuz-}" --show-depends "$name" | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' >"$work/modules"
while read -r module; do cp "$module" "$work/ram/lib/"; basename "$module"; done <"$work/modules" >"$work/ram/lib/order"
cat >"$work/ram/init" <<GUEST
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do /bin/busybox insmod /lib/\$module; done </lib/order
/bin/busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose host /root

/bin/busybox mount -t tmpfs tmpfs /root/mnt
/bin/busybox mkdir /root/mnt/here /root/mnt/disk /root/mnt/tmp
/bin/busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose here /root/mnt/here
/bin/busybox mount -t f2fs /dev/vda /root/mnt/disk
for name in proc sys dev; do /bin/busybox mount -o bind /\$name /root/\$name; done
/bin/busybox chroot /root /bin/sh -c 'cd /mnt/here && HOME=/mnt TMPDIR=/mnt/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/mnt/here EDGE_DAEMON_RAW_DISK=/mnt/disk:/dev/vda \
    $python -m pytest -q -p no:cacheprovider --basetemp=/mnt/pytest tests/app/erasure/test_raw_disk.py; echo "RESULT \$?"'
/bin/busybox poweroff -f
GUEST
chmod +x "$work/ram/init"
(cd "$work/ram" && find . | cpio -o -H newc --quiet) | gzip -1 >"$work/initrd"

truncate -s 512M "$work/disk.img"
mkfs.f2fs -q "$work/disk.img" >/dev/null
accel=${ACCEL:-tcg,thread=multi}

timeout "${LIMIT_S:-900}" qemu-system-x86_64 -accel "$accel" -cpu max,arch-capabilities=off -smp 2 -m 1536 -nographic -no-reboot -nodefaults \
    -serial stdio -kernel "$kernel" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1" \
    -drive "file=$work/disk.img,if=virtio,format=raw" \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
    -virtfs "local,path=$here,mount_tag=here,security_model=none,readonly=on" </dev/null | tee "$work/console" || true
grep -q '^RESULT 0' "$work/console"
