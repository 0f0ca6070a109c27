"""Commitments in register.sqlite: signed documents that prove which plans were fixed before their lessons began."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults
from edge_daemon.timestamps import parsed, stored


@dataclass(frozen=True, slots=True)
class StoredCommitment:
    """One signed document."""

    ref: str
    document: str
    """Text of the document, as canonical JSON."""
    sha256: str
    """SHA-256 of the document in UTF-8, hexadecimal."""
    created_at: datetime


def add_commitment(db: sqlite_utils.Database, ref: str, document: str, at: datetime) -> None:
    """Write one document within the caller's transaction."""
    sha256 = hashlib.sha256(document.encode("utf-8")).hexdigest()
    db.execute(
        "INSERT INTO commitments (ref, document, sha256, created_at_utc) VALUES (?, ?, ?, ?)",
        (ref, document, sha256, stored(at)),
    )


def commitments(
    db: sqlite_utils.Database, *, newest: int = -1, since: datetime | None = None
) -> Sequence[StoredCommitment]:
    """Return the last `newest` commitments in the order of their creation; all if `newest` is -1.

    If `since` is given, only those that were made at that time or later are returned.
    """
    with faults(db):
        rows = db.execute(
            "SELECT ref, document, sha256, created_at_utc FROM commitments WHERE created_at_utc >= ?"
            " ORDER BY commitment_position DESC LIMIT ?",
            (stored(since) if since else "", newest),
        ).fetchall()
    return [StoredCommitment(row[0], row[1], row[2], parsed(row[3])) for row in reversed(rows)]


def get_commitment(db: sqlite_utils.Database, ref: str) -> StoredCommitment | None:
    """Return the commitment with this ref; None if there is none."""
    with faults(db):
        row = db.execute(
            "SELECT ref, document, sha256, created_at_utc FROM commitments WHERE ref = ?", (ref,)
        ).fetchone()
    return StoredCommitment(row[0], row[1], row[2], parsed(row[3])) if row is not None else None
