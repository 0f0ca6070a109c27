"""The enrolled students: their records, their names for those who may read the gallery, and who was removed when."""

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
    """Open the gallery for a while; as `open_gallery_store`."""
    store = open_gallery_store(home, create=create)
    with closing(store.db.conn):
        yield store


def records_of(home: Home) -> list[StudentRecord]:
    """Return all students: those of the roster first, then those who are no longer on it; raises as above."""
    with opened_gallery(home) as store:
        return list(store.records())


def record_of(home: Home, student_id: str) -> tuple[StudentRecord, list[str]]:
    """Return everything that is kept of one student, and the ids of students who look alike.

    Raises:
        EdgeError: there is no such student, or the gallery can't be read.
    """
    with opened_gallery(home) as store:
        record = store.record(student_id)
        pairs = [pair for pair in sorted(store.look_alikes()) if student_id in pair]
    return record, [b if a == student_id else a for a, b in pairs]


def names_of(home: Home, warn: Callable[[EdgeError], None]) -> Mapping[str, str]:
    """Return the names of all students by id, in the roster's order.

    Empty where there is no gallery or no key to it. A gallery that is there and can't be read is reported to `warn`: a
    register stays useful without names.
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
    """Return when students were removed, of those who were; nothing where the gallery can't be read."""
    if not home.gallery_db_path.exists():
        return {}
    try:
        db = open_gallery(home.gallery_db_path, create=False)
        with closing(db.conn):
            return removed_ids(db, _key_if_there(home), student_ids)
    except (GalleryError, KeyFileError, StoreError):
        return {}  # `names_of` says so


def _key_if_there(home: Home) -> bytes | None:
    """Return the device key, without making one."""
    key_path = home.key_path if home.home_mode else None
    if credential(DEVICE_KEY_CREDENTIAL) is None and not (key_path and key_path.exists()):
        return None
    return device_key(key_path, create=False)
