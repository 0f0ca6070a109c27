"""Names and mail addresses on their way from the gallery to what sends mail, sealed under a key of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_daemon.app.opening.database_recovery import gallery_of
from edge_daemon.device import sealing
from edge_daemon.device.secrets import contact_key
from edge_daemon.errors import KeyFileError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.contacts import ContactRow, change_contacts, contact_rows
from edge_daemon.store.database import open_register
from edge_daemon.store.gallery import student_rows

if TYPE_CHECKING:
    from edge_daemon.gallery.templates import StudentRecord

_REALM = "edge-daemon contacts 1"


@dataclass(frozen=True, slots=True)
class Contact:
    """What mail knows of a student."""

    student_id: str
    place: int
    """In the roster, from 0; students who are no longer on it come last."""
    name: str
    email: str
    guardian_email: str
    courses: tuple[str, ...]


def publish_contacts(home: Home) -> None:
    """Bring the contacts in register.sqlite to what the gallery has; what is the same is not written again.

    Students who are no longer in the gallery go even where a key is missing.

    Raises:
        GalleryError: the gallery was sealed under another device key.
        KeyFileError: there is no device key or no contact key.
        StoreError: a database can't be read or written.
    """
    with gallery_of(home) as gallery_db:
        known = set() if gallery_db is None else {row.student_id for row in student_rows(gallery_db)}
    if not known and not home.register_db_path.exists():
        return
    register_db = open_register(home.register_db_path)
    with closing(register_db.conn):
        gone = {row.student_id for row in contact_rows(register_db)} - known
        if gone:
            change_contacts(register_db, (), gone)
        if known:
            _renew(home, register_db)


def read_contacts(home: Home, db: sqlite_utils.Database) -> dict[str, Contact]:
    """Return the contacts by student id, in the roster's order.

    Args:
        home: has the key.
        db: register.sqlite.

    Raises:
        KeyFileError: the contact key is missing or another one.
    """
    rows = contact_rows(db)
    if not rows:
        return {}
    key = contact_key(home.contact_key_path if home.home_mode else None, create=False)
    contacts = sorted((_opened(key, row) for row in rows), key=lambda one: (one.place, one.student_id))
    return {contact.student_id: contact for contact in contacts}


def _renew(home: Home, register_db: sqlite_utils.Database) -> None:
    from edge_daemon.app.opening.models_and_gallery import (
        open_gallery_store,  # here: who only reads contacts needs no models
    )

    key = contact_key(home.contact_key_path if home.home_mode else None)
    store = open_gallery_store(home)
    with closing(store.db.conn):
        wanted = [_contact(place, record) for place, record in enumerate(store.records())]
    present = _readable(key, contact_rows(register_db))
    changed = [_sealed(key, contact) for contact in wanted if present.get(contact.student_id) != contact]
    if changed:
        change_contacts(register_db, changed, ())


def _readable(key: bytes, rows: list[ContactRow]) -> Mapping[str, Contact]:
    """Return what opens; what does not was sealed under a key that was lost."""
    found: dict[str, Contact] = {}
    for row in rows:
        try:
            found[row.student_id] = _opened(key, row)
        except KeyFileError:
            continue
    return found


def _contact(place: int, record: StudentRecord) -> Contact:
    student = record.student
    return Contact(student.student_id, place, student.name, student.email, student.guardian_email, student.courses)


def _sealed(key: bytes, contact: Contact) -> ContactRow:
    fields = [contact.place, contact.name, contact.email, contact.guardian_email]
    plain = json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")
    sealed = sealing.seal(key, plain, sealing.binding(_REALM, "contact", contact.student_id))
    return ContactRow(contact.student_id, contact.courses, sealed)


def _opened(key: bytes, row: ContactRow) -> Contact:
    try:
        plain = sealing.open_sealed(key, row.sealed, sealing.binding(_REALM, "contact", row.student_id))
    except KeyFileError as error:
        hint = "start the service or run `edge-daemon enrol import` again: either seals them anew"
        raise KeyFileError("names and mail addresses do not open with this contact key", "contacts", hint) from error
    place, name, email, guardian_email = json.loads(plain.decode("utf-8", "surrogatepass"))
    return Contact(row.student_id, place, name, email, guardian_email, row.courses)
