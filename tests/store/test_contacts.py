"""Contacts are written all or nothing, and what goes is gone from the file."""

from __future__ import annotations

from edge_daemon.store.contacts import ContactRow, change_contacts, contact_rows
from edge_daemon.store.database import open_register

SECRET = b"sealed-bytes-that-must-not-stay" * 20


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_contacts_come_back_as_they_were_put(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    rows = [ContactRow("S1", ("7b", "Größe"), b"one"), ContactRow("S2", (), b"two")]
    assert change_contacts(db, rows, ())
    assert contact_rows(db) == rows
    change_contacts(db, [ContactRow("S2", ("8a",), b"new")], ["S1", "nobody"])
    assert contact_rows(db) == [ContactRow("S2", ("8a",), b"new")]


def test_deleted_contacts_are_nowhere_in_the_file_or_its_log(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    change_contacts(db, [ContactRow("S1", (), SECRET), ContactRow("S2", (), b"stays")], ())
    assert SECRET in everything(tmp_path)
    assert change_contacts(db, (), ["S1"])
    assert SECRET not in everything(tmp_path)
    assert b"stays" in everything(tmp_path)


def test_replaced_contacts_are_nowhere_in_the_file(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    change_contacts(db, [ContactRow("S1", (), SECRET)], ())
    change_contacts(db, [ContactRow("S1", (), b"newer")], ())
    assert SECRET not in everything(tmp_path)
