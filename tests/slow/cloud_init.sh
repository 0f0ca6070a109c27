#!/bin/sh
# Holds the cloud-init files of provisioning/make_cards.py against cloud-init's own schema, in the versions of Debian 12 and 13, and
# lets the netplan of Debian 13 make NetworkManager's profile of them, which must have the password that ours has.
#
#   tests/slow/cloud_init.sh FOLDER
#
# FOLDER is for the packages and an environment (30 MB), and is used again. Needs apt-get, python3-venv and a network; installs
# nothing on this system.
set -eu
cd -- "$(dirname -- "$0")/../.."
folder=$(mkdir -p "$1" && cd "$1" && pwd)

fetch() {
    [ -d "$folder/$1/root" ] && return
    mkdir -p "$folder/$1/lists/partial"
    archive=$(grep -rhoE 'https?://[^ ]+/debian/? ' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1)
    [ -n "$archive" ] || archive=$(grep -rhoE 'https?://[^ ]+/debian/?$' /etc/apt/sources.list.d | grep -v snapshot | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $1 main" >"$folder/$1/sources.list"
    (cd "$folder/$1" &&
        set -- -o Dir::Etc::sourcelist="$PWD/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$PWD/lists" &&
        apt-get "$@" -qq update && apt-get "$@" -qq download cloud-init && dpkg -x cloud-init_*.deb root &&
        if [ "$release" = trixie ]; then
            apt-get "$@" -qq download netplan-generator libnetplan1 libc6 libglib2.0-0t64 libyaml-0-2 libuuid1 libpcre2-8-0 \
                libffi8 libsystemd0 libselinux1 libmount1 libblkid1 zlib1g libatomic1 libcap2
            for package in *.deb; do dpkg -x "$package" root; done
        fi)
}

# What netplan makes of a card's network, with the C library that it was built for.
netplan() {
    libraries=$(dirname "$(find "$folder/trixie/root/usr/lib" -name 'libnetplan.so.1' | head -n 1)")
    loader=$(find "$libraries" -name 'ld-linux-*.so.*' | head -n 1)
    rm -rf "$folder/system"
    mkdir -p "$folder/system/etc/netplan"
    sed 's/^network:$/network:\n  renderer: NetworkManager/' "$1/network-config" >"$folder/system/etc/netplan/50.yaml"
    chmod 600 "$folder/system/etc/netplan/50.yaml"
    "$loader" --library-path "$libraries" "$(find "$folder/trixie/root" -name generate -type f | head -n 1)" \
        --root-dir "$folder/system" || return 1
    [ -e "$1/edge-daemon/wifi.nmconnection" ] || return 0
    profile=$(find "$folder/system/run/NetworkManager/system-connections" -name '*wlan0*')
    [ "$(grep '^psk=' "$profile")" = "$(grep '^psk=' "$1/edge-daemon/wifi.nmconnection")" ] || return 1
    grep '^ssid=' "$profile"
}

if [ ! -x "$folder/venv/bin/python" ]; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" -q install 'jsonschema<4.18' jinja2 configobj pyyaml oauthlib jsonpatch requests
fi
rm -rf "$folder/list"
mkdir -p "$folder/list"
{
    printf 'BEGIN:VCALENDAR\r\n'
    for room in 1 2 3 4; do printf 'BEGIN:VEVENT\r\nLOCATION:%s\r\nEND:VEVENT\r\n' "$room"; done
    printf 'END:VCALENDAR\r\n'
} >"$folder/list/t.ics"
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample it is me' >"$folder/list/keys.pub"
cat >"$folder/list/rooms.csv" <<'LIST'
room,device,time_zone,timetable,wifi_ssid,wifi_password,wifi_country,wifi_security,wifi_hidden,network
1,room-1,Europe/Berlin,t.ics,School,correct horse,DE,,,
2,room-2,Europe/Berlin,t.ics,"O'Hara's ""Net"" ü: #1",pass'w\o"rd $x,DE,wpa3,yes,
3,room-3,Europe/Berlin,t.ics,Guests,,DE,open,,
4,room-4,Europe/Berlin,t.ics,,,,,,wired
LIST
python3 provisioning/make_cards.py "$folder/list/rooms.csv" --output "$folder/list/cards" \
    --admin-keys "$folder/list/keys.pub" --software . >/dev/null

failed=0
for release in bookworm trixie; do
    fetch "$release"
    modules=$folder/$release/root/usr/lib/python3/dist-packages
    check() {
        PYTHONPATH=$modules "$folder/venv/bin/python" -m cloudinit.cmd.main schema -c "$@" --annotate || failed=1
    }
    PYTHONPATH=$modules "$folder/venv/bin/python" -m cloudinit.cmd.main --version
    for card in "$folder"/list/cards/*; do
        check "$card/user-data"
        # cloud-init's schema of networks knows no Wi-Fi: it hands such a file on to netplan.
        [ "$release" = bookworm ] || netplan "$card" || { echo "netplan: $card"; failed=1; }
    done
done
exit "$failed"
