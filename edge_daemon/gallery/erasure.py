"""Erases students permanently, also from backups that are restored later.

A tombstone names the destroyed data key by the hash of its wrapped form, and the student by a keyed hash. Tombstones
are stored in gallery.sqlite and in a small file beside it, which a restored gallery.sqlite does not replace. After a
restore, everything under a destroyed key is erased again. A student who is enrolled again gets a new key, which no
tombstone names.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

from edge_daemon.errors import GalleryError
from edge_daemon.gallery import data_keys
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import gallery as tables
from edge_daemon.store.backup import erase_file
from edge_daemon.store.database import path_of
from edge_daemon.store.gallery import Erased, StudentRow, Tombstone
from edge_daemon.timestamps import parsed, stored
from edge_daemon.whole_file import replace_file

TOMBSTONES_FILE = "gallery.erased"

_FIELDS = 4


def tombstone(device_key: bytes, row: StudentRow, erased: Erased, at: datetime) -> Tombstone:
    """Return the tombstone for everything that is sealed under this student's key."""
    return Tombstone(data_keys.student_hash(device_key, row.student_id), key_sha256(row), erased, stored(at))


def key_sha256(row: StudentRow) -> str:
    """Return the identifier that a tombstone stores for a data key."""
    return hashlib.sha256(row.wrapped_key).hexdigest()


def destroyed_keys(db: sqlite_utils.Database) -> frozenset[str]:
    """Return the hashes of the data keys that must never seal anything again."""
    return frozenset(mark.key_sha256 for mark in tables.tombstones(db))


def apply_tombstones(db: sqlite_utils.Database) -> int:
    """Erase again the erased data that a restored backup brought back. Call it whenever the gallery is opened.

    Returns:
        The number of students for whom something was erased.

    Raises:
        GalleryError: the file of tombstones can't be read.
        StoreError: the gallery can't be written.
    """
    in_database, in_file = tables.tombstones(db), _read_file(db)
    append_to_file(db, [mark for mark in in_database if mark not in set(in_file)])
    missing = sorted(set(in_file) - set(in_database), key=lambda mark: mark.erased_at)
    marks = {mark.key_sha256: mark for mark in (*in_database, *missing)}
    if not marks:
        return 0
    marked = [(row, marks.get(key_sha256(row))) for row in tables.student_rows(db)]
    students = [row.student_id for row, mark in marked if mark and mark.erased == "student"]
    counts = tables.template_counts(db)
    withdrawn = [
        row.student_id
        for row, mark in marked
        if mark and mark.erased == "templates" and (row.consent or row.student_id in counts)
    ]
    if missing or students or withdrawn:
        tables.erase(db, missing, students, withdrawn)
        tables.wipe_log(db)
    return len(students) + len(withdrawn)


def remove(
    db: sqlite_utils.Database, device_key: bytes, row: StudentRow, at: datetime, *, bars_return: bool = True
) -> bool:
    """Delete a student's data key, and with it the templates, name and mail addresses.

    Old disk blocks may still hold the wrapped key. It is useless once the slot key is renewed (`slot_keys.renew`).

    Args:
        db: gallery.sqlite.
        device_key: the key for the keyed hash of the id.
        row: the student.
        at: the time of the removal.
        bars_return: whether the student stays removed even if a later roster has the id again. If False, the tombstone
            has no hash of the id and names only the key.

    Returns:
        False if another process keeps the database's log open, so that old pages are overwritten only later.

    Raises:
        GalleryError: everything was erased, but the file of tombstones can't be written.
        StoreError: the database can't be written.
    """
    mark = tombstone(device_key, row, "student", at)
    if not bars_return:
        mark = replace(mark, student_hash=f"{data_keys.KEYED}{secrets.token_hex(32)}")
    tables.erase(db, [mark], [row.student_id], [])
    wiped = tables.wipe_log(db)
    append_to_file(db, [mark])
    return wiped


