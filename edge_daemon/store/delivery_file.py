"""delivery.sqlite: the delivery process's own data. This process may only read register.sqlite.

In register.sqlite are the outbox items, each written together with its subject, and the decisions about them. In
delivery.sqlite are attempts, receipts, claims, the state of receivers, and versions of the office's documents. The
delivery process copies the rows of register.sqlite (`OutboxMirror`), works on its copies, and reports the results
(`delivery_report.py`).

One connection has both files: delivery.sqlite is its main database, and register.sqlite is attached as `register`,
read-only. SQL finds a table that exists only in register.sqlite without a prefix.

If delivery.sqlite is lost, it is created again, and all documents are sent again, which changes nothing at the
receiver. Two kinds of mail are not sent again: messages that register.sqlite marks as accepted, and messages older than
three days that may have been accepted (`MAIL_AGAIN`).
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from edge_daemon.errors import DamageError, StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import (
    BUSY_TIMEOUT_S,
    ForeignFileError,
    explained,
    faults,
    is_delivery,
    open_database,
    path_of,
    retried_while_missing,
    transaction,
)
from edge_daemon.store.destinations import open_destinations
from edge_daemon.store.migrations import DELIVERY, REGISTER
from edge_daemon.store.outbox_items import DOCUMENT_SHA256
from edge_daemon.timestamps import stored

MAIL_AGAIN: Final = timedelta(days=3)
"""A message that may already have been sent is sent again without a person's decision if it is at most this old."""
UNCERTAIN: Final = "may have been mailed already: `edge-daemon outbox retry` sends it (again)"
_NAME: Final = "destination, kind, ref, student_id"
_SAME: Final = " AND ".join(f"theirs.{column} = outbox.{column}" for column in _NAME.split(", "))


