"""Registers that are removed after `storage.keep_registers_days`, and the signed notes about their removal.

A register is removed only if the office has it. The process with network access reports this, and a single report could
be false. The report must therefore contain the register's SHA-256. The service's nightly checks must have found this
report for 30 days, and no alarm may be active. If two checks are more than a week apart, the 30 days start again, so a
jump of the clock adds no days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.alarms import alarms
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.gallery import wipe_log
from edge_daemon.timestamps import parsed, stored

ACKNOWLEDGED_FOR: Final = timedelta(days=30)
"""Time for which the office's receipt must have been recorded here before a register may be removed."""
LONGEST_GAP: Final = timedelta(days=7)
"""Longest time between two calls of `note_acknowledged`.

After a longer time, because the clock jumped or the device was off, the time `ACKNOWLEDGED_FOR` begins again.
"""
_HAS_IT: Final = (
    "SELECT made.lesson_id, made.revision FROM registers AS made JOIN outbox ON destination = 'upstream'"
    " AND kind = 'register' AND ref = made.lesson_id || '/' || made.revision"
    " WHERE state = 'delivered' AND (reported = 0 OR receipt_sha256 = made.sha256)"
)
"""SQL for the revisions that the office has.

`reported = 0`: an older release marked the item as delivered; it received the office's receipt itself.
"""
_UNSIGNED: Final = 'SELECT lesson_id FROM registers WHERE document NOT LIKE \'%"signature":"%\''
_DUE: Final = "registers_due"
_LOOKED_AT: Final = "registers_looked_at"


@dataclass(frozen=True, slots=True)
class RemovedRegister:
    """A revision that was removed, or is due for removal."""

    position: int
    """Position of the revision in the ledger."""
    lesson_id: str
    revision: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RetentionNote:
    """A signed note about removed registers. Its signature is not yet verified."""

    position: int
    document: str
    sha256: str


def note_acknowledged(db: sqlite_utils.Database, now: datetime) -> None:
    """Record which revisions the office has, and since when.

    A revision that is recorded already keeps its time. A revision that the office no longer has is forgotten, and gets
    a new time once the office has it again. After a gap of more than `LONGEST_GAP` all times start again. Call this
    only with a trusted clock.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        if not _was_looked(db, now):
            db.execute("DELETE FROM acknowledged")
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_LOOKED_AT, stored(now)))
        db.execute(f"DELETE FROM acknowledged WHERE (lesson_id, revision) NOT IN ({_HAS_IT})")
        db.execute("DELETE FROM acknowledged WHERE noted_at_utc > ?", (stored(now),))  # by a clock that was ahead
        db.execute(
            "INSERT OR IGNORE INTO acknowledged (lesson_id, revision, noted_at_utc)"
            f" SELECT lesson_id, revision, ? FROM ({_HAS_IT})",
            (stored(now),),
        )


def due_registers(db: sqlite_utils.Database, keep: timedelta, now: datetime) -> list[RemovedRegister]:
    """Return the revisions to remove, because their retention is over, in ledger order.

    All revisions of a lesson are removed together. The result is empty while an alarm is active, or after a week
    without a check. The newest register always stays, because the next one refers to it. Unsigned registers of
    an early release are removed all at once or not at all. The verification takes a removed register for a signed one,
    and refuses an unsigned register after it.

    Args:
        db: register.sqlite.
        keep: how long registers stay after their lesson.
        now: the time of a trusted clock.
    """
    if alarms(db) or not _was_looked(db, now):
        return []
    with faults(db):
        rows = db.execute(
            "SELECT ledger_position, lesson_id, revision, sha256 FROM registers JOIN lessons USING (lesson_id)"
            " WHERE end_utc < ?1 AND ledger_position < (SELECT max(ledger_position) FROM registers)"
            " AND NOT EXISTS (SELECT 1 FROM registers AS other LEFT JOIN acknowledged USING (lesson_id, revision)"
            "  WHERE other.lesson_id = registers.lesson_id AND (noted_at_utc IS NULL OR noted_at_utc > ?2"
            "   OR other.ledger_position = (SELECT max(ledger_position) FROM registers)))"
            " AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.lesson_id = registers.lesson_id"
            "  AND outbox.state IN ('waiting', 'held', 'parked')) ORDER BY ledger_position",
            (stored(now - keep), stored(now - ACKNOWLEDGED_FOR)),
        ).fetchall()
        unsigned = {one[0] for one in db.execute(_UNSIGNED)} if rows else set()
    if not unsigned <= {row[1] for row in rows}:
        rows = [row for row in rows if row[1] not in unsigned]
    return [RemovedRegister(*row) for row in rows]


def _was_looked(db: sqlite_utils.Database, now: datetime) -> bool:
    """Return whether the office's receipts were last checked (`note_acknowledged`) at most a week ago."""
    with faults(db):
        row = db.execute("SELECT value FROM meta WHERE key = ?", (_LOOKED_AT,)).fetchone()
    return row is not None and now - parsed(row[0]) <= LONGEST_GAP


