#!/usr/bin/env bash
# A prepared card under a real systemd: the first boot with power cuts, the device's own keys, a lesson to its register. About six minutes.
#
#   tests/slow/firstboot.sh ROOTFS [--json OUT] [--keep]
#
# ROOTFS as for tests/slow/systemd.sh, which says how to make it. Needs root, overlayfs, cgroup2, systemd-nspawn, and a python3 (or
# PYTHON) of the ROOTFS's version. WORK (default /var/tmp/edge-daemon-firstboot) holds the layer over ROOTFS, and the wheels.
set -euo pipefail
# shellcheck source=tests/slow/common.sh
. "$(dirname "$0")/common.sh"

rootfs=${1:-}
[[ $rootfs && $rootfs != -* ]] || usage
needs_root
needs 'systemd-container util-linux' flock systemd-nspawn nsenter unshare setpriv chroot mount
[[ -x $rootfs/lib/systemd/systemd ]] || fail "$rootfs holds no system with systemd"
rootfs=$(readlink -f "$rootfs")
shift
cd "$(dirname "$0")/../.."
export WORK=${WORK:-/var/tmp/edge-daemon-firstboot}
alone "$WORK"
check tests.slow.firstboot_checks "$rootfs" "$@"
