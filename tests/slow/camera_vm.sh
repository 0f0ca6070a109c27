#!/usr/bin/env bash
# The V4L2 and GStreamer cameras against real devices: a Debian guest in software emulation with the drivers vivid
# and v4l2loopback.
#
#     sudo tests/slow/camera_vm.sh FOLDER [OUT.json [CHECK]]
#
# FOLDER takes the guest (3 GB) and is used again the next time. Needs debootstrap, qemu-system-x86 and e2fsprogs; no KVM.
# A quarter of an hour on two busy cores, and some minutes more the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:?the folder for the guest}
out=${2:-/dev/stdout}
only=${3:+"'$3'"}
root=$folder/root
packages=systemd,systemd-sysv,udev,kmod,procps,v4l-utils,python3,python3-numpy,python3-opencv,gstreamer1.0-plugins-base
packages+=,linux-image-amd64,initramfs-tools,linux-headers-amd64,v4l2loopback-dkms

mkdir -p "$folder"
if [ ! -e "$root/etc/debian_version" ]; then
    debootstrap --variant=minbase --include="$packages" bookworm "$root" ${MIRROR:+"$MIRROR"} >&2
fi

rm -rf "$root/opt/edge"
mkdir -p "$root/opt/edge"
cp -r "$here/edge_daemon" "$here/tests/slow/camera_guest.py" "$here/tests/slow/v4l2_feed.py" "$root/opt/edge/"
cat >"$root/opt/edge/run.sh" <<GUEST
#!/bin/sh
exec >/dev/console 2>&1
cd /opt/edge && PYTHONPATH=/opt/edge python3 camera_guest.py $only
echo "CHECKS END"
GUEST
chmod +x "$root/opt/edge/run.sh"

image=$folder/guest.img
rm -f "$image"
truncate -s 4G "$image"
mkfs.ext4 -q -F -d "$root" "$image" >&2
log=$folder/console.log
nice -n 19 timeout "${LIMIT_S:-1800}" qemu-system-x86_64 -M q35 -cpu max -smp 2 -m 1536 -nographic -no-reboot -nodefaults \
    -serial stdio -kernel "$root"/boot/vmlinuz-* -initrd "$root"/boot/initrd.img-* \
    -append "root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.run=/opt/edge/run.sh systemd.run_success_action=poweroff systemd.run_failure_action=poweroff" \
    -drive "file=$image,if=virtio,format=raw" -accel tcg,thread=multi </dev/null >"$log" 2>&1 || true

if ! grep -q 'CHECKS END' "$log"; then
    echo "the guest did not come to its end; see $log" >&2
    exit 1
fi
grep -o 'CHECK {.*}' "$log" | sed 's/^CHECK //' | python3 -c '
import json, sys
checks = {c["check"]: c["found"] for c in map(json.loads, sys.stdin)}
print(json.dumps(checks, indent=1))
failed = [name for name, found in checks.items() if "failed" in json.dumps(found) or "not refused" in json.dumps(found)]
for check in ("colours and light", "jpeg of 12 megapixels"):
    colours = ("red", "green", "blue") if check in checks else ()
    failed += [f"{check}: {c}" for c in colours if not checks[check].get(c, {}).get("right")]
sys.exit(f"failed: {failed}" if failed else 0)
' >"$out"
