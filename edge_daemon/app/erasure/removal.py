"""Removing students: recorded first, then done in every place; what a power cut leaves the next start finishes.

The order: the request is committed to the gallery; sightings, mails and contact go from register.sqlite; the student
goes from the gallery, with a tombstone, and it is noted that the slot key has to be renewed; the request is forgotten;
data keys and contacts are wrapped under a new slot key; a fresh backup takes the place of the earlier ones, which can't
be opened any more; the old slot key is overwritten. Every step may be done twice.
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
"""Pages of imports, kept ones too: a student who is removed stands on them by name."""


@dataclass(slots=True)
class StudentErasure:
    """What was erased of one student."""

    student_id: str
    removed_before: datetime | None = None
    """When the student had been removed already."""
    sightings: int = 0
    mails: int = 0
    """Mails about the student that will not be sent."""


@dataclass(slots=True)
class ErasureResult:
    """What a run of erasures did."""

    students: list[StudentErasure] = field(default_factory=list)
    wiped: bool = True
    """False where another process keeps a database's log open, so that old pages are overwritten only later."""
    renewed: bool = False
    """Whether a slot key was renewed, and the one of before destroyed."""
    copies: ReplacedCopies = field(default_factory=lambda: ReplacedCopies(0, None))
    problem: str = ""
    """Why the slot key of before is still there; the next start of the service tries again."""


def remove_students(home: Home, student_ids: Sequence[str], now: datetime) -> ErasureResult:
    """Erase students for good; removing one twice erases what has come back since.

    Args:
        home: the installation.
        student_ids: of students who are enrolled, or who were removed before.
        now: the time of the removal.

    Raises:
        GalleryError: nobody has one of the ids; nothing was changed.
        KeyFileError: there is no device key; nothing was changed.
        StoreError: a database can't be written. What was recorded is finished at the next start of the service.
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
    """Erase those of a list who are here or were removed here before; ids that nobody has here are passed over.

    Raises:
        KeyFileError, StoreError: as `remove_students`.
    """
    if not home.gallery_db_path.exists():
        return ErasureResult()
    with _opened(home) as (store, _):
        known = {*store.student_ids(), *store.removed_ids(student_ids)}
    here = [one for one in student_ids if one in known]
    return remove_students(home, here, now) if here else ErasureResult()


def renew_keys(home: Home, now: datetime) -> ErasureResult:
    """Renew the slot keys without erasing anybody: what copies of them were made elsewhere open nothing made later.

    Raises:
        GalleryError: the gallery has another device key, or its slot key is gone.
        KeyFileError, StoreError: as `finish_erasures`.
    """
    store = open_gallery_store(home)
    with closing(store.db.conn):
        store.renew_slot_key()
    return finish_erasures(home, now)


def finish_erasures(home: Home, now: datetime, *, upgrade: bool = False) -> ErasureResult:
    """Do what was recorded and is not done yet; cheap where there is nothing.

    Args:
        home: the installation.
        now: for tombstones and names of backups.
        upgrade: whether data keys of an earlier release, wrapped under the device key alone, get a slot key as well.
            After that the earlier release can't open the gallery any more.

    Raises:
        GalleryError, KeyFileError: what was asked for can't be begun without the device key.
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
                return result  # removed before: nothing was wrapped under the key in use
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
            continue  # back on the roster since
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
    """Wrap data keys and contacts under new slot keys; the gallery's old one is still there."""
    with gallery_of(home) as gallery_db:
        due = gallery_db is not None and (old_form or is_renewal_due(gallery_db))
    if due:
        store = open_gallery_store(home)
        with closing(store.db.conn):
            store.renew_slot_key()
    renew_contact_keys(home)


@contextmanager
def _opened(home: Home) -> Iterator[tuple[GalleryStore, sqlite_utils.Database | None]]:
    """Open the gallery with its key, and register.sqlite where there is one."""
    store = open_gallery_store(home)
    with closing(store.db.conn):
        if not home.register_db_path.exists():
            yield store, None
            return
        register_db = open_register(home.register_db_path)
        with closing(register_db.conn):
            yield store, register_db
