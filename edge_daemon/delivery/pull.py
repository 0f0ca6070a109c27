"""Fetching what the office has for this device: whole, checked, and once (docs/PULL.md).

A document is asked for by its ETag (RFC 9110, section 13.1.2) where the server gives one, and known by its SHA-256
where it does not. It is put into the inbox only when it is whole and passes its check; applying it is the business of
the service, which has the keys and knows when no lesson is on. A document that is broken changes nothing but its
`problem`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

from edge_daemon.errors import DeliveryError, EdgeError, StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import pulled
from edge_daemon.store.backup import erase_file
from edge_daemon.store.database import is_shared
from edge_daemon.store.disk import sync_folder
from edge_daemon.store.pulled import PulledDocument
from edge_daemon.types import Outcome

logger = logging.getLogger(__name__)

Result = Literal["new", "unchanged", "nothing", "broken", "unreachable"]
TAKEN: Final = ".taken"
"""Ending of a document that is being applied."""
DONE: Final = ".done"
"""Ending of a document that is being erased: half overwritten it must not pass for one that waits."""
_PART: Final = ".part"
ASK_ANEW_AFTER: Final = timedelta(days=1)
"""A version that has a problem is fetched and tried again after this: the reason may lie on the device."""

REST: Final = timedelta(hours=1)
"""What was too large, or no document at all, is not fetched again before this: the school has 200 devices."""

_OK, _NOT_MODIFIED, _NOT_THERE = 200, 304, (404, 410)
_MAX_PROBLEM: Final = 500


class PullAnswer(Protocol):
    """What a server said to a GET."""

    @property
    def status(self) -> int:
        """HTTP status; 0 where there was no answer that can be used."""

    @property
    def body(self) -> bytes:
        """Decoded and whole, of status 200."""

    @property
    def etag(self) -> str:
        """As the server gave it; empty where it gave none."""

    @property
    def problem(self) -> Outcome | None:
        """What is wrong, of any status that is neither 200 nor 304 nor 404."""


class DocumentSource(Protocol):
    """The office's server."""

    def get(self, path: str, etag: str, max_bytes: int) -> PullAnswer:
        """Ask for a document, unless it is the version of the ETag.

        Raises:
            DeliveryError: what came is larger than `max_bytes`, or can't be used in another way.
        """


@dataclass(frozen=True, slots=True)
class WantedDocument:
    """A document that this device asks for."""

    document: str
    """Its name: of the file in the inbox, too."""
    path: str
    """On the server, below its base."""
    max_bytes: int
    check: Callable[[bytes], object]
    """Raises an EdgeError, without anything personal, where the document can't be used."""


@dataclass(frozen=True, slots=True)
class PullResult:
    """What became of asking for one document."""

    document: str
    result: Result
    reason: str = ""
    receiver_down: bool = False
    """The server gives nothing at all now: the other documents need not be asked for."""
    is_doubtful: bool = False
    """True: what it answered may hold for this document alone."""


def pull(
    wanted: WantedDocument, source: DocumentSource, db: sqlite_utils.Database, inbox: Path, now: datetime
) -> PullResult:
    """Ask for a document, and put a new version into the inbox.

    Raises:
        StoreError: the inbox or register.sqlite can't be written.
    """
    known = pulled.pulled_document(db, wanted.document)
    settled = _is_settled(known, inbox, now)
    if known.problem and not known.sha256 and known.fetched_at and timedelta(0) <= now - known.fetched_at < REST:
        return PullResult(wanted.document, "broken", known.problem)
    try:
        answer = source.get(wanted.path, known.etag if settled else "", wanted.max_bytes)
    except DeliveryError as error:
        return _broken(known, db, "", "", f"{wanted.document}: {error.what}", now)
    if answer.status == _NOT_MODIFIED:
        return PullResult(wanted.document, "unchanged")
    if answer.status in _NOT_THERE:
        return _taken_back(wanted, known, db, inbox, now)
    if answer.status != _OK:
        problem = answer.problem or Outcome("retry", f"the server answered {answer.status}")
        return PullResult(wanted.document, "unreachable", problem.answer, problem.receiver_down, problem.is_doubtful)
    return _received(wanted, answer, known, settled, db, inbox, now)


