"""Fetches the office's documents for this device, each complete, checked and only once (docs/PULL.md).

If the server gives an ETag, a document is requested only if its ETag has changed (RFC 9110, section 13.1.2). Otherwise
its SHA-256 shows whether it is new. A document is put into the inbox only if it is complete and passes its check. The
service applies it, because the service has the keys and knows when no lesson is running. If a document is broken, only
its problem is recorded.
"""

from __future__ import annotations

import hashlib
import logging
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
from edge_daemon.store.pulled import PulledDocument
from edge_daemon.types import Outcome
from edge_daemon.whole_file import replace_file

logger = logging.getLogger(__name__)

Result = Literal["new", "unchanged", "nothing", "broken", "unreachable"]
TAKEN: Final = ".taken"
"""Suffix of the file name of a document that is being applied."""
DONE: Final = ".done"
"""Suffix of the file name of a document that is being erased. A half overwritten file is thus never applied."""
_PART: Final = ".part"
ASK_ANEW_AFTER: Final = timedelta(days=1)
"""Time after which a version with a problem is fetched and tried again, because the cause may be on the device."""

REST: Final = timedelta(hours=1)
"""Time before a document is requested again after an answer that was too large or a web page.

A school may have 200 devices, which would otherwise send many requests.
"""

_OK, _NOT_MODIFIED, _NOT_THERE = 200, 304, (404, 410)
_MAX_PROBLEM: Final = 500


class PullAnswer(Protocol):
    """A server's answer to the request for a document."""

    @property
    def status(self) -> int:
        """HTTP status; 0 if there was no usable answer."""

    @property
    def body(self) -> bytes:
        """The decoded, complete body of status 200."""

    @property
    def etag(self) -> str:
        """The server's ETag; empty if it gave none."""

    @property
    def problem(self) -> Outcome | None:
        """Why there is no document, for any status except 200, 304 and 404; None for these."""


class DocumentSource(Protocol):
    """The office's server."""

    def get(self, path: str, etag: str, max_bytes: int) -> PullAnswer:
        """Request a document, unless the ETag's version is still the current one.

        Raises:
            DeliveryError: the answer is larger than `max_bytes`, or unusable for another reason.
        """


@dataclass(frozen=True, slots=True)
class WantedDocument:
    """A document that this device requests."""

    document: str
    """Name of the document, which is also the name of its file in the inbox."""
    path: str
    """Path of the document on the server, below `upstream.url`."""
    max_bytes: int
    check: Callable[[bytes], object]
    """A function that raises an EdgeError, without personal data, if the document can't be used."""


@dataclass(frozen=True, slots=True)
class PullResult:
    """The result of requesting one document."""

    document: str
    result: Result
    reason: str = ""
    receiver_down: bool = False
    """True: the server answers no request now, so the other documents are not requested."""
    is_doubtful: bool = False
    """True: the answer may concern only this document."""


def pull(
    wanted: WantedDocument, source: DocumentSource, db: sqlite_utils.Database, inbox: Path, now: datetime
) -> PullResult:
    """Request a document. If there is a new version, put it into the inbox.

    Raises:
        StoreError: the inbox or the database can't be written.
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
        # Not a version of the document, so nothing of it is stored and the next answer counts anew.
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
    """Return whether the last seen version need not be fetched again: it is applied, waits, or has a known problem."""
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
    if problem != known.problem:  # reported once, not every quarter of an hour
        logger.warning("document refused", extra={"document": document, "reason": problem})
    return PullResult(known.name, "broken", problem)


def _taken_back(
    wanted: WantedDocument, known: PulledDocument, db: sqlite_utils.Database, inbox: Path, now: datetime
) -> PullResult:
    """Handle a document that the server no longer has: discard a version that waits; an applied one stays in force."""
    discard(inbox / wanted.document)
    if known.sha256 or known.problem:
        pulled.note_seen(db, wanted.document, etag="", sha256="", problem="", at=now)
    return PullResult(wanted.document, "nothing")


def discard(path: Path) -> None:
    """Erase a document in the inbox, if there is one, because it may contain names and addresses.

    Raises:
        StoreError: the document can't be erased.
    """
    done = path.with_name(path.name.removesuffix(TAKEN) + DONE)
    try:
        path.replace(done)
    except FileNotFoundError:
        pass  # a process that was killed may have started the erasure
    except OSError as error:
        raise StoreError(f"can't be erased: {error.strerror}", str(path), "check the disk and its owner") from error
    erase_file(done)


def put(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Write a file atomically, even on a power failure; only its owner may read it unless it is shared.

    Args:
        path: the file; its folder is created if it is missing.
        data: contents of the file.
        shared: True: the group may read the file too, if the group may enter the folder above the inbox.

    Raises:
        StoreError: the file can't be written.
    """
    try:
        other_reads = shared and is_shared(path.parent.parent)
        path.parent.mkdir(mode=0o750 if other_reads else 0o700, parents=True, exist_ok=True)
        replace_file(path, data, mode=0o640 if other_reads else 0o600, durable=True)
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path), "check the disk and its owner") from error
