"""A new device reports in: the office has its key before its first lesson."""

from __future__ import annotations

import json

import pytest

from edge_daemon.app.firstboot.identity import IDENTITY, identity
from tests.office_server import OfficeServer
from tests.sync_device import DEVICE, Clock, a_device, document, run


@pytest.fixture
def api(tmp_path):
    with OfficeServer(tmp_path / "office", certificates=tmp_path) as server:
        yield server


def write_identity(home, device):
    who = identity(device, "7a", b"k" * 32)
    document = {"device": who.device, "room": who.room, "public_key": who.public_key, "fingerprint": who.fingerprint}
    (home.config_path.parent / IDENTITY).write_text(json.dumps(document))
    return who


def test_before_the_first_register_the_key_is_the_one_that_the_first_boot_wrote_down(api, tmp_path):
    home = a_device(tmp_path / "home", api, lessons=0)
    who = write_identity(home, DEVICE)
    run(home, Clock())
    assert document(api, "key.json") == {"schema": 1, "device": DEVICE, "public_key": who.public_key}


def test_the_key_that_signed_is_stronger_than_what_is_written_somewhere(api, tmp_path):
    home = a_device(tmp_path / "home", api, lessons=1)
    who = write_identity(home, DEVICE)
    run(home, Clock())
    assert document(api, "key.json")["public_key"] != who.public_key


def test_a_key_of_another_device_is_not_published(api, tmp_path):
    home = a_device(tmp_path / "home", api, lessons=0)
    write_identity(home, "another-room")
    run(home, Clock())
    assert not any(path.endswith("/key.json") for path in api.documents())
