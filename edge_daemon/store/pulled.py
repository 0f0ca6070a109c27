"""Documents from the office: the version that was seen, the version that was applied, and its problem."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, is_delivery, transaction
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class PulledDocument:
    """A document of the office, as far as this device knows it."""

    name: str
    etag: str = ""
    """ETag of the last seen version; empty if the server gives none or the next request must be unconditional."""
    sha256: str = ""
    """SHA-256 of the last seen version."""
    fetched_at: datetime | None = None
    applied_sha256: str = ""
    applied_at: datetime | None = None
    problem: str = ""
    """Problem of the last seen version: one line for people, without personal data."""
    taken: str = ""
    """The file that was copied from the fetching process (`token`)."""


def pulled_document(db: sqlite_utils.Database, name: str) -> PulledDocument:
    """Return the state of a document; an empty one if nothing is known."""
    return next((one for one in pulled_documents(db) if one.name == name), PulledDocument(name))


def pulled_documents(db: sqlite_utils.Database) -> list[PulledDocument]:
    """Return all documents that were ever seen or applied, by name."""
    with faults(db):
        if not is_delivery(db):
            return _here(db, "pulled")
        applied = {one.name: one for one in _here(db, "register.pulled")}
        rows = db.execute("SELECT name, etag, sha256, fetched_at_utc, problem FROM main.pulled").fetchall()
    seen = {row[0]: row for row in rows}
    return [_joined(name, seen.get(name), applied.get(name)) for name in sorted({*seen, *applied})]


def _here(db: sqlite_utils.Database, pulled: str) -> list[PulledDocument]:
    rows = db.execute(
        "SELECT name, etag, sha256, fetched_at_utc, applied_sha256, applied_at_utc, problem, taken"
        f" FROM {pulled} ORDER BY name"
    ).fetchall()
    return [
        PulledDocument(
            *(r[0], r[1], r[2], parsed(r[3]) if r[3] else None, r[4], parsed(r[5]) if r[5] else None, r[6], r[7])
        )
        for r in rows
    ]


def _joined(name: str, seen: tuple[Any, ...] | None, applied: PulledDocument | None) -> PulledDocument:
    """Combine the state of a document from two files: one has what was seen, the other what was applied."""
    _, etag, sha256, fetched_at, problem = seen or ("", "", "", None, "")
    known = applied or PulledDocument(name)
    if not problem and sha256 and known.taken.startswith(f"{sha256}:"):
        problem = known.problem  # this device examined it
    return PulledDocument(
        name,
        etag,
        sha256,
        parsed(fetched_at) if fetched_at else None,
        known.applied_sha256,
        known.applied_at,
        problem,
        known.taken,
    )


def token(sha256: str, changed_ns: int) -> str:
    """Return an identifier of one file of a document. If a version arrives twice, it is examined twice."""
    return f"{sha256}:{changed_ns}"


def note_taken(db: sqlite_utils.Database, name: str, taken: str) -> None:
    """Record which file was copied from the fetching process.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT INTO pulled (name, taken) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET taken = ?2",
            (name, taken),
        )


def note_seen(db: sqlite_utils.Database, name: str, *, etag: str, sha256: str, problem: str, at: datetime) -> None:
    """Record the server's current version.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT INTO pulled (name, etag, sha256, fetched_at_utc, problem) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET etag = excluded.etag, sha256 = excluded.sha256,"
            " fetched_at_utc = excluded.fetched_at_utc, problem = excluded.problem",
            (name, etag, sha256, stored(at), problem),
        )


def note_applied(db: sqlite_utils.Database, name: str, sha256: str, *, problem: str, at: datetime) -> None:
    """Record that a version is in force; `problem` describes the parts that could not be applied.

    If a newer version was seen meanwhile, it keeps its own problem.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        put_applied(db, name, sha256, problem=problem, at=at)


def put_applied(db: sqlite_utils.Database, name: str, sha256: str, *, problem: str, at: datetime) -> None:
    """Record an applied version within the caller's transaction; see `note_applied`."""
    db.execute(
        "INSERT INTO pulled (name, applied_sha256, applied_at_utc, problem) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (name) DO UPDATE SET applied_sha256 = ?2, applied_at_utc = ?3,"
        " problem = CASE WHEN sha256 IN ('', ?2) THEN ?4 ELSE problem END",
        (name, sha256, stored(at), problem),
    )


def note_refused(db: sqlite_utils.Database, name: str, sha256: str, *, problem: str) -> None:
    """Record why a complete version could not be applied. The previous version stays in force.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT INTO pulled (name, problem) VALUES (?1, ?3)"
            " ON CONFLICT (name) DO UPDATE SET problem = CASE WHEN sha256 IN ('', ?2) THEN ?3 ELSE problem END",
            (name, sha256, problem),
        )
