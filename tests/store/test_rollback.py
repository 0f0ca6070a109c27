"""Expand, then contract one release later: after an update and a return, the program of one release ago still works."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlite_utils import Migrations

from edge_daemon.store import database
from edge_daemon.store.contacts import ContactRow, change_contacts, contact_rows
from edge_daemon.store.database import open_register
from edge_daemon.store.migrations import REGISTER, Schema
from edge_daemon.store.registers import latest_registers
from tests.registers import START, a_lesson, a_register, keep


def one_release_ago() -> Schema:
    """Return the schema that the program before knew: all migrations but the newest."""
    before = Migrations("register")
    before._migrations = REGISTER.migrations._migrations[:-1]  # there is no other way to have fewer
    return dataclasses.replace(REGISTER, version=REGISTER.version - 1, migrations=before)


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Return a function that lets one release hold a lesson, and gives the courses of all registers it sees."""
    path = tmp_path / "register.sqlite"

    def lesson(schema: Schema, number: int) -> list[str]:
        with monkeypatch.context() as patched:
            patched.setattr(database, "REGISTER", schema)
            db = open_register(path)
            with closing(db.conn):
                held = a_lesson(START + timedelta(days=number), course=f"lesson {number}")
                keep(db, *a_register(held, {"S1": 0.9, "S2": 0.1}))
                return [stored.document for stored in latest_registers(db)]

    lesson.path = path
    return lesson


def meta(path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT key, value FROM meta"))


def test_update_one_lesson_return_one_lesson_and_update_again(release):
    old = one_release_ago()
    first = release(old, 1)
    assert meta(release.path)["schema_version"] == str(old.version), "the old program made an old database"
    second = release(REGISTER, 2)
    assert meta(release.path)["schema_version"] == str(REGISTER.version)
    third = release(old, 3)
    assert meta(release.path)["schema_version"] == str(REGISTER.version), "going back changes no schema"
    fourth = release(REGISTER, 4)
    assert [len(seen) for seen in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert fourth[:3] == third, "no register changed on the way"


def test_the_newest_schema_is_readable_by_the_program_before(release):
    release(REGISTER, 1)
    assert int(meta(release.path)["readable_from"]) <= REGISTER.version - 1


def test_a_schema_that_is_not_readable_by_the_program_before_would_be_noticed(release):
    release(REGISTER, 1)
    with closing(sqlite3.connect(release.path)) as db, db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'readable_from'", [str(REGISTER.version)])
    with pytest.raises(database.StoreError, match="newer version"):
        release(one_release_ago(), 2)


def test_contacts_go_there_and_back_and_have_teachers_only_of_this_release(tmp_path, monkeypatch):
    path, old = tmp_path / "register.sqlite", one_release_ago()
    before = "INSERT OR REPLACE INTO contacts (student_id, courses, sealed) VALUES (?, '[\"7b\"]', x'01')"

    def with_schema(schema: Schema, work):
        with monkeypatch.context() as patched:
            patched.setattr(database, "REGISTER", schema)
            db = open_register(path)
            with closing(db.conn):
                return work(db)

    def old_release(db):
        with db.conn:
            db.conn.execute(before, ["S1"])
        return db.execute("SELECT student_id, courses, sealed FROM contacts ORDER BY 1").fetchall()

    with_schema(old, old_release)
    assert with_schema(REGISTER, contact_rows) == [ContactRow("S1", ("7b",), b"\x01")]
    with_teachers = ContactRow("S2", ("7b",), b"\x02", b"\x03")
    with_schema(REGISTER, lambda db: change_contacts(db, [with_teachers], ()))
    assert with_schema(old, old_release) == [("S1", '["7b"]', b"\x01"), ("S2", '["7b"]', b"\x02")]
    assert with_schema(REGISTER, contact_rows)[1] == with_teachers
