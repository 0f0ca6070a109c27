"""Deletes data after its retention, and drops captures without candidates. `removed_registers.py` removes registers."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.gallery import wipe_log
from edge_daemon.timestamps import stored

_SETTLE_S = 2.0
"""Seconds between reading candidates and reading lessons.

A candidate is written just before its capture or lesson is written.
"""


def erase_sightings_of_lessons_before(db: sqlite_utils.Database, before: datetime) -> int:
    """Delete check-ins before a time, and sightings and still faces of finalised lessons that ended before it.

    Each lesson has a commit of its own.

    Args:
        db: register.sqlite, which a running lesson may be writing.
        before: the time.

    Returns:
        The number of deleted sightings.

    Raises:
        StoreError: the database can't be written; what is already deleted stays deleted.
    """
    with faults(db):
        rows = db.execute(
            "SELECT lesson_id FROM lessons WHERE end_utc < ? AND state = 'finalised'"
            " AND EXISTS (SELECT 1 FROM sightings WHERE sightings.lesson_id = lessons.lesson_id)",
            (stored(before),),
        ).fetchall()
    count = 0
    for row in rows:
        with transaction(db):
            count += db.conn.execute("DELETE FROM sightings WHERE lesson_id = ?", row).rowcount
    with transaction(db):
        old = db.conn.execute("DELETE FROM check_ins WHERE at_utc < ?", (stored(before),)).rowcount
        old += db.conn.execute(
            "DELETE FROM still_faces WHERE lesson_id IN"
            " (SELECT lesson_id FROM lessons WHERE end_utc < ? AND state = 'finalised')",
            (stored(before),),
        ).rowcount
    if rows or old:
        wipe_log(db)
    return count


def erase_idle_candidates(
    gallery_db: sqlite_utils.Database,
    register_db: sqlite_utils.Database,
    before: datetime,
    wait: Callable[[float], None] = time.sleep,
) -> int:
    """Erase candidates that no lesson needs any more.

    Candidates of a lesson are not needed if the lesson is finalised, or is unfinished and ended before `before`.
    Candidates of no lesson are needed only for a capture of unknown time that is kept.

    Returns:
        The number of lessons and sessions whose candidates were erased.

    Raises:
        StoreError: a database can't be written.
    """
    with faults(gallery_db):
        kept = [(str(row[0]), int(row[1])) for row in gallery_db.execute("SELECT lesson_id, slot FROM candidates")]
    if not kept:
        return 0
    wait(_SETTLE_S)
    with faults(register_db):
        needed = {
            (str(row[0]), row[1])
            for row in register_db.execute(
                "SELECT lesson_id, NULL FROM lessons WHERE state = 'running' AND end_utc >= ?"
                " UNION SELECT session_id, slot FROM untimed",
                (stored(before),),
            )
        }
    idle = [one for one in kept if one not in needed and (one[0], None) not in needed]
    if idle:
        with transaction(gallery_db):
            gallery_db.conn.executemany("DELETE FROM candidates WHERE lesson_id = ? AND slot = ?", idle)
        wipe_log(gallery_db)
    return len({lesson_id for lesson_id, _ in idle})


def forget_old_untimed(db: sqlite_utils.Database, before: datetime, boot_id: str, before_boottime_s: float) -> int:
    """Delete captures of unknown time that were taken before a time.

    Args:
        db: register.sqlite.
        before: the time. Captures of other boots are compared by the time of their untrusted clock.
        boot_id: the current boot, whose captures have a time by the seconds since its start.
        before_boottime_s: the same time in seconds since the start of this boot; negative if it was before the start.

    Returns:
        The number of deleted captures.

    Raises:
        StoreError: the database can't be written.
    """
    with transaction(db):
        return int(
            db.conn.execute(
                "DELETE FROM untimed WHERE CASE WHEN boot_id = ? THEN boottime_s < ? ELSE believed_utc < ? END",
                (boot_id, before_boottime_s, stored(before)),
            ).rowcount
        )


def drop_captures_without_candidates(
    register_db: sqlite_utils.Database, gallery_db: sqlite_utils.Database | None, reason: str
) -> int:
    """Turn each capture of a running lesson that has no candidates into a missed one, so that it makes nobody absent.

    Captures of unknown time without candidates are deleted. Candidates are written before their capture, and erased
    after their lesson is finalised. If a capture has none, the gallery was damaged, or restored from a backup.

    Returns:
        The number of captures that were changed or deleted.

    Raises:
        StoreError: a database can't be read or written.
    """
    count = 0
    with transaction(register_db):
        # Read under the register's lock, so that no lesson is finalised and loses its candidates meanwhile.
        kept = _kept(gallery_db)
        captures = register_db.execute(
            "SELECT lesson_id, slot FROM captures JOIN lessons USING (lesson_id) WHERE state = 'running'"
        ).fetchall()
        for lesson_id, slot in captures:
            if (lesson_id, slot) not in kept:
                register_db.execute("DELETE FROM captures WHERE lesson_id = ? AND slot = ?", (lesson_id, slot))
                register_db.execute(
                    "INSERT OR REPLACE INTO missed (lesson_id, slot, reason) VALUES (?, ?, ?)",
                    (lesson_id, slot, reason),
                )
                count += 1
        sessions = register_db.execute("SELECT session_id, slot FROM untimed").fetchall()
        for session_id, slot in sessions:
            if (session_id, slot) not in kept:
                register_db.execute("DELETE FROM untimed WHERE session_id = ? AND slot = ?", (session_id, slot))
                count += 1
    return count


def _kept(gallery_db: sqlite_utils.Database | None) -> set[tuple[str, int]]:
    if gallery_db is None:
        return set()
    with faults(gallery_db):
        return {(row[0], row[1]) for row in gallery_db.execute("SELECT lesson_id, slot FROM candidates")}
