"""The page of a room and the office's list of keys, made from the devices' identity files."""

from __future__ import annotations

import json
import re

import pytest

from edge_daemon.app.collect.trusted_keys import read_keys
from edge_daemon.device.signing import fingerprint
from provisioning import make_pages
from provisioning.identities import Page
from tests.provisioning.devices import Device, card_folder

KEY = "ab" * 32


@pytest.fixture
def identity(tmp_path):
    """The identity file of a device that was started."""
    device = Device(tmp_path / "device")
    device.put(card_folder(tmp_path))
    who, _ = device.start()
    return who, device.boot / "edge-daemon-identity.txt"


def pages(tmp_path, *sources, options=()):
    output = tmp_path / "pages.html"
    code = make_pages.main([*map(str, sources), "--output", str(output), *options])
    return code, output.read_text(encoding="utf-8") if output.exists() else ""


def test_a_page_has_the_room_the_device_and_the_fingerprint_of_its_key(tmp_path, identity):
    who, path = identity
    code, text = pages(tmp_path, path, options=("--contact", "Office <2nd floor>"))
    assert code == 0
    assert "<h1>7a</h1>" in text
    assert "<dd>room-7a</dd>" in text
    assert who.fingerprint in text
    assert "Office &lt;2nd floor&gt;" in text
    assert text.count("<svg") == text.count("<section>") == 1


def test_a_file_that_nests_without_an_end_is_one_line(tmp_path, identity, capsys):
    (tmp_path / "key.json").write_text("[" * 200_000)
    assert pages(tmp_path, tmp_path / "key.json")[0] == 2
    assert "is not a device's identity" in capsys.readouterr().err


def test_the_code_says_device_fingerprint_and_key():
    page = Page("room-7a", "7a", KEY, None)
    assert page.fingerprint == fingerprint(KEY)
    assert page.code == f"edge-daemon\ndevice: room-7a\nfingerprint: {fingerprint(KEY)}\npublic_key: {KEY}"


def test_the_list_of_keys_is_what_collect_takes(tmp_path, identity):
    who, path = identity
    assert pages(tmp_path, path, options=("--keys", str(tmp_path / "devices.csv")))[0] == 0
    assert read_keys(tmp_path / "devices.csv") == {"room-7a": frozenset({who.public_key})}


def test_the_servers_folder_and_the_files_of_cards_are_read_together(tmp_path, identity):
    who, path = identity
    for device, key in (("room-7a", who.public_key), ("room-8", KEY)):
        folder = tmp_path / "v1/devices" / device
        folder.mkdir(parents=True)
        (folder / "key.json").write_text(json.dumps({"schema": 1, "device": device, "public_key": key}))
    code, text = pages(tmp_path, tmp_path / "v1", path)
    assert code == 0
    assert re.findall(r"<h1>(.*)</h1>", text) == ["7a", "room-8"]


def test_two_keys_of_one_device_are_refused(tmp_path, identity, capsys):
    _, path = identity
    (tmp_path / "key.json").write_text(json.dumps({"device": "room-7a", "public_key": KEY}))
    assert pages(tmp_path, tmp_path / "key.json", path) == (2, "")
    assert "room-7a has two keys" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("key.json", "[]", "is not a device's identity"),
        ("key.json", '{"device": "x", "public_key": "12"}', "is not a device's identity"),
        ("key.json", json.dumps({"device": "<script>", "public_key": KEY}), "is not a device's identity"),
        ("edge-daemon-identity.txt", "device: x\n", "is not a device's identity"),
        ("edge-daemon-identity.txt", f"device: x\nfingerprint: 1234\npublic_key: {KEY}\n", "fingerprint is not that"),
        ("other.txt", "", "no edge-daemon-identity.txt and no key.json"),
    ],
)
def test_an_invalid_identity_is_one_line_and_no_page_is_made(tmp_path, capsys, name, content, words):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_text(content)
    assert pages(tmp_path, folder) == (2, "")
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


OTHER = "device,public_key,room,fingerprint,note\r\nroom-8," + KEY + ',8,x,"by hand, ""new"""\r\n'


def list_of_keys(tmp_path, text):
    (tmp_path / "devices.csv").write_bytes(text.encode())
    return tmp_path / "devices.csv"


def test_a_list_that_is_there_keeps_every_line_and_gets_those_that_it_lacks(tmp_path, identity):
    who, path = identity
    keys = list_of_keys(tmp_path, OTHER)
    for _ in range(2):  # the second time there is nothing to add
        assert pages(tmp_path, path, options=("--keys", str(keys)))[0] == 0
        assert keys.read_bytes().decode().startswith(OTHER)
        assert read_keys(keys) == {"room-8": frozenset({KEY}), "room-7a": frozenset({who.public_key})}
        assert len(keys.read_text().splitlines()) == 3


def test_another_key_of_a_device_is_refused_unless_its_card_was_replaced(tmp_path, identity, capsys):
    who, path = identity
    before = f"device,public_key\nroom-7a,{KEY}"
    keys = list_of_keys(tmp_path, before)
    assert pages(tmp_path, path, options=("--keys", str(keys))) == (2, "")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{keys} has another key of room-7a than {path}: find out why; ")
    assert line.endswith("add --replaced room-7a")
    assert keys.read_text() == before
    for _ in range(2):
        assert pages(tmp_path, path, options=("--keys", str(keys), "--replaced", "room-7a"))[0] == 0
        assert keys.read_text() == f"{before}\nroom-7a,{who.public_key}\n"
    assert read_keys(keys) == {"room-7a": frozenset({KEY, who.public_key})}


def test_a_device_that_was_not_given_is_not_replaced(tmp_path, identity, capsys):
    _, path = identity
    options = ("--keys", str(tmp_path / "devices.csv"), "--replaced", "room-9")
    assert pages(tmp_path, path, options=options) == (2, "")
    assert "room-9: its identity is not among those given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no columns device and public_key"),
        (f"device;public_key\nroom-8;{KEY}\n", "has no columns device and public_key"),
        ("device,public_key\nroom-8,12\n", "line 2 has no public key"),
        (f'device,public_key\n"room-8,{KEY}\n', "is not a CSV file in UTF-8"),
    ],
)
def test_a_list_that_can_not_be_read_is_not_written_over(tmp_path, identity, capsys, text, words):
    keys = list_of_keys(tmp_path, text)
    assert pages(tmp_path, identity[1], options=("--keys", str(keys))) == (2, "")
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert keys.read_text() == text


@pytest.mark.parametrize("keys", ["none/devices.csv", "folder"])
def test_a_list_that_can_not_be_written_leaves_no_pages_either(tmp_path, identity, capsys, keys):
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert pages(tmp_path, identity[1], options=("--keys", str(tmp_path / keys))) == (2, "")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path / keys}: ")
    assert line.endswith("nothing was written")
    assert sorted(tmp_path.rglob("*")) == before
