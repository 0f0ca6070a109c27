"""The tables of lessons, captures, sightings and registers in register.sqlite, as its first schema has them."""

from __future__ import annotations

from typing import Final

LESSON_TABLES: Final = (
    """CREATE TABLE lessons (
        lesson_id TEXT PRIMARY KEY NOT NULL,
        device TEXT NOT NULL,
        course TEXT NOT NULL,
        start_utc TEXT NOT NULL,
        end_utc TEXT NOT NULL,
        origin TEXT NOT NULL CHECK (origin IN ('timetable', 'rehearsal')),
        seed BLOB NOT NULL CHECK (length(seed) = 32),
        seed_sha256 TEXT NOT NULL,
        captures_planned INTEGER NOT NULL CHECK (captures_planned >= 0),
        clock TEXT NOT NULL CHECK (clock IN ('synchronised', 'rtc', 'unsynchronised')),
        state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finalised'))
    ) STRICT""",
    "CREATE INDEX lessons_by_start ON lessons (start_utc)",
    """CREATE TABLE captures (
        lesson_id TEXT NOT NULL REFERENCES lessons ON DELETE CASCADE,
        slot INTEGER NOT NULL CHECK (slot >= 0),
        name TEXT NOT NULL,
        taken_at_utc TEXT NOT NULL,
        PRIMARY KEY (lesson_id, slot)
    ) STRICT""",
    """CREATE TABLE missed (
        lesson_id TEXT NOT NULL REFERENCES lessons ON DELETE CASCADE,
        slot INTEGER NOT NULL CHECK (slot >= 0),
        reason TEXT NOT NULL,
        PRIMARY KEY (lesson_id, slot)
    ) STRICT""",
    """CREATE TABLE sightings (
        sighting_id INTEGER PRIMARY KEY,
        lesson_id TEXT NOT NULL,
        slot INTEGER NOT NULL,
        student_id TEXT,  -- NULL: an unknown face; no longer written
        similarity REAL NOT NULL,
        attentive INTEGER NOT NULL CHECK (attentive IN (0, 1)),
        x_px REAL NOT NULL,
        y_px REAL NOT NULL,
        w_px REAL NOT NULL,
        h_px REAL NOT NULL,
        FOREIGN KEY (lesson_id, slot) REFERENCES captures ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX sightings_by_capture ON sightings (lesson_id, slot)",
    # A student counts once in each capture, even if a step is repeated.
    """CREATE UNIQUE INDEX sightings_once_a_capture ON sightings (student_id, lesson_id, slot)
        WHERE student_id IS NOT NULL""",
)
REGISTER_TABLES: Final = (
    """CREATE TABLE registers (
        ledger_position INTEGER PRIMARY KEY,  -- order in which the device made its registers
        lesson_id TEXT NOT NULL REFERENCES lessons,
        revision INTEGER NOT NULL CHECK (revision >= 1),
        document TEXT NOT NULL,  -- canonical JSON, bare student ids
        sha256 TEXT NOT NULL,
        created_at_utc TEXT NOT NULL,
        UNIQUE (lesson_id, revision)
    ) STRICT""",
    """CREATE TRIGGER registers_never_change BEFORE UPDATE ON registers
        BEGIN SELECT RAISE(ABORT, 'a register is immutable'); END""",
    """CREATE TRIGGER registers_never_go BEFORE DELETE ON registers
        BEGIN SELECT RAISE(ABORT, 'a register is immutable'); END""",
)
