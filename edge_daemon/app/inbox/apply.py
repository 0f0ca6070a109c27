"""Puts the office's documents into force: between lessons, in a process that has the keys but no network.

Each document is applied as a whole or not at all: one transaction in one database, then a note that it was applied,
then the file is erased. A process that dies in between leaves either the old or the new state, and the file. The next
process continues with the file, because every step may be repeated. Documents from the network are checked here once
more, as if they had not been checked on arrival.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from edge_daemon.app.enrolment.report_page import put_page_away
from edge_daemon.app.erasure.removal import finish_erasures
from edge_daemon.app.inbox.corrections import apply_corrections
from edge_daemon.app.inbox.office_keys import check_signed
from edge_daemon.app.inbox.removal_list import apply_removals, take_up_waiting
from edge_daemon.app.inbox.waiting import (
    LIMITS,
    NAMES,
    TIMETABLE,
    alone,
    bare,
    busy,
    inbox_dir,
    take_handed,
    wanted_names,
)
from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.app.opening.models_and_gallery import open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.registers.check_in_note import take_check_ins
from edge_daemon.app.registers.check_in_note_reading import DOCUMENT as CHECK_INS
from edge_daemon.app.registers.check_in_note_reading import read_notes
from edge_daemon.app.registers.correction_notes import keep_notes
from edge_daemon.delivery.office_documents import (
    CORRECTIONS,
    EXCUSES,
    REMOVALS,
    WITHDRAWALS,
    parse_corrections,
    parse_excuses,
    parse_withdrawals,
)
from edge_daemon.delivery.pull import DONE, TAKEN, discard, put
from edge_daemon.errors import (
    CheckinNoteError,
    DeliveryError,
    GalleryError,
    KeyFileError,
    RosterError,
    StoreError,
    TimetableError,
)
from edge_daemon.gallery.pulled_roster import ROSTER, check_change, parse_pulled_roster, without_marks
from edge_daemon.home import Home
from edge_daemon.store import gallery as tables
from edge_daemon.store.backup import erase_file
from edge_daemon.store.daily_events import DailyEvent, add_events
from edge_daemon.store.database import open_register
from edge_daemon.store.excuses import excuses_written_at, replace_excuses
from edge_daemon.store.pulled import note_applied, note_refused

logger = logging.getLogger(__name__)

_WEEKS: Final = 4
_LOOK_AHEAD_WEEKS: Final = 52
_REFUSED = (RosterError, TimetableError, DeliveryError, CheckinNoteError)
"""Errors of a document that is refused and discarded.

