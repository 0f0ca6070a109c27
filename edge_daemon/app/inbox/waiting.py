"""Fetches the office's documents, and checks each one before it may wait in the inbox.

This runs in the process with the network: it knows the formats of the documents, but not the gallery. `apply.py`
decides what a document means here, and checks everything once more.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from edge_daemon.app.registers.check_in_note_reading import DOCUMENT as CHECK_INS
from edge_daemon.app.registers.check_in_note_reading import read_notes
from edge_daemon.config import UPSTREAM, Config
from edge_daemon.delivery.document_paths import for_device
from edge_daemon.delivery.office_documents import (
    CORRECTIONS,
    EXCUSES,
    REMOVALS,
    WITHDRAWALS,
    parse_corrections,
    parse_excuses,
    parse_removals,
    parse_withdrawals,
)
from edge_daemon.delivery.pull import (
    DONE,
    TAKEN,
    DocumentSource,
    PullResult,
    WantedDocument,
    discard,
    pull,
    put,
)
from edge_daemon.errors import CheckinNoteError, DeliveryError, EdgeError, RosterError, StoreError, TimetableError
from edge_daemon.gallery.pulled_roster import ROSTER, parse_pulled_roster
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, plans, pulled

TIMETABLE: Final = "timetable.ics"
NAMES: Final = (ROSTER, WITHDRAWALS, REMOVALS, CORRECTIONS, EXCUSES, CHECK_INS, TIMETABLE)
"""The order in which documents are applied. Withdrawals follow the roster, which may still have a withdrawn consent."""
QUIET: Final = timedelta(minutes=3)
"""No document is applied in this time before a lesson.

