"""`edge-daemon identity` and `edge-daemon firstboot`, as they are called."""

from __future__ import annotations

import json
import os

from click.testing import CliRunner

from edge_daemon.cli import cli
from edge_daemon.device.signing import Signer, fingerprint
from tests.provisioning.devices import Device, card_folder


def call(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def test_identity_is_that_of_the_device_key(tmp_path):
    (tmp_path / "device.key").write_bytes(b"k" * 32)
    (tmp_path / "device.key").chmod(0o600)
    (tmp_path / "config.toml").write_text('[device]\nname = "room-7a"\n')
    result = call("--home", str(tmp_path), "identity", "--json")
    public_key = Signer(b"k" * 32).public_key
    assert json.loads(result.output) == {
        "device": "room-7a",
        "room": "",
        "public_key": public_key,
        "fingerprint": fingerprint(public_key),
    }
    assert fingerprint(public_key) in call("--home", str(tmp_path), "identity").output


def test_identity_makes_no_key(tmp_path):
    assert "the first enrolment makes it" in str(call("--home", str(tmp_path), "identity").exception)
    assert list(tmp_path.iterdir()) == []


def test_the_services_user_can_read_its_settings_whoever_calls(tmp_path):
    device = Device(tmp_path / "device")
    device.put(card_folder(tmp_path))
    before = os.umask(0o077)
    try:
        assert call("firstboot", "--root", str(device.root)).exit_code == 0
    finally:
        os.umask(before)
    folder = device.root / "etc/edge-daemon"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "config.toml")] == [0o755, 0o644]
    assert (device.root / "etc/credstore").stat().st_mode & 0o777 == 0o700


def test_firstboot_says_who_the_device_is_and_then_that_there_is_no_card(tmp_path):
    device = Device(tmp_path / "device")
    device.put(card_folder(tmp_path))
    result = call("firstboot", "--root", str(device.root))
    assert (result.exit_code, result.output.startswith("room-7a, room 7a: ready; key fingerprint ")) == (0, True)
    assert call("firstboot", "--root", str(device.root)).output.startswith("no card to take over")
