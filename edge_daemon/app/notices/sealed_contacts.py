"""Carries names and mail addresses from the gallery to the mail sender, sealed under keys of their own.

The contact key never changes, like the device key. Each contact is sealed under a key derived from the contact key and
a slot key; every erasure replaces and destroys the slot key (edge_daemon/device/key_slots.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge_daemon.app.opening.database_recovery import gallery_of
from edge_daemon.device import sealing
from edge_daemon.device.key_slots import KeySlots, SlotKey
from edge_daemon.device.secrets import contact_key
from edge_daemon.errors import KeyFileError
from edge_daemon.gallery.class_list import teachers
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.contacts import ContactRow, change_contacts, contact_rows
from edge_daemon.store.database import open_register
from edge_daemon.store.gallery import student_rows
from edge_daemon.store.teacher_tables import LessonTeachersRow, lesson_teacher_rows, reseal_lesson_teachers

if TYPE_CHECKING:
    from edge_daemon.gallery.templates import StudentRecord

_REALM = "edge-daemon contacts 1"
LESSON_TEACHERS = "lesson teachers"
"""Label of the sealed addresses of a lesson's teachers (`lesson_teachers.py`)."""


@dataclass(frozen=True, slots=True)
class Contact:
    """The data about a student that mail needs."""

    student_id: str
    place: int
    """Position in the roster, from 0; students who are no longer on it come last."""
    name: str
    email: str
    guardian_email: str
    courses: tuple[str, ...]
    teachers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Teachers' addresses by course, for students on the roster; the key "" stands for students without courses."""


def publish_contacts(home: Home) -> None:
    """Update the contacts in register.sqlite from the gallery; unchanged contacts are not written again.

    Students who are no longer in the gallery are removed even if a key is missing.

    Raises:
        GalleryError: the gallery was sealed with another device key.
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
        home: the installation, with the key.
        db: register.sqlite.

    Raises:
        KeyFileError: the contact key is missing or a different one.
    """
    try:
        return _read(home, db)
    except KeyFileError:
        return _read(home, db)  # an erasure in another process may have sealed them again in between


def renew_contact_keys(home: Home) -> None:
    """Seal all contacts under a new slot key and destroy the old one, so that old disk blocks can't be opened.

    The renewal may be interrupted anywhere, because both keys exist until its last step. Contacts that can't be opened
    are deleted, as are all contacts if the contact key is missing. The next start of the service seals them again.

    Raises:
        KeyFileError: the file of key slots can't be written.
        StoreError: the database can't be written.
    """
    slots = _slots(home)
    if not home.register_db_path.exists():
        return
    db = open_register(home.register_db_path)
    with closing(db.conn):
        if not slots.path.exists() and not contact_rows(db) and not lesson_teacher_rows(db):
            return
        try:
            key = contact_key(home.contact_key_path if home.home_mode else None)
        except KeyFileError:
            key = None
        with slots.locked():
            before = slots.keys()
            if len(before) > 1:  # a renewal was interrupted; it has to finish first, because its slot is needed
                _seal_again(db, key, slots, before[0])
            _seal_again(db, key, slots, slots.add(keep=before[0].generation if before else 0))


def _seal_again(db: sqlite_utils.Database, key: bytes | None, slots: KeySlots, fresh: SlotKey) -> None:
    rows = contact_rows(db)
    contacts = _readable(_keys(key, slots), rows) if key is not None else {}
    put = [_sealed(_derived(key, fresh.key), one) for one in contacts.values()] if key is not None else []
    change_contacts(db, put, [row.student_id for row in rows if row.student_id not in contacts])
    _reseal_lessons(db, key, slots, fresh)
    slots.destroy_others(fresh.generation)


def _reseal_lessons(db: sqlite_utils.Database, key: bytes | None, slots: KeySlots, fresh: SlotKey) -> None:
    """Seal the teachers of lessons under a new slot key; delete rows that can't be opened."""
    put, gone = [], []
    for row in lesson_teacher_rows(db):
        try:
            if key is None:
                raise KeyFileError("there is no contact key", "contacts")
            plain = open_with(_keys(key, slots), row.sealed, LESSON_TEACHERS, row.lesson_id)
        except KeyFileError:
            gone.append(row.lesson_id)
            continue
        sealed = seal_with(_derived(key, fresh.key), plain, LESSON_TEACHERS, row.lesson_id)
        put.append(LessonTeachersRow(row.lesson_id, sealed))
    if put or gone:
        reseal_lesson_teachers(db, put, gone)


def contact_keys(home: Home, *, create: bool) -> list[bytes]:
    """Return the keys under which contacts are sealed, the current one first.

    Args:
        home: the installation, with the key.
        create: True to make a key if there is none yet.

    Raises:
        KeyFileError: the contact key is missing.
    """
    key, slots = contact_key(home.contact_key_path if home.home_mode else None, create=create), _slots(home)
    if create and not slots.keys():
        slots.add(keep=0)
    return _keys(key, slots)