def mark_due(db: sqlite_utils.Database, count: int) -> None:
    """Record that `count` registers are due, so that the service, which has the signing key, removes them.

    0 withdraws this request.
    """
    with transaction(db):
        if count:
            db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_DUE, str(count)))
        else:
            db.execute("DELETE FROM meta WHERE key = ?", (_DUE,))


def are_due(db: sqlite_utils.Database) -> bool:
    """Return whether `mark_due` recorded that registers are due for removal."""
    with faults(db):
        return db.execute("SELECT 1 FROM meta WHERE key = ?", (_DUE,)).fetchone() is not None


def remove_registers(
    db: sqlite_utils.Database, gone: Sequence[RemovedRegister], render: Callable[[str | None], str], at: datetime
) -> None:
    """Remove registers with all student data of their lessons, and add the signed note, in one transaction.

    Args:
        db: register.sqlite.
        gone: registers from `due_registers`.
        render: returns the signed note, given the SHA-256 of the previous note, or None for the first note.
        at: now.

    Raises:
        StoreError: the database can't be written; nothing was changed.
    """
    with transaction(db):
        last = db.execute("SELECT sha256 FROM retention_notes ORDER BY note_position DESC LIMIT 1").fetchone()
        document = render(None if last is None else last[0])
        sha256 = hashlib.sha256(document.encode("utf-8")).hexdigest()
        note = db.execute(
            "INSERT INTO retention_notes (document, sha256, created_at_utc) VALUES (?, ?, ?) RETURNING note_position",
            (document, sha256, stored(at)),
        ).fetchone()[0]
        db.conn.executemany(
            "INSERT OR REPLACE INTO removed_registers (ledger_position, lesson_id, revision, sha256, note_position)"
            " VALUES (?, ?, ?, ?, ?)",
            [(one.position, one.lesson_id, one.revision, one.sha256, note) for one in gone],
        )
        for lesson_id in {one.lesson_id for one in gone}:
            for table in ("registers", "sightings", "still_faces", "outbox", "acknowledged"):
                db.execute(f"DELETE FROM {table} WHERE lesson_id = ?", (lesson_id,))
        db.execute("DELETE FROM meta WHERE key = ?", (_DUE,))
    wipe_log(db)


def retention_notes(db: sqlite_utils.Database) -> Iterator[RetentionNote]:
    """Yield the notes in the order of their creation."""
    query = "SELECT note_position, document, sha256 FROM retention_notes ORDER BY note_position"
    with faults(db):
        rows = db.execute(query).fetchall()
    yield from (RetentionNote(*row) for row in rows)


def removed_before(db: sqlite_utils.Database, position: int) -> tuple[RemovedRegister, str] | None:
    """Return the last removed register before a position of the ledger, with the document of the note about it.

    The result is None if no register before this position was removed.
    """
    with faults(db):
        row = db.execute(
            "SELECT ledger_position, lesson_id, revision, removed_registers.sha256, document FROM removed_registers"
            " JOIN retention_notes USING (note_position) WHERE ledger_position < ?"
            " ORDER BY ledger_position DESC LIMIT 1",
            (position,),
        ).fetchone()
    return None if row is None else (RemovedRegister(*row[:4]), row[4])


def removed_lessons(
    db: sqlite_utils.Database, start: datetime | None = None, end: datetime | None = None
) -> Mapping[str, datetime]:
    """Return the ids of lessons in [start, end) whose registers were removed, with the lessons' start times."""
    with faults(db):
        rows = db.execute(
            "SELECT DISTINCT lesson_id, start_utc FROM removed_registers JOIN lessons USING (lesson_id)"
            " WHERE start_utc >= ? AND start_utc < ? AND lesson_id NOT IN (SELECT lesson_id FROM registers)",
            (stored(start) if start else "", stored(end) if end else "~"),
        ).fetchall()
    return {row[0]: parsed(row[1]) for row in rows}
