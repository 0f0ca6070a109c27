"""The first start of a prepared card: all is in its place, no secret is left, and it recovers from any power cut."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import sys

import pytest

from edge_daemon.app.firstboot import steps
from edge_daemon.configfile import load_config
from edge_daemon.device.signing import Signer, fingerprint
from edge_daemon.errors import ConfigError, ProvisioningError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from provisioning.quoting import pre_shared_key
from tests.provisioning.devices import Device, card_folder
from tests.provisioning.lists import GOOD, TIMETABLE, TOKEN

KEY = pre_shared_key(GOOD["wifi_ssid"], GOOD["wifi_password"]).encode()
ROOM_WITHOUT_NETWORK = {
    "network": "none", "rtc": "ds3231", "upstream_url": "", "upstream_token_file": "",
    "wifi_ssid": "", "wifi_password": "", "wifi_country": "",
}  # fmt: skip


@pytest.fixture
def device(tmp_path):
    return Device(tmp_path / "device")


def on_boot_partition(device, content):
    return [name for name, (_, found) in device.files().items() if name.startswith("boot/") and content in found]


def test_the_first_boot_puts_each_file_in_its_place_and_starts_the_service(device, tmp_path):
    device.put(card_folder(tmp_path, watchdog="yes"))
    who, warning = device.start()
    assert (who.device, who.room, warning) == ("room-7a", "7a", "")
    assert load_config(device.root / "etc/edge-daemon/config.toml").device.name == "room-7a"
    assert device.text("etc/edge-daemon/timetable.ics") == TIMETABLE.format("7a").replace("\r\n", "\n")
    modes = {name: mode & 0o777 for name, (mode, _) in device.files().items()}
    for name in ("device-key", "contact-key", "upstream-token"):
        assert modes[f"etc/credstore/edge-daemon.{name}"] == 0o600
    assert device.text("etc/credstore/edge-daemon.upstream-token") == TOKEN
    profile = "etc/NetworkManager/system-connections/edge-daemon.nmconnection"
    assert modes[profile] == 0o600, "NetworkManager ignores others"
    assert KEY.decode() in device.text(profile)
    assert device.text("etc/hostname") == "room-7a\n"
    assert device.text("etc/hosts") == "127.0.0.1\tlocalhost\n127.0.1.1\troom-7a\n"
    assert str((device.root / "etc/localtime").readlink()) == "/usr/share/zoneinfo/Europe/Berlin"
    assert device.text("etc/timezone") == "Europe/Berlin\n"
    assert "RuntimeWatchdogSec=15s" in device.text("etc/systemd/system.conf.d/80-edge-daemon-watchdog.conf")
    assert ["raspi-config", "nonint", "do_wifi_country", "DE"] in device.commands
    assert device.commands[-2:] == [
        ["systemctl", "enable", "edge-daemon.service"],
        ["systemctl", "start", "--no-block", "edge-daemon.service"],
    ]


@pytest.mark.parametrize("system", ["trixie", "bookworm"])
def test_no_secret_and_no_timetable_stays_on_the_boot_partition(device, tmp_path, system):
    device.put(card_folder(tmp_path, options=("--os", system)))
    assert on_boot_partition(device, KEY)
    device.start()
    assert on_boot_partition(device, KEY) == []
    assert on_boot_partition(device, TOKEN.encode()) == []
    assert on_boot_partition(device, b"VCALENDAR") == []
    assert not (device.boot / "edge-daemon").exists()


def test_the_identity_is_where_people_look_and_is_that_of_the_key(device, tmp_path):
    device.put(card_folder(tmp_path))
    who, _ = device.start()
    public_key = Signer((device.root / "etc/credstore/edge-daemon.device-key").read_bytes()).public_key
    assert who.public_key == public_key
    identity = dict(line.split(": ", 1) for line in device.text("boot/firmware/edge-daemon-identity.txt").splitlines())
    assert (identity["device"], identity["room"], identity["public_key"]) == ("room-7a", "7a", public_key)
    assert identity["fingerprint"] == fingerprint(public_key)
    assert fingerprint(public_key) in device.text("etc/issue.d/edge-daemon.issue")
    assert json.loads(device.text("etc/edge-daemon/identity.json"))["public_key"] == public_key


def test_a_key_that_was_brought_back_is_the_identity_again(device, tmp_path):
    device.put(card_folder(tmp_path))
    device.start()
    (device.root / "etc/credstore/edge-daemon.device-key").write_bytes(b"o" * 32)
    who, warning = device.start()
    public_key = Signer(b"o" * 32).public_key
    assert (who.device, who.room, who.public_key, warning) == ("room-7a", "7a", public_key, "")
    assert f"public_key: {public_key}" in device.text("boot/firmware/edge-daemon-identity.txt")
    assert json.loads(device.text("etc/edge-daemon/identity.json"))["public_key"] == public_key
    assert fingerprint(public_key) in device.text("etc/issue.d/edge-daemon.issue")
    before = device.files()
    assert device.start() is None
    assert device.files() == before


@pytest.mark.parametrize("key", [None, b"short"])
def test_without_a_whole_key_the_identity_stays_as_it_was_written_down(device, tmp_path, key):
    device.put(card_folder(tmp_path))
    device.start()
    place = device.root / "etc/credstore/edge-daemon.device-key"
    place.unlink() if key is None else place.write_bytes(key)
    before = device.files()
    assert device.start() is None
    assert device.files() == before


def test_without_a_card_nothing_happens(device):
    before = device.files()
    assert device.start() is None
    assert (device.files(), device.commands) == (before, [])


def test_two_devices_of_one_master_card_have_keys_of_their_own(tmp_path):
    keys = set()
    for name in ("room-1", "room-2"):
        device = Device(tmp_path / name)
        (device.root / "etc/credstore").mkdir()
        for key in ("device-key", "contact-key"):
            (device.root / f"etc/credstore/edge-daemon.{key}").write_bytes(b"m" * 32)
        (device.root / "etc/edge-daemon").mkdir()
        (device.root / "etc/edge-daemon/config.toml").write_text(f'[device]\nname = "{name}"\n')
        device.put(card_folder(tmp_path, device=name))
        device.start()
        keys |= {
            (device.root / f"etc/credstore/edge-daemon.{key}").read_bytes() for key in ("device-key", "contact-key")
        }
    assert len(keys) == 4
    assert b"m" * 32 not in keys


def test_a_new_card_for_the_same_device_keeps_its_keys_and_its_old_settings_beside(device, tmp_path):
    device.put(card_folder(tmp_path))
    first, _ = device.start()
    device.put(card_folder(tmp_path, **{"lesson.captures": "60"}, **ROOM_WITHOUT_NETWORK))
    second, warning = device.start()
    assert second.public_key == first.public_key
    assert load_config(device.root / "etc/edge-daemon/config.toml").lesson.captures == 60
    assert "captures" not in device.text("etc/edge-daemon/config.toml.before")
    assert not device.has("etc/credstore/edge-daemon.upstream-token")
    assert not device.has("etc/NetworkManager/system-connections/edge-daemon.nmconnection")
    assert "no clock chip" in warning


def test_the_same_card_made_again_is_taken_over_again(device, tmp_path):
    device.put(card_folder(tmp_path))
    device.start()
    (device.root / "etc/edge-daemon/config.toml").write_text("[device]\n")
    device.put(card_folder(tmp_path))
    device.start()
    assert load_config(device.root / "etc/edge-daemon/config.toml").device.name == "room-7a"


def in_use(device):
    """Make the databases of a device that has had a lesson."""
    home = Home()
    path = device.root / home.register_db_path.relative_to("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE lessons (lesson_id TEXT)")
        db.execute("INSERT INTO lessons VALUES ('x')")
    db.close()


def test_a_copy_of_a_used_card_is_refused_before_anything_is_changed(device, tmp_path):
    device.put(card_folder(tmp_path))
    device.start()
    in_use(device)
    device.put(card_folder(tmp_path, room="7b", device="room-7b", timetable_room="7a"))
    before = device.files()
    with pytest.raises(ProvisioningError, match="this card was used as room-7a: it is a copy"):
        device.start()
    after = device.files()
    assert after.pop("boot/firmware/edge-daemon-problem.txt")[1].startswith(b"room-7b: this card was used as room-7a")
    assert after == before


def test_a_device_in_use_that_was_set_up_by_hand_takes_a_card_of_its_own_name(device, tmp_path):
    in_use(device)
    (device.root / "etc/edge-daemon").mkdir()
    (device.root / "etc/credstore").mkdir()
    (device.root / "etc/credstore/edge-daemon.device-key").write_bytes(b"k" * 32)
    device.put(card_folder(tmp_path))
    with pytest.raises(ProvisioningError, match="used as another device"):
        device.start()
    (device.root / "etc/edge-daemon/config.toml").write_text('[device]\nname = "room-7a"\n')
    device.start()
    assert (device.root / "etc/credstore/edge-daemon.device-key").read_bytes() == b"k" * 32
    assert not device.has("boot/firmware/edge-daemon-problem.txt")


def test_databases_that_the_master_card_made_are_begun_anew(device, tmp_path):
    path = device.root / Home().register_db_path.relative_to("/")
    path.parent.mkdir(parents=True)
    open_register(path).close()
    device.put(card_folder(tmp_path))
    device.start()
    assert not path.exists()


def test_a_room_without_network_and_clock_chip_is_set_up_with_a_warning(device, tmp_path):
    device.put(card_folder(tmp_path, **ROOM_WITHOUT_NETWORK))
    _, warning = device.start()
    assert "every register will be inconclusive" in warning
    assert "warning: this room has no network" in device.text("boot/firmware/edge-daemon-identity.txt")
    (device.root / "sys/class/rtc/rtc0").mkdir()
    device.put(card_folder(tmp_path, **ROOM_WITHOUT_NETWORK))
    assert device.start()[1] == ""


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE = {
    "settings cut off": lambda folder: half(folder / "config.toml"),
    "timetable missing": lambda folder: (folder / "timetable.ics").unlink(),
    "token cut off": lambda folder: half(folder / "upstream-token"),
    "manifest cut off": lambda folder: half(folder / "card.json"),
    "manifest of a newer program": lambda folder: change_manifest(folder, format=2),
    "name that leaves the folder": lambda folder: change_manifest(folder, files={"../../etc/passwd": ""}),
    "device that is a path": lambda folder: change_manifest(folder, device="../x"),
    "time zone that is a path": lambda folder: change_manifest(folder, time_zone="../../etc/passwd"),
    "time zone that nobody knows": lambda folder: change_manifest(folder, time_zone="Mars/Base"),
    "manifest that is a list": lambda folder: (folder / "card.json").write_text("[]"),
}


def change_manifest(folder, **changes):
    manifest = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**manifest, **changes}))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_card_that_is_not_whole_changes_nothing_and_says_so_on_the_card(device, tmp_path, damage):
    device.put(card_folder(tmp_path))
    DAMAGE[damage](device.boot / "edge-daemon")
    before = device.files()
    with pytest.raises((ProvisioningError, ConfigError)) as error:
        device.start()
    after = device.files()
    assert after.pop("boot/firmware/edge-daemon-problem.txt")[1].decode().strip() == error.value.line()
    assert after == before
    assert device.commands == []


def test_settings_that_the_program_refuses_change_nothing(device, tmp_path):
    device.put(card_folder(tmp_path))
    text = '[device]\nname = "room-7a"\nnmae = 1\n'
    (device.boot / "edge-daemon/config.toml").write_text(text)
    change_manifest(device.boot / "edge-daemon", files={"config.toml": hashlib.sha256(text.encode()).hexdigest()})
    with pytest.raises(ConfigError, match="did you mean"):
        device.start()
    assert not device.has("etc/edge-daemon/config.toml")


WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.truncate", "os.chmod", "shutil.rmtree"}


def cut_off(device, at):
    """Start the device in a process that is killed before change `at` of the disk; return whether it was killed."""
    child = os.fork()
    if child == 0:
        seen = 0

        def audit(event, arguments):
            nonlocal seen
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if writes or event in WRITES:
                seen += 1
                if seen == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
        try:
            device.start()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(("system", "every"), [("trixie", 1), ("bookworm", 9)])
def test_after_a_power_cut_at_every_step_the_next_start_brings_the_same_end(tmp_path, system, every):
    source = card_folder(tmp_path, watchdog="yes", options=("--os", system))
    whole = Device(tmp_path / "whole")
    whole.put(source)
    whole.start()
    ours = ("etc/credstore/edge-daemon.device-key", "etc/credstore/edge-daemon.contact-key")
    card_file = "boot/firmware/edge-daemon-identity.txt"
    identity_files = ("etc/edge-daemon/identity.json", "etc/issue.d/edge-daemon.issue", card_file)
    expected = {name: file for name, file in whole.files().items() if name not in (*ours, *identity_files)}
    for at in range(1, 400, every):
        device = Device(tmp_path / f"cut-{at}")
        device.put(source)
        if not cut_off(device, at):
            break
        device.start()
        found = device.files()
        assert {name: file for name, file in found.items() if name not in (*ours, *identity_files)} == expected, at
        assert all(len(found[name][1]) == 32 for name in ours), at
        public_key = Signer(found[ours[0]][1]).public_key
        assert all(fingerprint(public_key).encode() in found[name][1] for name in identity_files), at
    assert at > 100, "the kill must have met every step"


def test_secrets_go_only_after_everything_is_stored(tmp_path):
    source = card_folder(tmp_path)
    for at in range(1, 400, 5):
        device = Device(tmp_path / f"cut-{at}")
        device.put(source)
        killed = cut_off(device, at)
        on_card = (device.boot / "edge-daemon/upstream-token").is_file() and TOKEN.encode() in (
            device.boot / "edge-daemon/upstream-token"
        ).read_bytes()
        stored = device.has("etc/credstore/edge-daemon.upstream-token") and device.has("etc/edge-daemon/card-taken")
        finished = not (device.boot / "edge-daemon/card.json").exists()
        assert on_card or stored or finished, at
        if not killed:
            break


def test_a_disk_that_is_full_is_one_line_and_the_next_start_goes_on(device, tmp_path, monkeypatch):
    device.put(card_folder(tmp_path))

    def full(*_):
        raise OSError(28, "No space left on device", "/etc/edge-daemon/config.toml")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "_settings", full)
        with pytest.raises(ProvisioningError, match="No space left on device"):
            device.start()
    assert "No space left" in device.text("boot/firmware/edge-daemon-problem.txt")
    assert device.start()[0].device == "room-7a"
