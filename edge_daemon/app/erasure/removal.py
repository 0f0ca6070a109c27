"""Removes students: records the request first, then erases everywhere; the next start finishes an interrupted removal.

The steps are, in this order:

- The request is committed to the gallery.
- Sightings, mails and the contact are erased from register.sqlite.
- The student is erased from the gallery, with a tombstone and a note that the slot key has to be renewed.
- The request is deleted.
- Data keys and contacts are wrapped under a new slot key.
- A fresh backup replaces the earlier ones, which can't be opened any more.
- The old slot key is overwritten.

Every step is safe to repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from edge_daemon.app.erasure.pending import is_of_old_form, is_renewal_due, is_renewal_unfinished
from edge_daemon.app.notices.sealed_contacts import renew_contact_keys
from edge_daemon.app.opening.database_recovery import gallery_of
from edge_daemon.app.opening.models_and_gallery import open_gallery_store
from edge_daemon.app.upkeep.maintenance import ReplacedCopies, forget_erased
from edge_daemon.errors import GalleryError, KeyFileError
from edge_daemon.gallery import slot_keys
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import gallery as tables
from edge_daemon.store import lessons, outbox
from edge_daemon.store.backup import erase_file
from edge_daemon.store.contacts import change_contacts
from edge_daemon.store.database import check_writable, open_register
from edge_daemon.store.excuses import erase_excuses
from edge_daemon.store.removal_requests import RemovalRequest, forget_requests, request_removals, requested_removals

logger = logging.getLogger(__name__)

REPORT_PAGES = "enrolment-report*.html"
"""Report pages of imports, including kept ones; they contain the names of removed students."""


@dataclass(slots=True)
class StudentErasure:
    """The result for one student."""

    student_id: str
    removed_before: datetime | None = None
    """When the student was removed before; None if this is the first removal."""
    sightings: int = 0
    mails: int = 0
    """Number of mails about the student that will not be sent."""


@dataclass(slots=True)
class ErasureResult:
    """The result of a run of erasures."""

    students: list[StudentErasure] = field(default_factory=list)
    wiped: bool = True
    """False if another process keeps a database's log open, so that old pages are overwritten later."""
    renewed: bool = False
    """True if a slot key was renewed and the earlier one destroyed."""
    copies: ReplacedCopies = field(default_factory=lambda: ReplacedCopies(0, None))
    problem: str = ""
    """Why the earlier slot key still exists; the next start of the service retries."""


def remove_students(home: Home, student_ids: Sequence[str], now: datetime) -> ErasureResult:
    """Erase students for good; a second removal erases data that has come back since.

    Args:
        home: the installation.
        student_ids: ids of students who are enrolled or were removed before.
        now: the time of the removal.

    Raises:
        GalleryError: nobody has one of the ids; nothing was changed.
        KeyFileError: there is no device key; nothing was changed.
        StoreError: a database can't be written. The next start of the service finishes what was recorded.
    """
    with _opened(home) as (store, register_db):
        if register_db is not None:
            check_writable(register_db)
        known = set(store.student_ids())
        unknown = [one for one in student_ids if one not in known]
        before = store.removed_ids(unknown)
        for student_id in unknown:
            if student_id not in before:
                store.row(student_id)  # raises: nobody has this id
        request_removals(store.db, student_ids, now)
    result = finish_erasures(home, now, upgrade=True)
    for one in result.students:
        one.removed_before = before.get(one.student_id)
    return result


def remove_listed(home: Home, student_ids: Sequence[str], now: datetime) -> ErasureResult:
    """Erase the listed students who are here or were removed here before; unknown ids are ignored.

    Raises:
        KeyFileError, StoreError: as in `remove_students`.
    """
    if not home.gallery_db_path.exists():
        return ErasureResult()
    with _opened(home) as (store, _):
        known = {*store.student_ids(), *store.removed_ids(student_ids)}
    here = [one for one in student_ids if one in known]
    return remove_students(home, here, now) if here else ErasureResult()