Any other error is the device's, and the document waits for the next try.
"""


@dataclass(frozen=True, slots=True)
class InboxResult:
    """The outcome of one document; it contains nothing personal."""

    document: str
    in_force: bool
    """False if the document was refused; the earlier one then stays in force."""
    summary: str
    """The changes by the document, in one line for people."""
    problem: str = ""
    """Why the document was refused, or which part of it could not be applied."""


def apply_inbox(
    home: Home, now: datetime, names: Collection[str] | None = None, *, confirmed: bool = False
) -> tuple[InboxResult, ...]:
    """Apply the documents in the inbox. Call this only while no lesson is on or near (`waiting.busy`).

    Args:
        home: the installation.
        now: the time; it has to be trusted.
        names: the documents to apply; None for those that the settings want.
        confirmed: True if a person has confirmed a list that removes more than half of the room's students.

    Raises:
        EdgeError: the device can't do it now; documents that were not applied wait for the next call.
    """
    done: list[InboxResult] = []
    wanted = wanted_names(home.config) if names is None else names
    with alone(home):
        db = open_register(home.register_db_path)
        with closing(db.conn):
            take_handed(home, db, wanted)
        for name in NAMES:
            if name not in wanted:
                continue
            fresh, taken = inbox_dir(home) / name, inbox_dir(home) / f"{name}{TAKEN}"
            erase_file(inbox_dir(home) / f"{name}{DONE}")  # left by a process that was killed
            for path in (taken, fresh):  # the older one first
                if path.is_symlink():
                    path.unlink()
                elif path.exists():
                    path.replace(taken)  # a newer version may arrive meanwhile
                    done.append(_apply(home, name, taken, now, confirmed=confirmed))
    return tuple(done)


def apply_by_hand(
    home: Home, files: Sequence[Path], now: datetime, *, confirm: bool = False
) -> tuple[InboxResult, ...]:
    """Apply the waiting documents and the given files; refused while a lesson is on or near.

    Args:
        home: the installation.
        files: documents, each named as on the office's server. The person chooses them; `upstream.pull` does not
            matter.
        now: the time.
        confirm: True to apply also a list of removals that waits for a person.

    Raises:
        StoreError: a lesson is on or near, or a file can't be read.
        DeliveryError: the name of a file is not that of a document.
    """
    contents = {path.name: _content(path) for path in files}
    home.ensure_state_dir()
    db = open_register(home.register_db_path)
    with closing(db.conn):
        reason = busy(db, now)
    if reason:
        raise StoreError(reason, str(inbox_dir(home)), "try again afterwards: nothing changes during a lesson")
    for name, data in contents.items():
        put(inbox_dir(home) / name, data)
    if confirm:
        take_up_waiting(home, inbox_dir(home))
    names = {*wanted_names(home.config), *contents, *((REMOVALS,) if confirm else ())}
    return apply_inbox(home, now, names, confirmed=confirm)


def _content(path: Path) -> bytes:
    if path.name not in LIMITS:
        raise DeliveryError("is not one of the office's documents", str(path), f"name it as one of {', '.join(NAMES)}")
    try:
        with path.open("rb") as file:
            return file.read(LIMITS[path.name] + 1)
    except OSError as error:
        raise StoreError(f"can't be read: {error.strerror}", str(path), "check the path and its rights") from error


def _apply(home: Home, document: str, path: Path, now: datetime, *, confirmed: bool) -> InboxResult:
    try:
        # The process with the network may write here. It must not make this process read a file that it can't read.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            data = file.read(LIMITS[document] + 1)
    except OSError as error:
        raise StoreError(f"can't be read: {error.strerror}", str(path), "check its owner and the disk") from error
    applied = _outcome(home, document, data, now, confirmed=confirmed)
    sha256 = hashlib.sha256(data).hexdigest()
    db = open_register(home.register_db_path)
    with closing(db.conn):
        if applied.in_force:
            note_applied(db, document, sha256, problem=applied.problem, at=now)
        else:
            note_refused(db, document, sha256, problem=applied.problem)
        word = "document applied" if applied.in_force else "document refused"
        reason = {"reason": applied.problem} if applied.problem else {}
        add_events(db, [DailyEvent(now, word, {"document": document, **reason})])
    discard(path)
    if applied.in_force:
        logger.info("document applied", extra={"document": document, "reason": applied.problem})
    else:
        logger.warning("document refused", extra={"document": document, "reason": applied.problem})
    return applied


def _outcome(home: Home, name: str, data: bytes, now: datetime, *, confirmed: bool) -> InboxResult:
    steps: Mapping[str, Callable[[Home, bytes, datetime], InboxResult]] = {
        ROSTER: _apply_roster,
        WITHDRAWALS: _apply_withdrawals,
        REMOVALS: lambda *given: InboxResult(REMOVALS, True, *apply_removals(*given, confirmed=confirmed)),
        CORRECTIONS: _apply_corrections,
        EXCUSES: _apply_excuses,
        CHECK_INS: _apply_check_ins,
        TIMETABLE: _apply_timetable,
    }
    try:
        if len(data) > LIMITS[name]:
            raise DeliveryError(f"is larger than {LIMITS[name]} bytes", name, "make it smaller")
        return steps[name](home, data, now)
    except _REFUSED as error:
        return InboxResult(name, False, "refused", bare(error))


def _apply_roster(home: Home, data: bytes, now: datetime) -> InboxResult:
    from edge_daemon.gallery.roster_import import (
        import_roster,
    )  # imported here: OpenCV loads slowly, and rosters are rare

    rows = parse_pulled_roster(data)
    withdrawn = _withdrawn(home)
    rows = [
        replace(
            row, student=replace(row.student, consent=row.student.consent and row.student.student_id not in withdrawn)
        )
        for row in rows
    ]
    store = open_gallery_store(home, create=True)
    with closing(store.db.conn):
        before = tables.student_rows(store.db)
        check_change(before, rows, now.astimezone(ZoneInfo(home.config.device.time_zone)).date())
        report = import_roster(without_marks(rows), None, store, now)
    with suppress(StoreError):  # the report page of an earlier import, which has the names of that time
        put_page_away(home, keep=False)
    finish_erasures(home, now)
    new = report.students - len({row.student_id for row in before} & {row.student.student_id for row in rows})
    summary = f"{report.students} students, {new} of them new, {len(report.without_template)} without template"
    left = sum(row.position is not None and row.student_id in report.left for row in before)
    summary += f"; {left} left" if left else ""
    return InboxResult(ROSTER, True, summary, _hand_contacts_on(home))


def _apply_withdrawals(home: Home, data: bytes, now: datetime) -> InboxResult:
    from edge_daemon.gallery.withdrawals import WithdrawalResult, withdraw

    student_ids = parse_withdrawals(data, home.config.device.name)
    done = WithdrawalResult(0, 0, len(student_ids))
    if home.gallery_db_path.exists():
        store = open_gallery_store(home)
        with closing(store.db.conn):
            done = withdraw(store, student_ids, now)
    # The list is kept, because a later roster may be older and must not restore a consent that was withdrawn here.
    put(_withdrawals_path(home), data)
    finish_erasures(home, now)
    summary = f"{done.erased} consents taken back, {done.already} were not given, {done.unknown} ids are not known here"
    return InboxResult(WITHDRAWALS, True, summary)


def _apply_corrections(home: Home, data: bytes, now: datetime) -> InboxResult:
    check_signed(home, data, CORRECTIONS, "corrections")
    wanted = parse_corrections(data, home.config.device.name, now)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        done = apply_corrections(db, wanted, open_signer(home), outbox_writer(home.config), now.replace(microsecond=0))
    keep_notes(home, done.notes)
    summary = f"{done.revisions} revisions made, {done.already} corrections were done already"
    summary += f", {done.overtaken} were replaced by later ones" if done.overtaken else ""
    return InboxResult(CORRECTIONS, True, summary, done.problem)


def _apply_excuses(home: Home, data: bytes, now: datetime) -> InboxResult:
    check_signed(home, data, EXCUSES, "excuses")
    wanted = parse_excuses(data, home.config.device.name, now)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        known = excuses_written_at(db)
        if known is not None and wanted.at < known:
            raise DeliveryError("is older than the list that is in force", EXCUSES, "nothing was changed")
        replace_excuses(db, wanted.excuses, wanted.at)
    return InboxResult(EXCUSES, True, f"{len(wanted.excuses)} excuses are in force")


def _apply_check_ins(home: Home, data: bytes, now: datetime) -> InboxResult:
    check_ins = read_notes(data, home.config.checkin.devices, CHECK_INS, now)
    done = take_check_ins(home, check_ins, now.replace(microsecond=0))
    return InboxResult(CHECK_INS, True, f"{done.check_ins} check-ins, {done.revisions} registers revised", done.problem)


def _apply_timetable(home: Home, data: bytes, now: datetime) -> InboxResult:
    from edge_daemon.app.opening.timetable_files import (
        pulled_timetable,  # imported here: calendar libraries need time and memory
    )
    from edge_daemon.lesson.ical_lines import Source
    from edge_daemon.lesson.timetable_process import ProcessTimetable

    config = home.config
    settings = config.timetable
    read = ProcessTimetable([Source(Path(TIMETABLE), data)], [], config)
    if not any(read.lessons(now, now + timedelta(weeks=weeks)) for weeks in (_WEEKS, _LOOK_AHEAD_WEEKS)):
        if read.error:
            raise TimetableError(read.error, "", "the current calendar stays in use")
        room = " in this room" if settings.room else ""
        raise TimetableError(f"has no lesson{room} within a year", TIMETABLE, "the current calendar stays in use")
    put(pulled_timetable(home), data)
    left_out = f"{read.left_out} events are no lessons here" if read.left_out else ""
    return InboxResult(TIMETABLE, True, "it is the timetable now" + (f"; {left_out}" if left_out else ""))


def _withdrawals_path(home: Home) -> Path:
    return home.state_dir / "pulled" / WITHDRAWALS


def _withdrawn(home: Home) -> frozenset[str]:
    """Return the students whose consent the last applied list withdraws."""
    try:
        data = _withdrawals_path(home).read_bytes()
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        where = str(_withdrawals_path(home))
        raise StoreError(f"can't be read: {error.strerror}", where, "check its owner and the disk") from error
    return frozenset(parse_withdrawals(data, home.config.device.name))


def _hand_contacts_on(home: Home) -> str:
    """Update the contacts for mail; return why this failed, or an empty text."""
    try:
        publish_contacts(home)
    except (GalleryError, KeyFileError) as error:
        return f"mail still uses the earlier names and addresses: {bare(error)}"
    return ""