def append_to_file(db: sqlite_utils.Database, marks: Sequence[Tombstone]) -> None:
    """Append tombstones to the file, after the database has them. Opening the gallery repairs a loss by a power cut.

    Raises:
        GalleryError: the file can't be written.
    """
    path = _file_of(db)
    if path is None or not marks:
        return
    text = _lines(marks)
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "r+b") as file:
            # A power cut may have left half a line, which must not merge with the next one.
            whole = file.seek(0, os.SEEK_END) == 0 or (file.seek(-1, os.SEEK_END), file.read(1))[1] == b"\n"
            file.write(("" if whole else "\n").encode() + text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        what = f"erased students can't be noted ({error.strerror}): a restored backup would bring them back"
        raise GalleryError(what, str(path), "check its owner and mode, and run any enrol command again") from error


def hash_file_again(db: sqlite_utils.Database, device_key: bytes) -> bool:
    """Replace the plain hashes of the previous release in the file of tombstones by keyed ones.

    Returns:
        Whether there were plain hashes.

    Raises:
        GalleryError: the file can't be read or written.
        StoreError: the old file can't be overwritten.
    """
    path = _file_of(db)
    marks = _read_file(db)
    again = [replace(mark, student_hash=data_keys.keyed(device_key, mark.student_hash)) for mark in marks]
    if path is None or again == marks:
        return False
    old = path.with_name(f".{path.name}.old")
    try:
        old.unlink(missing_ok=True)
        os.link(path, old)
        replace_file(path, _lines(again).encode(), durable=True)
    except OSError as error:
        what = f"erased students can't be noted ({error.strerror})"
        raise GalleryError(what, str(path), "check its owner and mode") from error
    erase_file(old)
    return True


def removed_ids(db: sqlite_utils.Database, device_key: bytes | None, student_ids: Iterable[str]) -> dict[str, datetime]:
    """Return which of the ids were removed, each with the time of the last removal.

    Args:
        db: gallery.sqlite.
        device_key: 32 bytes. If None, only tombstones with plain hashes are found. A gallery has these until its
            keys are rewrapped after an update.
        student_ids: the ids to look for.
    """
    removed: dict[str, str] = {}
    for mark in tables.tombstones(db):
        if mark.erased == "student":
            removed[mark.student_hash] = max(removed.get(mark.student_hash, ""), mark.erased_at)
    if not removed:
        return {}
    found: dict[str, datetime] = {}
    for student_id in student_ids:
        plain = data_keys.plain_fingerprint(student_id)
        hashes = [plain] if device_key is None else [plain, data_keys.keyed(device_key, plain)]
        times = [removed[one] for one in hashes if one in removed]
        if times:
            found[student_id] = parsed(max(times))
    return found


def erase_sightings_again(
    gallery_db: sqlite_utils.Database, device_key: bytes | None, register_db: sqlite_utils.Database
) -> int:
    """Erase the sightings of removed students that a restored register.sqlite brought back.

    Returns:
        The number of sightings.
    """
    removed = removed_ids(gallery_db, device_key, tables.sighted_students(register_db))
    return tables.erase_sightings_before(register_db, list(removed.items())) if removed else 0


def _lines(marks: Sequence[Tombstone]) -> str:
    return "".join(f"{mark.student_hash} {mark.key_sha256} {mark.erased} {mark.erased_at}\n" for mark in marks)


def _read_file(db: sqlite_utils.Database) -> list[Tombstone]:
    path = _file_of(db)
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise GalleryError(f"can't be read ({error.strerror})", str(path), "check its owner and mode") from error
    return [mark for mark in map(_parsed, lines) if mark is not None]


def _parsed(line: str) -> Tombstone | None:
    """Return the tombstone of a line; None for half a line after a power cut."""
    fields = line.split()
    if len(fields) != _FIELDS or fields[2] not in ("student", "templates"):
        return None
    with contextlib.suppress(ValueError):
        return Tombstone(fields[0], fields[1], cast(Erased, fields[2]), stored(parsed(fields[3])))
    return None


def _file_of(db: sqlite_utils.Database) -> Path | None:
    path = path_of(db)
    return Path(path).with_name(TOMBSTONES_FILE) if path else None
