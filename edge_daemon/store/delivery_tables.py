"""SQL of the tables of delivery.sqlite, for its migrations."""

from __future__ import annotations

from typing import Final

_OUTBOX: Final = """CREATE TABLE outbox (
    item_id INTEGER PRIMARY KEY,  -- of this file alone
    destination TEXT NOT NULL CHECK (destination IN ('upstream', 'mail')),
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    student_id TEXT NOT NULL DEFAULT '',
    lesson_id TEXT,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'held', 'parked', 'delivered', 'void')),
    created_at_utc TEXT NOT NULL,
    next_attempt_utc TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until_utc TEXT,
    answer TEXT NOT NULL DEFAULT '',
    settled_at_utc TEXT,
    decision INTEGER NOT NULL DEFAULT 0,  -- the one of register.sqlite that was followed last
    reopened_at_utc TEXT,
    reported INTEGER NOT NULL DEFAULT 0,
    receipt_sha256 TEXT NOT NULL DEFAULT '',  -- of the document that the receiver proved to have
    UNIQUE (destination, kind, ref, student_id)
) STRICT"""

DESTINATIONS: Final = """CREATE TABLE destinations (
    destination TEXT PRIMARY KEY NOT NULL CHECK (destination IN ('upstream', 'mail')),
    state TEXT NOT NULL CHECK (state IN ('open', 'waiting', 'parked')),
    answer TEXT NOT NULL DEFAULT '',
    since_utc TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_utc TEXT NOT NULL,
    settings_sha256 TEXT NOT NULL DEFAULT ''  -- other settings: tried again
) STRICT"""
"""The table of receivers, which both databases have."""

OUTBOX_DECISIONS: Final = (
    # Numbers the decisions of the capture side, so that the delivery process finds them; 0 in rows of an older release.
    "ALTER TABLE outbox ADD COLUMN decision INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN reopened_at_utc TEXT",
    # 1: the delivery is only a claim of the process with network access.
    "ALTER TABLE outbox ADD COLUMN reported INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN receipt_sha256 TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX outbox_by_decision ON outbox (decision)",
    # The version that was copied from the delivery process: its SHA-256 and its file's time of change.
    "ALTER TABLE pulled ADD COLUMN taken TEXT NOT NULL DEFAULT ''",
)
"""Columns that were added to register.sqlite when a separate user began to read its outbox."""

DELIVERY_TABLES: Final = (
    _OUTBOX,
    "CREATE INDEX outbox_due ON outbox (state, next_attempt_utc)",
    "CREATE INDEX outbox_by_lesson ON outbox (lesson_id)",
    "CREATE INDEX outbox_by_age ON outbox (destination, item_id) WHERE state IN ('waiting', 'held')",
    "CREATE INDEX outbox_by_decision ON outbox (decision)",
    DESTINATIONS,
    """CREATE TABLE pulled (
        name TEXT PRIMARY KEY NOT NULL,
        etag TEXT NOT NULL DEFAULT '',
        sha256 TEXT NOT NULL DEFAULT '',
        fetched_at_utc TEXT,
        problem TEXT NOT NULL DEFAULT ''
    ) STRICT""",
)
WAITS_TABLES: Final = (
    """CREATE TABLE clock_seen (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        utc TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        boottime_s REAL NOT NULL  -- CLOCK_BOOTTIME
    ) STRICT""",
    """CREATE TABLE item_waits (
        item_id INTEGER PRIMARY KEY,
        until_utc TEXT NOT NULL,
        written_utc TEXT NOT NULL,  -- what the clock said when that was written
        boot_id TEXT NOT NULL,
        boottime_s REAL NOT NULL
    ) STRICT""",
    """CREATE TABLE receiver_waits (
        destination TEXT PRIMARY KEY NOT NULL,
        until_utc TEXT NOT NULL,
        written_utc TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        boottime_s REAL NOT NULL
    ) STRICT""",
    *(
        f"CREATE TRIGGER {table}_wait_{event.partition(' ')[0].lower()} AFTER {event} ON {table} BEGIN"
        f" INSERT OR REPLACE INTO {waits} SELECT NEW.{key}, NEW.next_attempt_utc, utc, boot_id, boottime_s"
        " FROM clock_seen; END"
        for table, waits, key in (
            ("outbox", "item_waits", "item_id"),
            ("destinations", "receiver_waits", "destination"),
        )
        for event in ("INSERT", "UPDATE OF next_attempt_utc")
    ),
)