def open_delivery(path: Path, register_path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite_utils.Database:
    """Open both files: delivery.sqlite for writing, register.sqlite for reading.

    Args:
        path: delivery.sqlite; it and its folder are created if missing. A damaged file is replaced by a new one.
        register_path: register.sqlite, which may belong to another user.
        busy_timeout_s: longest wait for a lock of another process.

    Raises:
        StoreError: a file can't be used, or register.sqlite is of an older release.
    """
    if not register_path.exists():
        what = "there is no such database, or it is for another user"
        raise StoreError(what, str(register_path), "the service makes it when it starts: `edge-daemon run`")
    try:
        db = open_database(path, DELIVERY, create=True, busy_timeout_s=busy_timeout_s)
        _check_pages(db)
    except (DamageError, ForeignFileError):
        _put_aside(path)
        db = open_database(path, DELIVERY, create=True, busy_timeout_s=busy_timeout_s)
    try:
        retried_while_missing(lambda: _attach(db, register_path))
        _begin(db)
    except BaseException:
        db.conn.close()
        raise
    return db


def _check_pages(db: sqlite_utils.Database) -> None:
    with faults(db):
        found = [str(row[0]) for row in db.conn.execute("PRAGMA main.quick_check(1)")]
    if found != ["ok"]:
        db.conn.close()
        raise DamageError(f"the database is corrupt ({found[0]})", path_of(db), "")


def _put_aside(path: Path) -> None:
    """Move the file aside for later inspection, so that a new one can be created."""
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    path.replace(path.with_name(f"{path.name}.unreadable"))


def _attach(db: sqlite_utils.Database, path: Path) -> None:
    try:
        db.conn.execute("ATTACH DATABASE ? AS register", (f"{path.absolute().as_uri()}?mode=ro",))
        row = db.conn.execute("SELECT value FROM register.meta WHERE key = 'schema_version'").fetchone()
    except sqlite3.DatabaseError as error:
        if is_delivery(db):
            db.conn.execute("DETACH DATABASE register")
        raise explained(error, str(path)) from error
    if row is None or not str(row[0]).isdecimal() or int(row[0]) < REGISTER.version:
        db.conn.execute("DETACH DATABASE register")
        what = f"is of an older release (schema {row[0] if row else 'unknown'})"
        raise StoreError(what, str(path), "the service brings it up to date when it starts: `edge-daemon run`")


def _begin(db: sqlite_utils.Database) -> None:
    """Record in a new delivery.sqlite the id of the newest outbox item of register.sqlite.

    Items up to this id may have been sent while an earlier delivery.sqlite existed, which was lost.
    """
    with transaction(db):
        db.execute(
            "INSERT OR IGNORE INTO main.meta (key, value)"
            " SELECT 'born_item_id', coalesce(max(item_id), 0) FROM register.outbox"
        )


class OutboxMirror:
    """Copies new rows of register.sqlite, and decisions about existing rows, into delivery.sqlite.

    Args:
        db: the connection from `open_delivery`.
    """

    def __init__(self, db: sqlite_utils.Database) -> None:
        self._db = db
        self._version = -1
        self._decision = -1

    def refresh(self, now: datetime) -> None:
        """Copy all changes in register.sqlite since the last call, if there are any. The first call copies everything.

        Raises:
            StoreError: a database can't be used.
        """
        db = self._db
        with faults(db):
            version = int(db.execute("PRAGMA register.data_version").fetchone()[0])
        if version == self._version:
            return
        with transaction(db):
            self._add(now)
            self._follow(now)
            if self._version < 0:
                self._forget_removed()
                self._believe_older_release()
                self._check_receipts(now)
            self._decision = int(db.execute("SELECT coalesce(max(decision), 0) FROM register.outbox").fetchone()[0])
        self._version = version

    def _add(self, now: datetime) -> None:
        """Copy new rows.

        Some rows are marked as delivered in register.sqlite only because this process reported it. Mail among them
        stays delivered, so that it does not arrive twice; a document is sent again. Rows of an older release keep their
        state.
        """
        self._db.execute(
            f"INSERT INTO main.outbox ({_NAME}, lesson_id, state, created_at_utc, next_attempt_utc, attempts, answer,"
            " settled_at_utc, decision, reopened_at_utc, receipt_sha256)"
            f" SELECT {_NAME}, lesson_id, CASE WHEN {_SEND_AGAIN} THEN 'waiting' WHEN {_DOUBTFUL} THEN 'parked'"
            " ELSE state END, created_at_utc, next_attempt_utc, attempts,"
            f" CASE WHEN {_DOUBTFUL} THEN ?4 ELSE answer END,"
            f" CASE WHEN {_SEND_AGAIN} THEN NULL WHEN {_DOUBTFUL} THEN ?1 ELSE settled_at_utc END,"
            f" decision, reopened_at_utc, {_RECEIPT}"
            " FROM register.outbox AS theirs WHERE theirs.decision > ?3 AND NOT EXISTS"
            f" (SELECT 1 FROM main.outbox WHERE {_SAME}) ORDER BY theirs.item_id",
            (stored(now), stored(now - MAIL_AGAIN), self._decision, UNCERTAIN),
        )

    def _follow(self, now: datetime) -> None:
        """Apply new decisions about undelivered items: to give them up, hold them, release them or try them again."""
        db = self._db
        changed = (
            f"FROM register.outbox AS theirs WHERE theirs.decision > ?1 AND {_SAME}"
            " AND theirs.decision <> outbox.decision AND theirs.state <> 'delivered' AND (outbox.state <> 'delivered'"
            " OR (outbox.destination = 'upstream' AND theirs.state = 'waiting'))"  # a document that is to be sent again
        )
        reopened = db.execute(
            "SELECT ours.destination FROM main.destinations AS ours JOIN register.destinations AS theirs"
            " USING (destination) WHERE ours.state <> 'open' AND theirs.state = 'open'"
            " AND theirs.since_utc > ours.since_utc"
        ).fetchall()
        open_destinations(db, {row[0] for row in reopened}, now)
        db.execute(
            "UPDATE main.outbox SET state = theirs.state, next_attempt_utc = theirs.next_attempt_utc,"
            " answer = theirs.answer, settled_at_utc = theirs.settled_at_utc, decision = theirs.decision,"
            f" reopened_at_utc = theirs.reopened_at_utc {changed}",
            (self._decision,),
        )

    def _forget_removed(self) -> None:
        """Delete all items of lessons whose registers were removed; the items contain student ids."""
        self._db.execute(
            "DELETE FROM main.outbox WHERE lesson_id IN (SELECT lesson_id FROM register.removed_registers)"
            " AND NOT EXISTS (SELECT 1 FROM register.outbox AS theirs WHERE theirs.lesson_id = outbox.lesson_id)"
        )

    def _believe_older_release(self) -> None:
        """Copy which items an older release delivered or gave up. It wrote this directly into register.sqlite."""
        self._db.execute(
            "UPDATE main.outbox SET state = theirs.state, answer = theirs.answer,"
            f" settled_at_utc = theirs.settled_at_utc, receipt_sha256 = {_RECEIPT} FROM register.outbox AS theirs"
            f" WHERE {_SAME} AND outbox.state IN ('waiting', 'held', 'parked') AND (theirs.state = 'void'"
            " OR (theirs.state = 'delivered' AND (theirs.destination = 'mail' OR theirs.reported = 0)))"
        )

    def _check_receipts(self, now: datetime) -> None:
        """Make a document wait again if it counts as delivered but its receipt lacks the document's SHA-256."""
        self._db.execute(
            "UPDATE main.outbox SET state = 'waiting', settled_at_utc = NULL, next_attempt_utc = ?1"
            " WHERE destination = 'upstream' AND state = 'delivered'"
            f" AND receipt_sha256 <> {DOCUMENT_SHA256} AND {DOCUMENT_SHA256} <> ''",
            (stored(now),),
        )


def park_doubtful(db: sqlite_utils.Database, now: datetime) -> int:
    """Park messages that an interrupted run may have sent and that are too old to send again; return how many.

    Parked messages that are recent wait again: they were parked while the clock was ahead.

    Call only while holding the delivery lock, before `outbox.release`.
    """
    with transaction(db):
        db.conn.execute(
            "UPDATE outbox SET state = 'waiting', settled_at_utc = NULL WHERE destination = 'mail' AND state = 'parked'"
            " AND answer = ? AND created_at_utc >= ? AND created_at_utc <= ?",
            (UNCERTAIN, stored(now - MAIL_AGAIN), stored(now)),
        )
        return db.conn.execute(
            "UPDATE outbox SET state = 'parked', answer = ?3, settled_at_utc = ?1, lease_owner = NULL,"
            " lease_until_utc = NULL WHERE destination = 'mail' AND state IN ('waiting', 'held')"
            " AND lease_until_utc IS NOT NULL AND created_at_utc < ?2",
            (stored(now), stored(now - MAIL_AGAIN), UNCERTAIN),
        ).rowcount


_SEND_AGAIN: Final = "(theirs.destination = 'upstream' AND theirs.state = 'delivered' AND theirs.reported = 1)"
_DOUBTFUL: Final = (
    "(theirs.destination = 'mail' AND theirs.state IN ('waiting', 'held') AND theirs.decision > 0"
    " AND theirs.created_at_utc < ?2 AND coalesce(theirs.reopened_at_utc, '') < ?2"
    " AND theirs.item_id <= (SELECT CAST(value AS INTEGER) FROM main.meta WHERE key = 'born_item_id'))"
)
"""SQL condition on register.sqlite's rows: an old message, which a lost delivery.sqlite may have recorded as sent."""
_RECEIPT: Final = (
    "CASE WHEN theirs.destination = 'upstream' AND theirs.state = 'delivered' THEN "
    + DOCUMENT_SHA256.replace("outbox.", "theirs.")
    + " ELSE '' END"
)
