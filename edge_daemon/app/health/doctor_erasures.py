"""The check of `doctor` about erasures: unfinished ones, keys that the disk may keep, and students to erase soon."""

from __future__ import annotations

from contextlib import closing

from edge_daemon.app.erasure.pending import is_work_left
from edge_daemon.device.check import Check
from edge_daemon.device.key_slots import KeySlots
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.leavers import ComingErasures, read_coming


def erasures_check(home: Home) -> Check:
    """Check whether all erasures are finished, and report those that are due later.

    Raises:
        StoreError, KeyFileError: a database or the file of key slots can't be read.
    """
    if is_work_left(home):
        advice = "the service does it within the hour, between lessons; its journal says why it can't"
        return Check("erasures", "warning", "some data is not yet erased, or not yet wrapped under a new key", advice)
    for path in (home.gallery_slots_path, home.contact_slots_path):
        if KeySlots(path).in_place() is False:
            found = f"this file system does not overwrite {path.name} in place"
            advice = "keep the state on ext4 without data=journal: a destroyed key might be found again"
            return Check("erasures", "warning", found, advice)
    coming = _coming(home)
    if coming is not None:
        found = f"{coming.students} who left the roster will be erased, the first on {coming.first}"
        advice = "put students who belong here back on the roster; storage.keep_leavers_days says how long leavers stay"
        return Check("erasures", "warning", found, advice)
    return Check("erasures", "good", "nothing is left to erase")


def _coming(home: Home) -> ComingErasures | None:
    if not home.register_db_path.exists():
        return None
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return read_coming(db)
