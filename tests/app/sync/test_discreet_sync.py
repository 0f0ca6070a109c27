"""The process with the network hides the names that it needs for mail from its own log."""

from __future__ import annotations

from contextlib import closing

import pytest

from edge_daemon.app.sync.sync_session import SyncSession
from edge_daemon.device.discretion import discreet, hide_names
from edge_daemon.store.database import open_register
from tests.app.erasure.room import Room

SAID = "550 no such user: Name of S2 <S2@school.example>"


@pytest.fixture
def room(tmp_path):
    hide_names([])
    room = Room(tmp_path / "home", tmp_path / "office")
    room.enrol()
    yield room
    hide_names([])


def test_a_run_hides_the_names_of_the_contacts(room):
    assert discreet(SAID) == "550 no such user: Name of S2 <(address)>"
    with closing(open_register(room.home.register_db_path).conn):
        SyncSession(room.home).go()
    assert discreet(SAID) == "550 no such user: Name of S2 <(address)>", "nothing is set up: nothing is asked"
    room.home.config_path.write_text('[upstream]\nurl = "http://127.0.0.1:9/x"\ninsecure_http = true\n')
    room.home.__dict__.pop("config", None)
    SyncSession(room.home).go()
    assert discreet(SAID) == "550 no such user: (name) <(address)>"


def test_without_the_contact_key_a_run_goes_on(room):
    room.home.contact_key_path.unlink()
    room.home.config_path.write_text('[upstream]\nurl = "http://127.0.0.1:9/x"\ninsecure_http = true\n')
    room.home.__dict__.pop("config", None)
    assert SyncSession(room.home).go() is not None