def _received(
    wanted: WantedDocument,
    answer: PullAnswer,
    known: PulledDocument,
    settled: bool,
    db: sqlite_utils.Database,
    inbox: Path,
    now: datetime,
) -> PullResult:
    sha256 = hashlib.sha256(answer.body).hexdigest()
    if settled and sha256 == known.sha256:
        return PullResult(wanted.document, "unchanged")
    if answer.body.lstrip()[:1] == b"<":
        # Not a version of the document, so that nothing of it is remembered: the next answer counts anew.
        return _broken(known, db, "", "", f"{wanted.document}: a web page came in its place (a log-in page?)", now)
    try:
        wanted.check(answer.body)
    except EdgeError as error:
        return _broken(known, db, answer.etag, sha256, error.line(), now)
    put(inbox / wanted.document, answer.body, shared=True)
    pulled.note_seen(db, wanted.document, etag=answer.etag, sha256=sha256, problem="", at=now)
    logger.info("document pulled", extra={"document": wanted.document})
    return PullResult(wanted.document, "new")


def _is_settled(known: PulledDocument, inbox: Path, now: datetime) -> bool:
    """Return whether the version that was seen last needs no second look: applied, waiting, or known to be no good."""
    if known.problem and (known.fetched_at is None or abs(now - known.fetched_at) >= ASK_ANEW_AFTER):
        return False
    if not known.sha256:
        return False
    waits = (inbox / known.name).exists() or known.taken.startswith(f"{known.sha256}:")
    return bool(known.problem) or waits or known.sha256 == known.applied_sha256


def _broken(
    known: PulledDocument, db: sqlite_utils.Database, etag: str, sha256: str, problem: str, now: datetime
) -> PullResult:
    problem, document = problem[:_MAX_PROBLEM], known.name
    pulled.note_seen(db, known.name, etag=etag, sha256=sha256, problem=problem, at=now)
    if problem != known.problem:  # said once, not every quarter of an hour
        logger.warning("document refused", extra={"document": document, "reason": problem})
    return PullResult(known.name, "broken", problem)


def _taken_back(
    wanted: WantedDocument, known: PulledDocument, db: sqlite_utils.Database, inbox: Path, now: datetime
) -> PullResult:
    """The office has no such document, or none any more: what waits of it is not applied, what was applied stays."""
    discard(inbox / wanted.document)
    if known.sha256 or known.problem:
        pulled.note_seen(db, wanted.document, etag="", sha256="", problem="", at=now)
    return PullResult(wanted.document, "nothing")


def discard(path: Path) -> None:
    """Erase a document of the inbox, where there is one; names and addresses may be in it.

    Raises:
        StoreError: it can't be erased.
    """
    done = path.with_name(path.name.removesuffix(TAKEN) + DONE)
    try:
        path.replace(done)
    except FileNotFoundError:
        pass  # a process that was killed may have begun
    except OSError as error:
        raise StoreError(f"can't be erased: {error.strerror}", str(path), "check the disk and its owner") from error
    erase_file(done)


def put(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Write a file, for its owner only, in one step even if the power fails.

    Args:
        path: the file; its folder is made where it is missing.
        data: what is in it.
        shared: where the group may enter the folder above, the other user of this program reads it, too.

    Raises:
        StoreError: it can't be written.
    """
    part = path.with_name(f".{path.name}{_PART}")
    try:
        other_reads = shared and is_shared(path.parent.parent)
        path.parent.mkdir(mode=0o750 if other_reads else 0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o640 if other_reads else 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path), "check the disk and its owner") from error
