"""Reads the enrolled students: their records, their names if the gallery can be read, and students removed before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime

from edge_daemon.app.opening.models_and_gallery import open_gallery_store
from edge_daemon.device.secrets import DEVICE_KEY_CREDENTIAL, credential, device_key
from edge_daemon.errors import EdgeError, GalleryError, KeyFileError, StoreError
from edge_daemon.gallery.erasure import removed_ids
from edge_daemon.gallery.expected_naming import expected_naming
from edge_daemon.gallery.templates import GalleryStore, StudentRecord
from edge_daemon.home import Home
from edge_daemon.store.database import open_gallery

__all__ = ["StudentRecord", "expected_naming", "names_of", "opened_gallery", "record_of", "records_of", "removed_of"]


@contextmanager
def opened_gallery(home: Home, *, create: bool = False) -> Iterator[GalleryStore]:
    """Open the gallery until the block ends; arguments and errors are those of `open_gallery_store`."""
    store = open_gallery_store(home, create=create)
    with closing(store.db.conn):
        yield store


def records_of(home: Home) -> list[StudentRecord]:
    """Return all students, first those on the roster; raises the errors of `open_gallery_store`."""
    with opened_gallery(home) as store:
        return list(store.records())


def record_of(home: Home, student_id: str) -> tuple[StudentRecord, list[str]]:
    """Return everything that is kept about one student, and the ids of similar students.

    Raises:
        EdgeError: there is no such student, or the gallery can't be read.
    """
    with opened_gallery(home) as store:
        record = store.record(student_id)
        pairs = [pair for pair in sorted(store.look_alikes()) if student_id in pair]
    return record, [b if a == student_id else a for a, b in pairs]


def names_of(home: Home, warn: Callable[[EdgeError], None]) -> Mapping[str, str]:
    """Return the names of all students by id, in the roster's order.

    The result is empty without a gallery or without its key. If the gallery exists but can't be read, the error goes to
    `warn` and is not raised, because a register is useful without names, too.
    """
    if not home.gallery_db_path.exists():
        return {}
    try:
        if _key_if_there(home) is None:
            return {}
        records = records_of(home)
    except (GalleryError, KeyFileError, StoreError) as error:
        warn(error)
        return {}
    return {record.student.student_id: record.student.name for record in records}


def removed_of(home: Home, student_ids: Iterable[str]) -> Mapping[str, datetime]:
    """Return the time of removal of each removed student; empty if the gallery can't be read."""
    if not home.gallery_db_path.exists():
        return {}
    try:
        db = open_gallery(home.gallery_db_path, create=False)
        with closing(db.conn):
            return removed_ids(db, _key_if_there(home), student_ids)
    except (GalleryError, KeyFileError, StoreError):
        return {}  # `names_of` reports the error


def _key_if_there(home: Home) -> bytes | None:
    """Return the device key if it exists, without making one."""
    key_path = home.key_path if home.home_mode else None
    if credential(DEVICE_KEY_CREDENTIAL) is None and not (key_path and key_path.exists()):
        return None
    return device_key(key_path, create=False)
