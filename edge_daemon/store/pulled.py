"""The state of each document from the office: the last seen version, its problem, and the version in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, is_delivery, transaction
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class PulledDocument:
    """The stored state of one document of the office."""

    name: str
    etag: str = ""
    """ETag of the last seen version; empty if the server gave none, or if the next request must be unconditional."""
    sha256: str = ""
    """SHA-256 of the last seen version."""
    fetched_at: datetime | None = None
    applied_sha256: str = ""
    applied_at: datetime | None = None
    problem: str = ""
    """Problem of the last seen version: one line for people, without personal data."""
    taken: str = ""
    """Identifier (`token`) of the file that the service last copied from the fetching process."""


def pulled_document(db: sqlite_utils.Database, name: str) -> PulledDocument:
    """Return the state of a document; an empty state if nothing is known of it."""
    return next((one for one in pulled_documents(db) if one.name == name), PulledDocument(name))


def pulled_documents(db: sqlite_utils.Database) -> list[PulledDocument]:
    """Return the states of all documents that were ever seen or applied, sorted by name."""
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
    """Combine the state of a document from delivery.sqlite (seen version) and register.sqlite (version in force)."""
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
    """Return an identifier of one file with a document. It differs if the same version arrives in a new file.

    The service therefore examines a version again if it arrives twice.
    """
    return f"{sha256}:{changed_ns}"


def note_taken(db: sqlite_utils.Database, name: str, taken: str) -> None:
    """Record the identifier (`token`) of the file that was copied from the fetching process.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT INTO pulled (name, taken) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET taken = ?2",
            (name, taken),
        )


def note_seen(db: sqlite_utils.Database, name: str, *, etag: str, sha256: str, problem: str, at: datetime) -> None:
    """Record the version of a document that the server has now, and its problem (empty: none).

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
    """Record that a version of a document is in force. `problem` describes the parts that could not be applied.

    If a newer version was seen meanwhile, `problem` is not stored, because the stored one concerns the newer version.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        put_applied(db, name, sha256, problem=problem, at=at)


def put_applied(db: sqlite_utils.Database, name: str, sha256: str, *, problem: str, at: datetime) -> None:
    """Do the same as `note_applied`, within the caller's transaction."""
    db.execute(
        "INSERT INTO pulled (name, applied_sha256, applied_at_utc, problem) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (name) DO UPDATE SET applied_sha256 = ?2, applied_at_utc = ?3,"
        " problem = CASE WHEN sha256 IN ('', ?2) THEN ?4 ELSE problem END",
        (name, sha256, stored(at), problem),
    )


def note_refused(db: sqlite_utils.Database, name: str, sha256: str, *, problem: str) -> None:
    """Record why a version could not be applied at all. The previous version stays in force.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        db.execute(
            "INSERT INTO pulled (name, problem) VALUES (?1, ?3)"
            " ON CONFLICT (name) DO UPDATE SET problem = CASE WHEN sha256 IN ('', ?2) THEN ?3 ELSE problem END",
            (name, sha256, problem),
        )
