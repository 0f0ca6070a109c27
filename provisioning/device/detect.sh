# shellcheck shell=sh disable=SC2034 # install.sh uses the variables
# Detects the computer. Sourced by install.sh; changes nothing.

# Prints "PRETTY_NAME, ARCHITECTURE, MODEL".
found() {
    # shellcheck disable=SC1091 # the system's own file
    name=$(. "$ROOT/etc/os-release" 2>/dev/null && printf '%s' "${PRETTY_NAME:-$ID}") || name=''
    printf '%s, %s%s\n' "${name:-a system without /etc/os-release}" "$(architecture)" "$(model | sed 's/^./, &/')"
}

architecture() { dpkg --print-architecture 2>/dev/null || uname -m; }

model() { { tr -d '\000' <"$ROOT/proc/device-tree/model"; } 2>/dev/null || true; }

# Prints ID and VERSION_ID.
release_id() {
    # shellcheck disable=SC1091
    (. "$ROOT/etc/os-release" 2>/dev/null && printf '%s %s\n' "${ID:-?}" "${VERSION_ID:-?}") || echo '? ?'
}

# Sets $system to raspberry, jetson or generic; fails with a message on anything else.
detect() {
    case $(architecture) in
        arm64 | amd64) ;;
        armhf | armel | i386 | armv* | i686)
            unsupported "this system is 32-bit ($(architecture)); take the 64-bit image" ;;
        *) unsupported "its architecture is neither arm64 nor amd64" ;;
    esac
    case $(release_id) in
        'ubuntu 22.04')
            [ -e "$ROOT/etc/nv_tegra_release" ] || unsupported 'Ubuntu is supported as JetPack 6 only'
            grep -q '^# R36 ' "$ROOT/etc/nv_tegra_release" || unsupported 'of JetPack, 6 (L4T 36) is supported'
            system=jetson ;;
        'debian 12' | 'debian 13')
            system=generic
            if [ -e "$ROOT/etc/rpi-issue" ] || model | grep -q '^Raspberry Pi'; then system=raspberry; fi ;;
        *) unsupported 'neither Debian 12 or 13, Raspberry Pi OS 64-bit (Bookworm, Trixie) nor JetPack 6' ;;
    esac
}

unsupported() { fail "found $(found): $*. Nothing was changed"; }
