"""Finds unfinished erasures, without any key and without libraries that the idle service does not load."""

from __future__ import annotations

from pathlib import Path

from edge_daemon.app.opening.database_recovery import gallery_of
from edge_daemon.device.key_slots import KeySlots
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import gallery as tables
from edge_daemon.store.database import path_of
from edge_daemon.store.removal_requests import requested_removals


def is_work_left(home: Home) -> bool:
    """Return whether a removal or key renewal is unfinished, or data keys are wrapped as in an earlier release.

    Raises:
        StoreError: the gallery can't be read.
        KeyFileError: the file of key slots can't be read.
    """
    with gallery_of(home) as db:
        if db is None:
            return False
        return bool(requested_removals(db)) or is_renewal_unfinished(db) or is_of_old_form(db)


def is_of_old_form(db: sqlite_utils.Database) -> bool:
    """Return whether some data keys are wrapped with the device key alone."""
    return not tables.key_generation(db) and bool(tables.student_rows(db))


def is_renewal_unfinished(db: sqlite_utils.Database) -> bool:
    """Return whether something was erased but the earlier slot key is not destroyed yet."""
    return tables.renewal(db) is not None or _has_stray_key(db)


def is_renewal_due(db: sqlite_utils.Database) -> bool:
    """Return whether data keys have to be wrapped again before the earlier slot key is destroyed.

    A second slot key without a recorded renewal counts, too: an interrupted renewal or a restored gallery leaves one.
    """
    state = tables.renewal(db)
    return state == "due" or (state is None and _has_stray_key(db))


def _has_stray_key(db: sqlite_utils.Database) -> bool:
    generation = tables.key_generation(db)
    slots = KeySlots(Path(path_of(db)).with_name(tables.SLOTS_FILE))
    return any(one.generation != generation for one in slots.keys())  # noqa: SIM118 - not a mapping
