"""SQL of three tables in gallery.sqlite: unfinished removals, students who left the roster, and notes."""

from __future__ import annotations

from typing import Final

REMOVAL_TABLES: Final = (
    """CREATE TABLE removals (
            student_id TEXT PRIMARY KEY NOT NULL,
            requested_at_utc TEXT NOT NULL,
            bars_return INTEGER NOT NULL CHECK (bars_return IN (0, 1))  -- 0: left the roster, and may come back
        ) STRICT""",
    """CREATE TABLE leavers (
            student_id TEXT PRIMARY KEY NOT NULL REFERENCES students ON DELETE CASCADE,
            left_at_utc TEXT NOT NULL,  -- the first night of a trusted clock on which the student was not on the roster
            warned_at_utc TEXT  -- since when doctor and heartbeat say that the student will be erased
        ) STRICT""",
    """CREATE TABLE notes (
            student_id TEXT NOT NULL REFERENCES students ON DELETE CASCADE,
            lesson_id TEXT NOT NULL,
            at_utc TEXT NOT NULL,  -- the time of the correction that it is about
            sealed BLOB NOT NULL,
            PRIMARY KEY (student_id, lesson_id, at_utc)
        ) STRICT""",
)
