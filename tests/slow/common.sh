# shellcheck shell=bash
# What the slow proofs have in common; sourced by them, from the first line of their work on.

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

# Print the comment at the head of the script, and end.
usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}

needs_root() {
    [[ $(id -u) == 0 ]] || fail 'run it as root: it mounts, and starts a system'
}

# needs PACKAGES TOOL...
needs() {
    local packages=$1 tool
    shift
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install --no-install-recommends $packages"
    done
}

# Let this kernel run arm64 programs until the script ends.
emulate_arm64() {
    local binfmt=/proc/sys/fs/binfmt_misc
    [[ -e $binfmt/register ]] || mount -t binfmt_misc binfmt_misc $binfmt
    [[ ! -e $binfmt/qemu-aarch64 ]] || return 0
    [[ -e /usr/lib/binfmt.d/qemu-aarch64.conf ]] || fail 'qemu is missing: apt-get install --no-install-recommends qemu-user-static'
    cat /usr/lib/binfmt.d/qemu-aarch64.conf >$binfmt/register
    trap 'echo -1 >/proc/sys/fs/binfmt_misc/qemu-aarch64' EXIT
}

# alone FOLDER: make it, and see that no other run has it.
alone() {
    mkdir -p "$1"
    exec 9>"$1/lock"
    flock --nonblock 9 || fail "another run has $1; choose another folder"
}

# check MODULE ARGUMENT...: run a module of the checkout; what it mounts ends with it. No exec: a trap may have to follow.
check() {
    unshare --mount --propagation private "${PYTHON:-python3}" -m "$@"
}