def renew_keys(home: Home, now: datetime) -> ErasureResult:
    """Renew the slot keys without erasing anybody, so that copied keys open nothing that is sealed later.

    Raises:
        GalleryError: the gallery has another device key, or its slot key is missing.
        KeyFileError, StoreError: as in `finish_erasures`.
    """
    store = open_gallery_store(home)
    with closing(store.db.conn):
        store.renew_slot_key()
    return finish_erasures(home, now)


def finish_erasures(home: Home, now: datetime, *, upgrade: bool = False) -> ErasureResult:
    """Finish all recorded erasures; fast if there are none.

    Args:
        home: the installation.
        now: the time, for tombstones and names of backups.
        upgrade: True to add a slot key to data keys of an earlier release, which are wrapped with the device key alone.
            After that the earlier release can't open the gallery any more.

    Raises:
        GalleryError, KeyFileError: the erasure can't begin without the device key.
        StoreError: a database can't be written.
    """
    result = ErasureResult()
    with gallery_of(home) as gallery_db:
        if gallery_db is None:
            return result
        requested = requested_removals(gallery_db)
        old_form = upgrade and is_of_old_form(gallery_db)
        if not requested and not old_form and not is_renewal_unfinished(gallery_db):
            return result
    if requested:
        with _opened(home) as (store, register_db):
            _erase(store, register_db, requested, now, result)
            for page in home.state_dir.glob(REPORT_PAGES):
                erase_file(page)
        with gallery_of(home) as gallery_db:
            if gallery_db is None or not (old_form or is_renewal_unfinished(gallery_db)):
                return result  # removed before: the key in use wraps nothing of the student
    try:
        _renew(home, old_form=old_form)
    except (GalleryError, KeyFileError) as error:
        logger.warning("old key not destroyed", extra={"reason": error.what})
        result.problem = error.line()
    result.copies = forget_erased(home, now)
    if not result.problem:
        with gallery_of(home) as gallery_db:
            if gallery_db is not None:
                slot_keys.destroy_old(gallery_db)
        result.renewed = True
    return result


def _erase(
    store: GalleryStore,
    register_db: sqlite_utils.Database | None,
    requested: Sequence[RemovalRequest],
    now: datetime,
    result: ErasureResult,
) -> None:
    present = {row.student_id: row for row in tables.student_rows(store.db)}
    for one in requested:
        student_id = one.student_id
        if not one.bars_return and student_id in present and present[student_id].position is not None:
            continue  # the student has returned to the roster since
        done = StudentErasure(student_id)
        if register_db is not None:
            done.sightings = lessons.erase_sightings(register_db, student_id)
            done.mails = outbox.void_student(register_db, student_id, now)
            erase_excuses(register_db, student_id)
            result.wiped &= change_contacts(register_db, (), [student_id])
        if student_id in present:
            result.wiped &= store.remove(student_id, one.requested_at, bars_return=one.bars_return)
        result.students.append(done)
    forget_requests(store.db, [one.student_id for one in requested])


def _renew(home: Home, *, old_form: bool) -> None:
    """Wrap data keys and contacts under new slot keys; the gallery's old slot key still exists afterwards."""
    with gallery_of(home) as gallery_db:
        due = gallery_db is not None and (old_form or is_renewal_due(gallery_db))
    if due:
        store = open_gallery_store(home)
        with closing(store.db.conn):
            store.renew_slot_key()
    renew_contact_keys(home)


@contextmanager
def _opened(home: Home) -> Iterator[tuple[GalleryStore, sqlite_utils.Database | None]]:
    """Open the gallery with its key, and register.sqlite if it exists."""
    store = open_gallery_store(home)
    with closing(store.db.conn):
        if not home.register_db_path.exists():
            yield store, None
            return
        register_db = open_register(home.register_db_path)
        with closing(register_db.conn):
            yield store, register_db
