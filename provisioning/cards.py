"""The contents of one device's boot partition: the folder edge-daemon/, and the files that the system reads first.

The device's program (edge_daemon/app/firstboot) needs only the folder. The files of cloud-init and firstrun.sh
configure what the system needs before that: its user, its name, and on Trixie the network. A missing program can then
be fetched.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioning.quoting import keyfile_ssid, keyfile_text, pre_shared_key, shell_word, yaml_text
from provisioning.rooms import Room, Wifi
from provisioning.settings import config_toml

FOLDER = "edge-daemon"
FORMAT = 1
"""Format of card.json; the device refuses newer ones."""
SYSTEMS = ("trixie", "bookworm")
MEMORY_CONTROLLER = "cgroup_enable=memory"


@dataclass(frozen=True, slots=True)
class Admin:
    """The account that may log in to every device, by key only."""

    name: str
    keys: Sequence[str]


def card(room: Room, system: str, admin: Admin, *, software: bool) -> dict[str, bytes]:
    """Return the files for one device, as a mapping of the path on the boot partition to the content.

    Args:
        room: the device.
        system: the Raspberry Pi OS on the card; one of SYSTEMS.
        admin: the administrator's account.
        software: whether the folder also contains the program.
    """
    inner = _folder(room, software=software)
    outer = _cloud_init(room, admin, software=software) if system == "trixie" else _firstrun(room, admin)
    files = {**{f"{FOLDER}/{name}": content for name, content in inner.items()}, **outer}
    files[f"{FOLDER}/card.json"] = _manifest(room, inner, system)
    return files


def boot_lines(room: Room, system: str) -> dict[str, list[str]]:
    """Return the additions to files of the system: maps a file to its lines, or to the words of cmdline.txt."""
    # A Raspberry Pi disables it by default; the units' memory limits need it.
    added: dict[str, list[str]] = {"cmdline.txt": [MEMORY_CONTROLLER]}
    if system == "bookworm":
        added["cmdline.txt"] += [
            "systemd.run=/boot/firmware/firstrun.sh",
            "systemd.run_success_action=reboot",
            "systemd.unit=kernel-command-line.target",
        ]
    else:
        # The id on the kernel's command line overrides that of meta-data (cloud-init, NoCloud).
        added["cmdline.txt"] += [f"ds=nocloud;i={instance_id(room)}"]
    if room.rtc == "pi5":
        added["config.txt"] = ["[all]", "dtparam=rtc_bbat_vchg=3000000"]
    elif room.rtc:
        added["config.txt"] = ["[all]", "dtparam=i2c_arm=on", f"dtoverlay=i2c-rtc,{room.rtc}"]
    return added


def instance_id(room: Room) -> str:
    """Return an id that changes with the card's contents, because cloud-init reads a card again only with a new id."""
    contents = json.dumps(
        [room.device, room.room, room.wifi and room.wifi.ssid, sorted(map(str, room.settings.items()))]
    )
    return f"edge-daemon-{room.device}-{hashlib.sha256(contents.encode()).hexdigest()[:8]}"


def _folder(room: Room, *, software: bool) -> dict[str, bytes]:
    heading = f"Room {room.room}; made by provisioning/make_cards.py. docs/config.example.toml has every key."
    files = {"config.toml": config_toml(room.settings, heading).encode(), **room.files, **room.secrets}
    if room.wifi:
        files["wifi.nmconnection"] = keyfile(room.device, room.wifi).encode()
    if software:
        files["hook.sh"] = HOOK.encode()
    return files