def seal_with(key: bytes, plain: bytes, what: str, name: str) -> bytes:
    """Seal a text under a key; only the same key, `what` and `name` open it."""
    return sealing.seal(key, plain, sealing.binding(_REALM, what, name))


def open_with(keys: Iterable[bytes], sealed: bytes, what: str, name: str) -> bytes:
    """Return the text that was sealed under one of these keys.

    Raises:
        KeyFileError: none of the keys opens it.
    """
    bound = sealing.binding(_REALM, what, name)
    for key in keys:
        try:
            return sealing.open_sealed(key, sealed, bound)
        except KeyFileError:
            continue
    hint = "start the service or run `edge-daemon enrol import`, which seals them again"
    raise KeyFileError("names and mail addresses do not open with this contact key", "contacts", hint)


def _read(home: Home, db: sqlite_utils.Database) -> dict[str, Contact]:
    rows = contact_rows(db)
    if not rows:
        return {}
    keys = _keys(contact_key(home.contact_key_path if home.home_mode else None, create=False), _slots(home))
    contacts = sorted((_opened(keys, row) for row in rows), key=lambda one: (one.place, one.student_id))
    return {contact.student_id: contact for contact in contacts}


def _slots(home: Home) -> KeySlots:
    """Return the key slots; their file is readable for the same users as register.sqlite."""
    shared = home.register_db_path.exists() and home.register_db_path.stat().st_mode & 0o040
    return KeySlots(home.contact_slots_path, 0o640 if shared else 0o600)


def _keys(key: bytes, slots: KeySlots) -> list[bytes]:
    """Return the keys that may have sealed contacts: the current one first, that of the previous release last."""
    return [*(_derived(key, one.key) for one in slots.keys()), key]  # noqa: SIM118 - not a mapping


def _derived(key: bytes, slot_key: bytes) -> bytes:
    return HKDF(SHA256(), len(key), salt=slot_key, info=b"edge-daemon contacts 2").derive(key)


def _renew(home: Home, register_db: sqlite_utils.Database) -> None:
    from edge_daemon.app.opening.models_and_gallery import (
        open_gallery_store,  # imported here because reading contacts needs no models
    )

    key = contact_key(home.contact_key_path if home.home_mode else None)
    store = open_gallery_store(home)
    with closing(store.db.conn):
        wanted = [_contact(place, record) for place, record in enumerate(store.records())]
    rows = contact_rows(register_db)
    slots = _slots(home)
    if not rows and not slots.keys():
        slots.add(keep=0)
    keys = _keys(key, slots)
    present = _readable(keys, rows)
    changed = [_sealed(keys[0], contact) for contact in wanted if present.get(contact.student_id) != contact]
    if changed:
        change_contacts(register_db, changed, ())


def _readable(keys: Sequence[bytes], rows: list[ContactRow]) -> Mapping[str, Contact]:
    """Return the contacts that can be opened; the others were sealed under a lost key."""
    found: dict[str, Contact] = {}
    for row in rows:
        try:
            found[row.student_id] = _opened(keys, row)
        except KeyFileError:
            continue
    return found


def _contact(place: int, record: StudentRecord) -> Contact:
    student = record.student
    cell = record.extra.get(teachers.COLUMN, "") if record.on_roster else ""
    taught, _ = teachers.understood(cell, student.courses)
    return Contact(
        *(student.student_id, place, student.name, student.email, student.guardian_email, student.courses), taught
    )


def _sealed(key: bytes, contact: Contact) -> ContactRow:
    fields = [contact.place, contact.name, contact.email, contact.guardian_email]
    plain = json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")
    sealed = seal_with(key, plain, "contact", contact.student_id)
    if not contact.teachers:
        return ContactRow(contact.student_id, contact.courses, sealed)
    of_courses = json.dumps(contact.teachers, ensure_ascii=False).encode("utf-8", "surrogatepass")
    taught = seal_with(key, of_courses, "teachers", contact.student_id)
    return ContactRow(contact.student_id, contact.courses, sealed, taught)


def _opened(keys: Sequence[bytes], row: ContactRow) -> Contact:
    plain = open_with(keys, row.sealed, "contact", row.student_id)
    place, name, email, guardian_email = json.loads(plain.decode("utf-8", "surrogatepass"))
    taught: dict[str, tuple[str, ...]] = {}
    if row.teachers is not None:
        of_courses = open_with(keys, row.teachers, "teachers", row.student_id)
        found = json.loads(of_courses.decode("utf-8", "surrogatepass"))
        taught = {course: tuple(addresses) for course, addresses in found.items()}
    return Contact(row.student_id, place, name, email, guardian_email, row.courses, taught)
