"""The tables of teachers' mail addresses."""

from __future__ import annotations

from typing import Final

TEACHER_TABLES: Final = (
    # From the roster: teachers of a student's courses. NULL if there are none, and in rows of an older release.
    "ALTER TABLE contacts ADD COLUMN teachers BLOB",
    # From the calendar: teachers of one lesson.
    """CREATE TABLE lesson_teachers (
        lesson_id TEXT PRIMARY KEY NOT NULL,
        sealed BLOB NOT NULL,  -- mail addresses, under the contact key
        kept_until_utc TEXT NOT NULL
    ) STRICT""",
)
