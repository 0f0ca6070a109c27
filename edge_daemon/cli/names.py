"""Names of students for those who may read the gallery; everybody else sees bare ids. Who was removed, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime

import click

from edge_daemon.cli.context import Home
from edge_daemon.device.secrets import DEVICE_KEY_CREDENTIAL, credential, device_key
from edge_daemon.errors import GalleryError, KeyFileError, StoreError
from edge_daemon.gallery.erasure import removed_ids
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store.database import open_gallery


def names_of(home: Home) -> Mapping[str, str]:
    """Return the names of all students by id, in the roster's order.

    Empty where there is no gallery or no key to it. A gallery that is there and can't be read is a warning on stderr:
    a register stays useful without names.
    """
    if not home.gallery_db_path.exists():
        return {}
    key_path = home.key_path if home.home_mode else None
    # Asking for a key that is not there would make a new one.
    if credential(DEVICE_KEY_CREDENTIAL) is None and not (key_path and key_path.exists()):
        return {}
    try:
        db = open_gallery(home.gallery_db_path, create=False)
        try:
            records = GalleryStore(db, device_key(key_path, create=False)).records()
        finally:
            db.conn.close()
    except (GalleryError, KeyFileError, StoreError) as error:
        click.echo(f"warning: {error.line()}; bare ids are shown", err=True)
        return {}
    return {record.student.student_id: record.student.name for record in records}


def removed_of(home: Home, student_ids: Iterable[str]) -> Mapping[str, datetime]:
    """Return when students were removed, of those who were; nothing where the gallery can't be read."""
    if not home.gallery_db_path.exists():
        return {}
    try:
        db = open_gallery(home.gallery_db_path, create=False)
        with closing(db.conn):
            return removed_ids(db, student_ids)
    except (GalleryError, StoreError):
        return {}  # `names_of` says so
