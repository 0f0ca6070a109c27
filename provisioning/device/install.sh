# shellcheck shell=sh disable=SC2154 # ../../install.sh and detect.sh set the other variables
# Installs on a device, and uninstalls. Sourced by install.sh, which sets $ROOT (prefix of every path, for tests) and the options.

readonly BASE=/opt/edge-daemon STATE=/var/lib/edge-daemon DELIVERY=/var/lib/edge-daemon-sync SETTINGS=/etc/edge-daemon KEYS=/etc/credstore
readonly NEEDS_MIB=2000
readonly NO_UPDATES="NO UPDATES YET: this device takes none until the maintainer's key is in $SETTINGS/release.pub (docs/UPDATES.md)"
RELEASE_TOOL=provisioning/device/edge-daemon-release

install_on_device() {
    detect
    say "found $(found)"
    check_before
    one_at_a_time
    plan
    if [ "$dry_run" = 1 ]; then
        [ -z "$wheelhouse" ] || check_offline
        [ -e "$ROOT$SETTINGS/release.pub" ] || [ -e provisioning/release.pub ] || say "$NO_UPDATES"
        say 'nothing was changed (--dry-run)'
        return
    fi
    done_list=''
    after_power_cut
    system_packages
    make_release
    make_users
    make_folders
    # From an earlier release: a drop-in that sealed nothing.
    EDGE_DAEMON_ROOT="$ROOT" sh systemd/edge-daemon-plain-key
    make_key edge-daemon.device-key
    make_key edge-daemon.contact-key
    first_settings
    release_key
    make_words
    before=$(basename "$(readlink "$ROOT$BASE/current" || true)")
    "./$RELEASE_TOOL" switch "$release"
    "$ROOT$BASE/bin/edge-daemon-release" link
    board_drop_in
    memory_controller
    did "release $release is in effect"
    drop_old_releases
    start
    report
}