A roster of 5000 students takes seconds. A worker that hangs is ended after two minutes (`worker_process.STALL_S`).
"""
FINISHING: Final = timedelta(hours=1)
"""No document is applied in this time after a lesson, because its register may still be made."""
LONGEST: Final = timedelta(hours=24)
"""The longest possible lesson."""

LIMITS: Final[Mapping[str, int]] = {
    ROSTER: 2 << 20,
    TIMETABLE: 8 << 20,
    **dict.fromkeys((CORRECTIONS, EXCUSES, CHECK_INS, WITHDRAWALS, REMOVALS), 1 << 20),
}
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def inbox_dir(home: Home) -> Path:
    """Return the folder of documents that have arrived and are not applied yet."""
    return home.state_dir / "inbox"


def handed_dir(home: Home) -> Path:
    """Return the folder of fetched documents; it belongs to the process with the network, so its content is unchecked.

    The applying process copies the documents into its own inbox (`take_handed`) and records which it copied. The
    fetching process then erases these.
    """
    return home.delivery_dir / "inbox"


def wanted_names(config: Config) -> tuple[str, ...]:
    """Return the names of the documents that the settings ask for."""
    named = {ROSTER if word == "roster" else f"{word}.json" for word in config.upstream.pull}
    return tuple(name for name in NAMES if name in named or (name == TIMETABLE and UPSTREAM in config.timetable.files))


def pull_all(home: Home, db: sqlite_utils.Database, source: DocumentSource, now: datetime) -> tuple[PullResult, ...]:
    """Ask for every document that the settings want, and put new and complete ones into the inbox.

    If the server can't be reached at all, the remaining documents are not requested.

    Raises:
        StoreError: the inbox or register.sqlite can't be written.
    """
    device = home.config.device.name
    checks: Mapping[str, Callable[[bytes], object]] = {
        ROSTER: _check_roster,
        TIMETABLE: _check_timetable,
        CORRECTIONS: lambda data: parse_corrections(data, device, now),
        EXCUSES: lambda data: parse_excuses(data, device, now),
        CHECK_INS: lambda data: _check_notes(data, home.config.checkin.devices, now),
        WITHDRAWALS: lambda data: parse_withdrawals(data, device),
        REMOVALS: lambda data: parse_removals(data, device),
    }
    results: list[PullResult] = []
    _erase_taken(home, db)
    for name in wanted_names(home.config):
        wanted = WantedDocument(name, for_device(device, name), LIMITS[name], checks[name])
        results.append(pull(wanted, source, db, handed_dir(home), now))
        if results[-1].receiver_down and not results[-1].is_doubtful:
            break
    return tuple(results)


def waits(home: Home, db: sqlite_utils.Database, names: Collection[str] = NAMES) -> bool:
    """Return whether a wanted document waits to be applied, or an applied one is not erased yet.

    Args:
        home: the installation.
        db: register.sqlite.
        names: the documents to look for.

    Raises:
        StoreError: register.sqlite can't be read.
    """
    folder = inbox_dir(home)
    try:
        there = {path.name for path in folder.iterdir()}
    except OSError:
        there = set()
    wanted = [name for name in wanted_names(home.config) if name in names]
    if any({name, f"{name}{TAKEN}", f"{name}{DONE}"} & there for name in wanted):
        return True
    return any(not _is_taken(db, name, changed_ns) for name, changed_ns in _handed(home) if name in wanted)


def take_handed(home: Home, db: sqlite_utils.Database, names: Collection[str]) -> None:
    """Copy into the inbox the documents that the process with the network has fetched since the last call.

    Args:
        home: the installation.
        db: register.sqlite, to write.
        names: the documents to copy.

    Raises:
        StoreError: a database or the inbox can't be used.
    """
    for name, changed_ns in _handed(home):
        if name not in names or _is_taken(db, name, changed_ns):
            continue
        path = handed_dir(home) / name
        try:
            # The process that writes there must not make this process read a file that it can't read itself.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                data = file.read(LIMITS[name] + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno == errno.ELOOP:
                continue  # a symbolic link is not one of our documents
            raise StoreError(f"can't be read: {error.strerror}", str(path), "check its owner and the disk") from error
        put(inbox_dir(home) / name, data)
        pulled.note_taken(db, name, pulled.token(hashlib.sha256(data).hexdigest(), changed_ns))


def _handed(home: Home) -> Iterator[tuple[str, int]]:
    """Yield the fetched documents, and when each file was changed."""
    for name in NAMES:
        try:
            found = (handed_dir(home) / name).lstat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):
            yield name, found.st_mtime_ns


def _is_taken(db: sqlite_utils.Database, name: str, changed_ns: int) -> bool:
    return pulled.pulled_document(db, name).taken.endswith(f":{changed_ns}")


def _erase_taken(home: Home, db: sqlite_utils.Database) -> None:
    """Erase the documents that the applying process has copied."""
    for name, changed_ns in list(_handed(home)):
        if _is_taken(db, name, changed_ns):
            discard(handed_dir(home) / name)


def busy(db: sqlite_utils.Database, now: datetime) -> str:
    """Return which lesson (running, unfinished or near) forbids applying documents now; empty if none does.

    Raises:
        StoreError: register.sqlite can't be read.
    """
    for stored in lessons.running_lessons(db):
        lesson = stored.lesson
        if lesson.origin == "timetable" and lesson.start - QUIET <= now < lesson.end + FINISHING:
            return "a lesson is on or being finished"
    for plan in plans.committed_plans(db, now - LONGEST, now + QUIET):
        known = lessons.get_lesson(db, plan.lesson.lesson_id)
        if now < plan.lesson.end and (known is None or known.state != "finalised"):
            return "a lesson is on" if plan.lesson.start <= now else "a lesson is about to begin"
    return ""


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Prevent a second process from applying at the same time.

    Raises:
        StoreError: another process is applying, or the inbox can't be used.
    """
    folder = inbox_dir(home)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"can't be used: {error.strerror}", str(folder), "check its owner and the disk") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError("another process is applying what is there", str(folder), "wait for its end") from error
        yield
    finally:
        os.close(descriptor)


def bare(error: EdgeError) -> str:
    """Return an error's line without the values that it quotes, because ids and addresses do not belong in a log."""
    return _QUOTED.sub("(...)", error.line())


def _check_roster(data: bytes) -> None:
    try:
        parse_pulled_roster(data)
    except RosterError as error:
        raise RosterError(_QUOTED.sub("(...)", error.what), error.where, error.hint) from error


def _check_notes(data: bytes, trusted: Collection[str], now: datetime) -> None:
    try:
        read_notes(data, trusted, CHECK_INS, now)
    except CheckinNoteError as error:
        raise DeliveryError(error.what, error.where, error.hint) from error


def _check_timetable(data: bytes) -> None:
    """Check only that the calendar has an event; calendar libraries need more memory than this process may use."""
    from edge_daemon.lesson import ical_lines, ical_text

    events = sum(1 for _ in ical_text.components(ical_lines.Source(Path(TIMETABLE), data), frozenset({"VEVENT"})))
    if not events:
        raise TimetableError("has no event", TIMETABLE, "export it again; nothing was changed")
