"""Contacts in register.sqlite: a sealed copy of names and addresses for mail. `sync` can't open the gallery itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.gallery import wipe_log


@dataclass(frozen=True, slots=True)
class ContactRow:
    """The stored contact of one student."""

    student_id: str
    courses: tuple[str, ...]
    sealed: bytes
    """Name and mail addresses, sealed under the contact key."""
    teachers: bytes | None = None
    """Mail addresses of the courses' teachers, sealed under the contact key; None if none is known."""


def contact_rows(db: sqlite_utils.Database) -> list[ContactRow]:
    """Return all contacts, ordered by id."""
    with faults(db):
        rows = db.execute("SELECT student_id, courses, sealed, teachers FROM contacts ORDER BY student_id").fetchall()
    return [
        ContactRow(row[0], tuple(json.loads(row[1])), bytes(row[2]), bytes(row[3]) if row[3] is not None else None)
        for row in rows
    ]


def change_contacts(db: sqlite_utils.Database, put: Iterable[ContactRow], gone: Iterable[str]) -> bool:
    """Write some contacts and delete others in one transaction. The old data is overwritten on the disk.

    Returns:
        False if another process still uses the database's log, so that the old data is overwritten only later.

    Raises:
        StoreError: the database can't be written.
    """
    rows = [(row.student_id, json.dumps(row.courses, ensure_ascii=False), row.sealed, row.teachers) for row in put]
    with transaction(db):
        db.conn.executemany("DELETE FROM contacts WHERE student_id = ?", [(one,) for one in gone])
        query = "INSERT OR REPLACE INTO contacts (student_id, courses, sealed, teachers) VALUES (?, ?, ?, ?)"
        db.conn.executemany(query, rows)
    return wipe_log(db)