did() { done_list="$done_list    $*
"; }

plan() {
    packages_from=', from apt where missing; Python packages'
    if [ -n "$wheelhouse" ]; then packages_from=" (have to be there); Python packages from $wheelhouse"; fi
    cat <<TEXT
    $system: $(wanted_packages | tr '\n' ' ' | sed 's/ $//')$packages_from into $BASE (about 700 MB)
    users edge-daemon and edge-daemon-sync; keys into $KEYS; settings $SETTINGS/config.toml unless they are there; state in $STATE and $DELIVERY
    units $(units_to_enable)
TEXT
}

# --- checks that change nothing ----------------------------------------------------------------------------------------

check_before() {
    if [ "$dry_run" = 0 ] && [ "$(id -u)" != 0 ]; then fail 'must be run as root: sudo ./install.sh'; fi
    [ -z "$wheelhouse" ] || [ -d "$wheelhouse" ] || fail "--offline: there is no folder $wheelhouse"
    python=$ROOT/usr/bin/python3
    if [ -x "$python" ]; then
        new_enough "$python" || fail "a 64-bit Python 3.10 or newer is needed; $python is $("$python" -V 2>&1 | sed 's/Python //'). Nothing was changed"
    fi
    for user in edge-daemon edge-daemon-sync; do
        uid=$(uid_of "$user")
        if [ -n "$uid" ] && [ "$uid" -ge 1000 ]; then
            fail "there is a user $user with uid $uid, which is a person's account; the daemon needs a system user of this name: rename the account"
        fi
    done
    # The nearest existing folder.
    place=$ROOT$BASE
    while [ ! -d "$place" ]; do place=$(dirname "$place"); done
    if [ "$dry_run" = 0 ] && ! (: >"$place/.edge-daemon-write-test") 2>/dev/null; then
        fail "$place can't be written; is the disk read-only (an overlay, a failing card)?"
    fi
    rm -f "$place/.edge-daemon-write-test" 2>/dev/null || true
    free_mib=$(df -Pk "$place" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "$free_mib" -ge "$NEEDS_MIB" ] || fail "$free_mib MiB are free on the disk of $place, $NEEDS_MIB are needed. Nothing was changed"
}

uid_of() { awk -F: -v user="$1" '$1 == user { print $3 }' "$ROOT/etc/passwd"; }

# The lock ends with the process, even if the process is killed.
one_at_a_time() {
    if [ "$dry_run" = 1 ]; then return; fi
    mkdir -p "$ROOT/run"
    # Not in /run/lock, where any user could hold a file forever.
    exec 9>"$ROOT/run/edge-daemon-install.lock"
    chmod 600 "$ROOT/run/edge-daemon-install.lock"
    flock --nonblock 9 || fail 'another installation or update is running'
}

# --- what is installed -------------------------------------------------------------------------------------------------

wanted_packages() {
    printf '%s\n' python3 python3-venv python3-systemd ca-certificates
    # Without its recommended packages, which are for a preview on a screen.
    if [ "$system" = raspberry ]; then echo python3-picamera2; fi
}

missing_packages() {
    for package in $(wanted_packages); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || echo "$package"
    done
}

after_power_cut() {
    if [ -e "$ROOT$BASE/bin/edge-daemon-release" ] && [ -h "$ROOT$BASE/current" ]; then "./$RELEASE_TOOL" recover; fi
}

system_packages() {
    missing=$(missing_packages | tr '\n' ' ')
    if [ -n "$missing" ]; then
        [ -z "$wheelhouse" ] || fail "--offline, and these packages of the system are missing: $missing"
        # shellcheck disable=SC2086 # one word for each package
        install_packages $missing
        did "from apt: $missing"
    fi
    find_python has_venv || fail "none of$seen is a 64-bit Python 3.10 or newer with venv"
    if [ "$system" = jetson ] && ! "$python" -I -c 'import cv2' 2>/dev/null; then
        fail "JetPack's OpenCV is missing (the one from the package index has no GStreamer): apt-get install nvidia-opencv"
    fi
}

# Everything that an installation without a network would lack, in one line.
check_offline() {
    missing=$(missing_packages | tr '\n' ' ')
    lacking=${missing:+"these packages of the system: $missing"}
    if find_python new_enough; then
        wheels=$("$python" -I provisioning/device/wheelhouse.py "$wheelhouse") || lacking="$lacking${lacking:+and }${wheels:-a folder that can be read}"
    fi
    [ -z "$lacking" ] || fail "--offline would fail, for what is missing: $lacking. Nothing was changed"
}

# Identifies the contents of the release, so that the same contents are not installed twice.
made_of() {
    "$python" -I -c 'import sys; print(sys.version)'
    find edge_daemon models_tflite systemd provisioning/device requirements-arm.txt pyproject.toml -type f \
        ! -path '*/__pycache__/*' -exec cksum {} + | sort
}

# Sets $release to an unused name, or to a release with the same contents.
name_release() {
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' edge_daemon/__init__.py)
    made=$(made_of | cksum)
    release=$version number=1
    while [ -e "$ROOT$BASE/releases/$release/.complete" ] && [ "$(cat "$ROOT$BASE/releases/$release/.complete")" != "$made" ]; do
        number=$((number + 1))
        release=$version.$number
    done
}

make_release() {
    name_release
    folder=$ROOT$BASE/releases/$release
    if [ -e "$folder/.complete" ]; then return; fi
    rm -rf "$folder"
    mkdir -p "$folder/tmp" "$ROOT$BASE/bin"
    say "making $folder with $("$python" -V) ($python)"
    "$python" -I -m venv --system-site-packages "$folder/venv" || fail "$folder/venv can't be made"
    say 'installing Python packages (minutes)'
    # On the disk, because /tmp is in memory on Trixie.
    export TMPDIR="$folder/tmp"
    from=''
    if [ -n "$wheelhouse" ]; then from="--no-index --find-links=$wheelhouse"; fi
    # shellcheck disable=SC2086 # two words or none
    release_pip $from --require-hashes --only-binary :all: --requirement requirements-arm.txt ||
        fail 'the Python packages can not be installed (see above); is there a network? What was there before stays in effect'
    release_pip --no-index --no-deps --no-build-isolation . || fail 'the program can not be built (see above)'
    unset TMPDIR
    rm -rf "$folder/tmp"
    cp -R systemd "$folder/systemd"
    "$folder/venv/bin/python" -I -m edge_daemon --version >/dev/null || fail 'the program does not start'
    "$folder/venv/bin/python" -I -m edge_daemon manual "$folder/share" || fail 'the man pages can not be written'
    install_tool
    sync
    printf '%s\n' "$made" >"$folder/.complete"
    sync "$folder/.complete" "$folder"
    did "release $release of the program in $BASE/releases"
}

release_pip() {
    # Ignores modules in the caller's folder or home, and PYTHONPATH.
    env PYTHONNOUSERSITE=1 "$folder/venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir "$@"
}

install_tool() {
    install -m 755 "$RELEASE_TOOL" "$ROOT$BASE/bin/edge-daemon-release.new"
    sync "$ROOT$BASE/bin/edge-daemon-release.new"
    mv -T "$ROOT$BASE/bin/edge-daemon-release.new" "$ROOT$BASE/bin/edge-daemon-release"
    mkdir -p "$ROOT/etc/systemd/system/sysinit.target.wants"
    install -m 644 provisioning/device/edge-daemon-recover.service "$ROOT/etc/systemd/system/"
    ln -sfn ../edge-daemon-recover.service "$ROOT/etc/systemd/system/sysinit.target.wants/edge-daemon-recover.service"
}

# The previous release stays for a rollback.
drop_old_releases() {
    if [ "$before" = "$release" ]; then return; fi
    for old in "$ROOT$BASE"/releases/*/; do
        name=$(basename "$old")
        if [ "$name" != "$release" ] && [ "$name" != "$before" ]; then rm -rf "$ROOT$BASE/releases/${name:?}"; fi
    done
}

# --- user, folders, keys, settings -------------------------------------------------------------------------------------

# One user takes registers. The other has network access, and can't change what the first one reads (docs/SYSTEMD.md).
make_users() {
    make_user edge-daemon "$STATE"
    make_user edge-daemon-sync "$DELIVERY"
}

make_user() {
    if [ -n "$(uid_of "$1")" ]; then return; fi
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers "--root=$ROOT/" "$PWD/systemd/edge-daemon.sysusers.conf"
    else
        useradd --root "$ROOT/" --system --user-group --no-create-home --home-dir "$2" --shell /usr/sbin/nologin "$1"
    fi || fail "the user $1 can not be made"
    did "user $1 (uid $(uid_of "$1"))"
}

make_folders() {
    install -d -m 700 "$ROOT$KEYS"
    install -d -m 755 "$ROOT$SETTINGS"
    # The group may enter, for the database of registers (systemd/edge-daemon.tmpfiles.conf).
    install -d -m 710 "$ROOT$STATE"
    install -d -m 750 "$ROOT$DELIVERY"
    group=$(awk -F: '$1 == "edge-daemon" { print $4 }' "$ROOT/etc/passwd")
    give "$STATE" "$(uid_of edge-daemon):$group"
    give "$DELIVERY" "$(uid_of edge-daemon-sync):$group"
}

# Data from an earlier installation may have the user's earlier uid.
give() { if [ "$(stat -c %u:%g "$ROOT$1")" != "$2" ]; then chown -R "$2" "$ROOT$1"; fi; }

# Keys are made once, on the device. An existing key stays, and no key is ever copied.
make_key() {
    key=$ROOT$KEYS/$1
    if [ -e "$key" ] || [ -e "$ROOT/etc/credstore.encrypted/$1" ]; then return; fi
    rm -f "$key.part"
    (umask 077 && head -c 32 /dev/urandom >"$key.part")
    sync "$key.part"
    mv -T "$key.part" "$key"
    sync "$ROOT$KEYS"
    did "$KEYS/$1; keep a copy somewhere else"
}

first_settings() {
    settings=$ROOT$SETTINGS/config.toml
    if [ -e "$settings" ]; then return; fi
    case $system in
        raspberry) kind=picamera2 ;;
        jetson) kind=gstreamer ;;
        *) kind=v4l2 ;;
    esac
    sed "s/^# kind = \"picamera2\"/kind = \"$kind\"/" docs/config.example.toml >"$settings.part"
    chmod 644 "$settings.part"
    sync "$settings.part"
    mv -T "$settings.part" "$settings"
    did "$SETTINGS/config.toml, with camera.kind = $kind"
}

# The maintainer's key for updates, if the checkout has one.
release_key() {
    if [ -e "$ROOT$SETTINGS/release.pub" ]; then return; fi
    if [ ! -e provisioning/release.pub ]; then
        did "$NO_UPDATES"
        return
    fi
    install -m 644 provisioning/release.pub "$ROOT$SETTINGS/release.pub"
    did "$SETTINGS/release.pub, the key of whom updates are taken"
}

# `edge-daemon` is for commands without a key. `attendance` runs as the service's user, with its credentials.
make_words() {
    mkdir -p "$ROOT/usr/local/bin" "$ROOT/usr/local/sbin"
    rm -f "$ROOT/usr/local/bin/edge-daemon" # a link from an older release, which must not be written through
    install -m 755 provisioning/device/edge-daemon "$ROOT/usr/local/bin/edge-daemon"
    install -m 755 provisioning/device/attendance "$ROOT/usr/local/sbin/attendance"
    # In everybody's PATH; without root it calls sudo itself.
    ln -sfn ../sbin/attendance "$ROOT/usr/local/bin/attendance"
}

board_drop_in() {
    if [ "$system" != jetson ]; then return; fi
    mkdir -p "$ROOT/etc/systemd/system/edge-daemon.service.d"
    ln -sfn "$BASE/current/systemd/drop-ins/jetson.conf" "$ROOT/etc/systemd/system/edge-daemon.service.d/jetson.conf"
}

# A Raspberry Pi disables it by default; the units' memory limits need it.
memory_controller() {
    if [ "$system" != raspberry ]; then return; fi
    for line in "$ROOT/boot/firmware/cmdline.txt" "$ROOT/boot/cmdline.txt"; do
        if [ ! -f "$line" ] || [ -h "$line" ] || ! grep -q 'root=' "$line"; then continue; fi
        if grep -qw 'cgroup_enable=memory' "$line"; then return; fi
        printf '%s cgroup_enable=memory\n' "$(tr -d '\r\n' <"$line")" >"$line.part"
        sync "$line.part"
        mv -T "$line.part" "$line"
        sync "$(dirname "$line")"
        did "cgroup_enable=memory in ${line#"$ROOT"}: memory limits apply after the next start"
        return
    done
}

units_to_enable() {
    grep -l '^WantedBy=' systemd/*.service systemd/*.timer | xargs grep -L 'not to be enabled yet' | xargs -n 1 basename | tr '\n' ' '
}

systemd_runs() { [ -d "$ROOT/run/systemd/system" ]; }

# The last line of the service about itself.
reason_of_service() {
    said=$(journalctl --unit=edge-daemon --output=cat --lines=50 --no-pager 2>/dev/null | grep '^edge-daemon: ' | tail -n 1)
    printf '%s' "${said:-journalctl -u edge-daemon says why}"
}

start() {
    if ! systemd_runs; then
        did 'units are in place and enabled; not started: systemd does not run here'
        return
    fi
    systemctl daemon-reload
    # shellcheck disable=SC2046 # one word for each unit
    if systemctl restart $(units_to_enable); then
        did "enabled and started: $(units_to_enable)"
    else
        did "enabled: $(units_to_enable)"
        did "NOT RUNNING YET: $(reason_of_service)"
    fi
}

report() {
    cat <<TEXT

What was done:
${done_list}
Next:
    sudoedit $SETTINGS/config.toml                            # room name, time zone, timetable
    attendance enrol import ROSTER.csv --photos DIR           # the students
    attendance doctor                                         # checks, and what is still missing
TEXT
}

# --- uninstalling -----------------------------------------------------------------------------------------------------

uninstall_from_device() {
    if [ "$dry_run" = 0 ] && [ "$(id -u)" != 0 ]; then fail 'must be run as root: sudo ./install.sh --uninstall'; fi
    say "removing $BASE and the units; $(if [ "$purge" = 1 ]; then echo 'AND all data, keys and settings'; else echo 'data, keys and settings stay'; fi)"
    if [ "$dry_run" = 1 ]; then say 'nothing was changed (--dry-run)'; return; fi
    one_at_a_time
    if systemd_runs; then
        systemctl stop 'edge-daemon*.timer' 'edge-daemon*.service' || say 'not everything could be stopped'
    fi
    "./$RELEASE_TOOL" unlink
    rm -f "$ROOT/etc/systemd/system/edge-daemon-recover.service" "$ROOT/etc/systemd/system/sysinit.target.wants/edge-daemon-recover.service"
    rm -f "$ROOT/usr/local/bin/edge-daemon" "$ROOT/usr/local/bin/attendance" "$ROOT/usr/local/sbin/attendance"
    rm -rf "$ROOT$BASE"
    rmdir "$ROOT/etc/systemd/system/sysinit.target.wants" "$ROOT/usr/local/lib/systemd/system" "$ROOT/usr/local/lib/systemd" 2>/dev/null || true
    if systemd_runs; then systemctl daemon-reload; fi
    if [ "$purge" = 1 ]; then
        rm -rf "$ROOT$STATE" "$ROOT$DELIVERY" "$ROOT$SETTINGS"
        rm -f "$ROOT$KEYS/edge-daemon.device-key" "$ROOT$KEYS/edge-daemon.contact-key" "$ROOT/etc/credstore.encrypted"/edge-daemon.*
        for user in edge-daemon-sync edge-daemon; do
            if [ -n "$(uid_of "$user")" ]; then userdel --root "$ROOT/" "$user" || say "the user $user stays"; fi
        done
        say 'everything was removed; system packages stay'
    else
        say "left: $STATE (registers, templates), $SETTINGS, $KEYS/edge-daemon.*-key, $DELIVERY, the users that own them, and system packages"
    fi
}
