#!/usr/bin/env bash
# Unpacks what `python -m benchmarks.instructions` needs: an arm64 Debian with Python 3.11, and the packages of requirements-arm.txt.
#
#   tests/slow/arm64_root.sh DIR
#
# Makes DIR/root and DIR/packages (about 1 GB, two minutes). Nothing is installed or registered; the programs run by
# `qemu-aarch64 -L DIR/root`. Needs a network, pip (or PIP), and:  apt-get install --no-install-recommends debootstrap qemu-user
set -euo pipefail
# shellcheck source=tests/slow/common.sh
. "$(dirname "$0")/common.sh"

dir=${1:-}
[[ $dir && $dir != -* ]] || usage
needs_root
needs 'debootstrap qemu-user' debootstrap qemu-aarch64
[[ ! -e $dir ]] || fail "$dir is there already"
requirements=$(readlink -f "$(dirname "$0")/../../requirements-arm.txt")

mkdir -p "$dir"
debootstrap --arch=arm64 --foreign --variant=minbase --include=python3 bookworm "$dir/root"
for package in "$dir"/root/var/cache/apt/archives/*.deb; do
    dpkg-deb --extract "$package" "$dir/root"
done

# The interpreter asks the kernel for the caches of the processor, and fails on the answers of an x86-64 machine.
cpus=$dir/root/sys/devices/system/cpu
for cpu in $(seq 0 $(($(nproc) - 1))); do
    for cache in 0 1 2 3; do
        mkdir -p "$cpus/cpu$cpu/cache/index$cache"
        touch "$cpus/cpu$cpu/cache/index$cache/level" "$cpus/cpu$cpu/cache/index$cache/size"
    done
done
echo 0 | tee "$cpus/possible" >"$cpus/present"

# pip applies the markers of the Python that runs it, so the lines are chosen here: those for 3.13, since the OpenCV for 3.11 can't read
# YuNet's file. Their wheels fit 3.11, too.
grep '==' "$requirements" | grep -v -e '^#' | grep -E '^[^;]*$|== "3\.13"' | sed 's/ *[;\\].*//' >"$dir/requirements.txt"
platforms=()
for version in 2_17 2_27 2_28 2_34; do
    platforms+=(--platform "manylinux_${version}_aarch64")
done
"${PIP:-pip}" install --quiet --no-deps --target "$dir/packages" --python-version 3.11 --implementation cp \
    --abi cp311 --abi abi3 --abi none --only-binary :all: "${platforms[@]}" --platform manylinux2014_aarch64 \
    --requirement "$dir/requirements.txt"
