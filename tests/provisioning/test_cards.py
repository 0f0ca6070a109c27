"""The contents of a card, read back by the rules of each file format."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from edge_daemon.configfile import load_config
from provisioning.quoting import keyfile_text, pre_shared_key
from tests.provisioning.lists import GOOD, ROOT, TIMETABLE, TOKEN, cards, make_cards, write_list, write_program

NAMES = [
    "School",
    "O'Hara's \"Net\"",
    "Größe über £ 網",
    "$HOME `id` $(id) \\n",
    " blanks ",
    "1;2;3;",
    "12345",
    "#hash: - {x} [y] &a *b !c |d >e",
    "%f @g ?h",
    "null",
    "back\\slash",
    "🏫",
]
PASSWORDS = ["pass'word\"x", "Größe-über-網", "$HOME`id`\\n\\", "  blanks both ends ", "12345678", "#: {}[]&*!|>'\"%@`"]
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample me@laptop"


def read_keyfile(text):
    """Parse as GKeyFile does: `=` once, no interpolation, and its escapes."""
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=True)
    parser.optionxform = str
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


def unescaped(value):
    for escape, meant in (("\\\\", "\0"), ("\\s", " "), ("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r"), ("\0", "\\")):
        value = value.replace(escape, meant)
    return value


def ssid_of(value):
    """Read `ssid=` as NetworkManager does: numbers and semicolons are bytes, all else is text."""
    if value.endswith(";") and all(part.isdigit() for part in value[:-1].split(";")):
        return bytes(int(part) for part in value[:-1].split(";")).decode("utf-8")
    return unescaped(value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("security", ["wpa2", "wpa3"])
def test_a_networks_name_comes_out_as_it_went_in(tmp_path, name, security):
    folder = cards(tmp_path, {**GOOD, "wifi_ssid": name, "wifi_security": security}) / "room-7a"
    network = yaml.safe_load((folder / "network-config").read_text(encoding="utf-8"))["network"]
    assert list(network["wifis"]["wlan0"]["access-points"]) == [name]
    profile = read_keyfile((folder / "edge-daemon/wifi.nmconnection").read_text(encoding="utf-8"))
    assert ssid_of(profile["wifi"]["ssid"]) == name


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_of_wpa3_comes_out_as_it_went_in(tmp_path, password):
    folder = cards(tmp_path, {**GOOD, "wifi_password": password, "wifi_security": "wpa3"}) / "room-7a"
    network = yaml.safe_load((folder / "network-config").read_text(encoding="utf-8"))["network"]
    auth = network["wifis"]["wlan0"]["access-points"]["School"]["auth"]
    assert auth == {"key-management": "sae", "password": password}
    text = (folder / "edge-daemon/wifi.nmconnection").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("psk=")]
    assert unescaped(line.removeprefix("psk=")) == password


def test_blanks_of_a_keyfile_survive():
    assert [keyfile_text(text) for text in (" ", " a ", "a b")] == ["\\s", "\\sa\\s", "a b"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_of_wpa2_is_not_on_the_card_but_the_key_that_is_made_of_it(tmp_path, password):
    folder = cards(tmp_path, {**GOOD, "wifi_password": password}) / "room-7a"
    key = pre_shared_key("School", password)
    assert all(password not in path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())
    assert f"psk={key}\n" in (folder / "edge-daemon/wifi.nmconnection").read_text(encoding="utf-8")
    assert key in (folder / "network-config").read_text(encoding="utf-8")


def test_the_key_is_that_of_the_standard():
    """IEEE 802.11-2016, J.4.2, test vector 1."""
    key = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert pre_shared_key("IEEE", "password") == key


def test_a_key_instead_of_a_password_is_taken_as_it_is(tmp_path):
    folder = cards(tmp_path, {**GOOD, "wifi_password": "ab" * 32}) / "room-7a"
    assert f"psk={'ab' * 32}\n" in (folder / "edge-daemon/wifi.nmconnection").read_text()


def test_an_open_network_has_no_key(tmp_path):
    folder = cards(tmp_path, {**GOOD, "wifi_password": "", "wifi_security": "open", "wifi_hidden": "yes"}) / "room-7a"
    profile = read_keyfile((folder / "edge-daemon/wifi.nmconnection").read_text())
    assert "wifi-security" not in profile
    assert profile["wifi"]["hidden"] == "true"
    network = yaml.safe_load((folder / "network-config").read_text())["network"]
    assert network["wifis"]["wlan0"]["access-points"] == {"School": {"hidden": True}}


def test_the_daemon_reads_its_settings(tmp_path):
    row = {
        **GOOD,
        "room": 'Raum "7" \\ ü',
        "timetable": "own.ics",
        "timetable_room": 'Raum "7" \\ ü',
        "mail.office": "a@school.example | b@school.example",
        "lesson.captures": "60",
        "rule.share": "0.5",
        "mail.guardians": "yes",
    }
    (tmp_path / "own.ics").write_text(TIMETABLE.format('Raum "7" \\\\ ü'), encoding="utf-8")
    folder = cards(tmp_path, row) / "room-7a/edge-daemon"
    config = load_config(folder / "config.toml")
    assert (config.device.name, config.device.time_zone) == ("room-7a", "Europe/Berlin")
    assert (config.timetable.files, config.timetable.room) == (("timetable.ics",), ('Raum "7" \\ ü',))
    assert (config.upstream.url, config.upstream.token_file) == (GOOD["upstream_url"], "upstream-token")
    assert (config.lesson.captures, config.rule.share) == (60, 0.5)
    assert (config.mail.office, config.mail.guardians) == (("a@school.example", "b@school.example"), True)


def test_a_timetable_may_come_from_the_server(tmp_path):
    folder = cards(tmp_path, {**GOOD, "timetable": "upstream"}) / "room-7a/edge-daemon"
    assert load_config(folder / "config.toml").timetable.files == ("upstream",)
    assert not (folder / "timetable.ics").exists()
    result = make_cards(write_list(tmp_path, {**GOOD, "timetable": "upstream", "upstream_url": ""}), tmp_path / "none")
    assert "line 2, timetable: comes from the server: give upstream_url" in result.stderr


def test_a_webdav_server_knows_a_device_by_its_name(tmp_path):
    folder = cards(tmp_path, {**GOOD, "upstream_kind": "webdav"}) / "room-7a/edge-daemon"
    assert load_config(folder / "config.toml").upstream.username == "room-7a"


def test_the_manifest_names_every_file_and_has_only_the_lengths_of_secrets(tmp_path):
    folder = cards(tmp_path, GOOD) / "room-7a/edge-daemon"
    manifest = json.loads((folder / "card.json").read_text())
    assert {*manifest["files"], *manifest["secrets"], "card.json"} == {path.name for path in folder.iterdir()}
    assert manifest["secrets"] == {
        "upstream-token": len(TOKEN) + 1,
        "wifi.nmconnection": manifest["secrets"]["wifi.nmconnection"],
    }
    assert TOKEN not in (folder / "card.json").read_text()


def test_folders_are_for_their_owner_only(tmp_path):
    output = cards(tmp_path, GOOD)
    assert output.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in output.rglob("upstream-token"))


def test_user_data_holds_no_secret_and_lets_in_by_key_only(tmp_path):
    (tmp_path / "keys.pub").write_text(f"{PUBLIC_KEY}\n")
    folder = cards(tmp_path, GOOD, options=("--admin-keys", str(tmp_path / "keys.pub"))) / "room-7a"
    text = (folder / "user-data").read_text()
    assert text.startswith("#cloud-config\n")
    user_data = yaml.safe_load(text)
    assert (user_data["hostname"], user_data["timezone"]) == ("room-7a", "Europe/Berlin")
    assert user_data["ssh_pwauth"] is False
    (user,) = user_data["users"]
    assert (user["lock_passwd"], user["ssh_authorized_keys"]) == (True, [PUBLIC_KEY])
    assert pre_shared_key("School", GOOD["wifi_password"]) not in text
    assert yaml.safe_load((folder / "meta-data").read_text())["instance-id"].startswith("edge-daemon-room-7a-")


@pytest.mark.parametrize(
    ("text", "expected_message"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXkt\nAAAA\n", "is a private key; give the public one"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "is a private key; give the public one"),
        (f"{PUBLIC_KEY}\nhello\nworld\n", "key 2 is not an OpenSSH public key"),
        ("", "has no key"),
    ],
)
def test_an_invalid_public_key_is_one_line(tmp_path, text, expected_message):
    (tmp_path / "id").write_text(text)
    result = make_cards(write_list(tmp_path, GOOD), tmp_path / "cards", "--admin-keys", str(tmp_path / "id"))
    (line,) = result.stderr.splitlines()
    assert (result.returncode, line.startswith(f"{tmp_path / 'id'}: {expected_message}")) == (2, True)


@pytest.mark.parametrize("name", ["root", "edge-daemon", "www-data", "systemd-network"])
def test_an_account_of_the_system_does_not_become_the_technicians(tmp_path, name):
    result = make_cards(write_list(tmp_path, GOOD), tmp_path / "cards", "--admin-name", name)
    expected_message = f"--admin-name: “{name}” is an account of the system, not of a person\n"
    assert (result.returncode, result.stderr) == (2, expected_message)


def test_a_folder_in_the_place_of_the_list_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = make_cards(Path(), tmp_path / "cards")
    assert (result.returncode, result.stderr) == (2, ".: can't be read: Is a directory\n")


@pytest.mark.parametrize("output", ["a-file/CARDS", "proc/CARDS"])
def test_where_nothing_can_be_made_the_folder_that_was_given_is_named(tmp_path, output):
    rooms = write_list(tmp_path, GOOD)
    (tmp_path / "a-file").write_text("")
    (tmp_path / "proc").symlink_to("/proc/self")  # which refuses new names, to root, too
    result = make_cards(rooms, tmp_path / output)
    (line,) = result.stderr.splitlines()
    assert (result.returncode, line.endswith("; nothing was made")) == (2, True)
    assert line.startswith(
        (f"{tmp_path / output}: can't be written", f"{(tmp_path / output).parent}: can't be written")
    )
    assert "/." not in line


@pytest.fixture
def software(tmp_path):
    folder = write_program(tmp_path / "release")
    (folder / "wheelhouse").mkdir()
    (folder / "wheelhouse/numpy-2-py3-none-any.whl").write_bytes(b"PK")
    return folder


def test_the_scripts_are_clean(tmp_path, software):
    shellcheck = shutil.which("shellcheck") or pytest.skip("needs shellcheck")
    (tmp_path / "keys.pub").write_text(PUBLIC_KEY.replace("me@laptop", "it's me"))
    options = ("--os", "bookworm", "--software", str(software), "--admin-keys", str(tmp_path / "keys.pub"))
    folder = cards(tmp_path, GOOD, options=options) / "room-7a"
    completed = subprocess.run(
        [shellcheck, "--shell=sh", str(folder / "firstrun.sh"), str(folder / "edge-daemon/hook.sh")],
        capture_output=True,
        text=True,
    )
    assert (completed.returncode, completed.stdout) == (0, "")


def test_the_first_run_of_bookworm_sets_up_the_system_and_takes_itself_away(tmp_path):
    (tmp_path / "keys.pub").write_text(PUBLIC_KEY.replace("me@laptop", "it's $me"))
    options = ("--os", "bookworm", "--admin-keys", str(tmp_path / "keys.pub"))
    source = cards(tmp_path, GOOD, options=options) / "room-7a/firstrun.sh"
    boot, log = tmp_path / "boot", tmp_path / "log"
    boot.mkdir()
    (boot / "cmdline.txt").write_text(
        "console=tty1 root=PARTUUID=1-02 rootwait systemd.run=/boot/firmware/firstrun.sh"
        " systemd.run_success_action=reboot systemd.unit=kernel-command-line.target\n"
    )
    stub = tmp_path / "stub"
    stub.write_text(f'#!/bin/sh\nfor word; do printf "%s|" "$word"; done >>{log}\necho >>{log}\n')
    stub.chmod(0o755)
    text = source.read_text().replace("/usr/lib/raspberrypi-sys-mods/imager_custom", str(stub))
    text = text.replace("/usr/lib/userconf-pi/userconf", str(stub)).replace("/boot/firmware\n", f"{boot}\n")
    (boot / "firstrun.sh").write_text(text)
    for _ in range(2):  # a power cut before the end makes it run again
        assert subprocess.run(["sh", "-c", text], capture_output=True).returncode == 0
    assert log.read_text().splitlines()[:5] == [
        "technician|!|",
        "set_hostname|room-7a|",
        "set_timezone|Europe/Berlin|",
        f"enable_ssh|-k|{PUBLIC_KEY.replace('me@laptop', 'it' + chr(39) + 's $me')}|",
        "set_wlan_country|DE|",
    ]
    assert (boot / "cmdline.txt").read_text() == "console=tty1 root=PARTUUID=1-02 rootwait\n"
    assert not (boot / "firstrun.sh").exists()


def test_the_hook_leaves_a_service_that_installs_until_the_program_is_there(tmp_path, software):
    source = cards(tmp_path, GOOD, options=("--software", str(software))) / "room-7a/edge-daemon"
    boot, units, program = tmp_path / "boot", tmp_path / "units", tmp_path / "program"
    shutil.copytree(source, boot / "edge-daemon")
    units.mkdir()
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "systemctl").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/log\n')
    (stubs / "systemctl").chmod(0o755)
    text = (source / "hook.sh").read_text().replace("boot=/boot/firmware", f"boot={boot}")
    text = text.replace("/etc/systemd/system", str(units)).replace(
        "/opt/edge-daemon/venv/bin/edge-daemon", str(program)
    )
    environment = {**os.environ, "PATH": f"{stubs}:{os.environ['PATH']}"}
    for _ in range(2):
        assert subprocess.run(["sh", "-c", text], env=environment).returncode == 0
    unit = (units / "edge-daemon-software.service").read_text()
    install = f"/bin/sh {boot}/edge-daemon/software/install.sh --yes --offline {boot}/edge-daemon/software/wheelhouse"
    assert f"ExecStart={install}\n" in unit
    assert "Restart=on-failure" in unit
    assert (tmp_path / "log").read_text().splitlines()[0] == "enable edge-daemon-software.service"
    (units / "edge-daemon-software.service").unlink()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert subprocess.run(["sh", "-c", text], env=environment).returncode == 0
    assert list(units.iterdir()) == []


def test_the_list_of_the_install_page_makes_cards_for_the_server_of_the_pages(tmp_path):
    text = (ROOT / "docs" / "INSTALL.md").read_text("utf-8").partition("```csv\n")[2].partition("```")[0]
    (tmp_path / "ROOMS.csv").write_text(text, encoding="utf-8")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "7a.txt").write_text(f"{TOKEN}\n")
    for name, room in (("school.ics", "7a"), ("cellar.ics", "Cellar")):
        (tmp_path / name).write_text(TIMETABLE.format(room), encoding="utf-8")
    result = make_cards(tmp_path / "ROOMS.csv", tmp_path / "CARDS")
    assert result.returncode == 0, result.stderr
    upstream = load_config(tmp_path / "CARDS" / "room-7a" / "edge-daemon" / "config.toml").upstream
    assert (upstream.kind, upstream.username) == ("webdav", "room-7a")