def _manifest(room: Room, inner: Mapping[str, bytes], system: str) -> bytes:
    """Return card.json with the purpose and the files of the folder. It is written to the card last and read first."""
    secret = {*room.secrets, "wifi.nmconnection"} & set(inner)
    manifest = {
        "format": FORMAT,
        "made": uuid.uuid4().hex,  # distinguishes this card from an earlier one of the same line
        "device": room.device,
        "room": room.room,
        "system": system,
        "time_zone": room.settings["device", "time_zone"],
        "network": room.network,
        "wifi_country": room.wifi.country if room.wifi else "",
        "rtc": room.rtc,
        "watchdog": room.watchdog,
        # No hash of a secret, because a short password could be guessed from it.
        "files": {name: hashlib.sha256(inner[name]).hexdigest() for name in sorted(set(inner) - secret)},
        "secrets": {name: len(inner[name]) for name in sorted(secret)},
    }
    return (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()


def keyfile(device: str, wifi: Wifi) -> str:
    """Return a profile for NetworkManager (nm-settings-keyfile(5))."""
    lines = [
        "[connection]",
        "id=edge-daemon",
        f"uuid={uuid.uuid5(uuid.NAMESPACE_DNS, f'{device}.edge-daemon.invalid')}",
        "type=wifi",
        # Without limit, because a router may be off for a whole holiday.
        "autoconnect-retries=0",
        "",
        "[wifi]",
        "mode=infrastructure",
        f"ssid={keyfile_ssid(wifi.ssid)}",
        *(["hidden=true"] if wifi.hidden else []),
        "",
    ]
    if wifi.security != "open":
        wpa3 = wifi.security == "wpa3"
        lines += ["[wifi-security]", f"key-mgmt={'sae' if wpa3 else 'wpa-psk'}", f"psk={keyfile_text(_key(wifi))}", ""]
    return "\n".join([*lines, "[ipv4]", "method=auto", "", "[ipv6]", "method=auto", ""])


def _key(wifi: Wifi) -> str:
    """Return the text that the connection file stores as the password: for WPA2 the key derived from it."""
    if wifi.security == "wpa3" or len(wifi.password) == 64:
        return wifi.password
    return pre_shared_key(wifi.ssid, wifi.password)


def _cloud_init(room: Room, admin: Admin, *, software: bool) -> dict[str, bytes]:
    """Return the three files of cloud-init's data source NoCloud, as Raspberry Pi OS Trixie reads them."""
    user = [
        "#cloud-config",
        f"# Room {room.room}. Nothing secret is in this file: it stays on the card.",
        f"hostname: {room.device}",
        "manage_etc_hosts: true",
        f"timezone: {yaml_text(str(room.settings['device', 'time_zone']))}",
        "ssh_pwauth: false",
        "users:",
        f"  - name: {admin.name}",
        "    groups: [adm, sudo, video, netdev]",
        "    shell: /bin/bash",
        "    lock_passwd: true",
    ]
    if admin.keys:
        user += ['    sudo: "ALL=(ALL) NOPASSWD:ALL"', "    ssh_authorized_keys:"]
        user += [f"      - {yaml_text(key)}" for key in admin.keys]
    if software:
        # At every start, so that a power cut does no harm; the hook does nothing once the program is installed.
        user += ["bootcmd:", "  - [sh, /boot/firmware/edge-daemon/hook.sh]"]
    # Disabled at the end, because the network's file on the card is empty by then.
    user += ["runcmd:"]
    if admin.keys:
        user += ["  - [systemctl, enable, --now, ssh]"]
    user += ["  - [touch, /etc/cloud/cloud-init.disabled]"]
    return {
        "user-data": ("\n".join(user) + "\n").encode(),
        "meta-data": f"instance-id: {instance_id(room)}\ndsmode: local\n".encode(),
        "network-config": network_config(room.wifi).encode(),
    }


def network_config(wifi: Wifi | None) -> str:
    """Return cloud-init's network settings in netplan's version 2: an optional cable, and the wireless network."""
    lines = ["network:", "  version: 2", "  ethernets:", "    eth0:", "      dhcp4: true", "      optional: true"]
    if wifi:
        lines += [
            "  wifis:",
            "    wlan0:",
            "      dhcp4: true",
            "      optional: true",
            f"      regulatory-domain: {yaml_text(wifi.country)}",
            "      access-points:",
            f"        {yaml_text(wifi.ssid)}:",
            f"          hidden: {str(wifi.hidden).lower()}",
        ]
        if wifi.security == "wpa3":
            lines += [
                "          auth:",
                "            key-management: sae",
                f"            password: {yaml_text(_key(wifi))}",
            ]
        elif wifi.security == "wpa2":
            lines += [f"          password: {yaml_text(_key(wifi))}"]
    return "\n".join(lines) + "\n"


def _firstrun(room: Room, admin: Admin) -> dict[str, bytes]:
    """Return the script that Raspberry Pi OS Bookworm runs once, like that of Raspberry Pi Imager."""
    custom = "/usr/lib/raspberrypi-sys-mods/imager_custom"
    keys = " ".join(shell_word(key) for key in admin.keys)
    lines = [
        "#!/bin/sh",
        "# Runs once, before the first real start (systemd.run= in cmdline.txt), and removes itself.",
        "# Nothing in it is secret.",
        "set +e",
        "boot=/boot/firmware",
        f"custom={custom}",
        "if [ -x /usr/lib/userconf-pi/userconf ]; then",
        "    # An account without a password; the wizard that would wait for a keyboard is gone with it.",
        f"    /usr/lib/userconf-pi/userconf {shell_word(admin.name)} '!'",
        "fi",
        'if [ -x "$custom" ]; then',
        f'    "$custom" set_hostname {shell_word(room.device)}',
        f'    "$custom" set_timezone {shell_word(str(room.settings["device", "time_zone"]))}',
    ]
    if keys:
        lines += [f'    "$custom" enable_ssh -k {keys}']
    if room.wifi:
        lines += [f'    "$custom" set_wlan_country {shell_word(room.wifi.country)}']
    lines += [
        "fi",
        f'[ -f "$boot/{FOLDER}/hook.sh" ] && sh "$boot/{FOLDER}/hook.sh"',
        'rm -f "$boot/firstrun.sh"',
        "sed -i 's| systemd\\.run[a-z_]*=[^ ]*||g; s| systemd\\.unit=[^ ]*||g' \"$boot/cmdline.txt\"",
        "sync",
        "exit 0",
    ]
    return {"firstrun.sh": ("\n".join(lines) + "\n").encode()}


HOOK = """\
#!/bin/sh
# Installs the program from the card when the system is up, again at every start until it is there.
set -eu
boot=/boot/firmware
[ -d "$boot/edge-daemon" ] || boot=/boot
unit=/etc/systemd/system/edge-daemon-software.service
if [ -x /opt/edge-daemon/venv/bin/edge-daemon ] || [ ! -f "$boot/edge-daemon/software/install.sh" ]; then
    exit 0
fi
wheels=''
if [ -d "$boot/edge-daemon/software/wheelhouse" ]; then
    wheels="--offline $boot/edge-daemon/software/wheelhouse"
fi
cat >"$unit.part" <<UNIT
[Unit]
Description=Installs the classroom attendance daemon from its card
ConditionPathExists=!/opt/edge-daemon/venv/bin/edge-daemon
ConditionPathExists=$boot/edge-daemon/software/install.sh
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=/bin/sh $boot/edge-daemon/software/install.sh --yes $wheels
ExecStartPost=/bin/systemctl start --no-block edge-daemon-firstboot.service
Restart=on-failure
RestartSec=120
[Install]
WantedBy=multi-user.target
UNIT
sync "$unit.part"
mv "$unit.part" "$unit"
systemctl enable edge-daemon-software.service
systemctl start --no-block edge-daemon-software.service 2>/dev/null || true
"""
