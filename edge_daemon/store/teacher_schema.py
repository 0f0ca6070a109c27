"""The tables of teachers' mail addresses."""

from __future__ import annotations

from typing import Final

TEACHER_TABLES: Final = (
    # Of the roster: who teaches the courses of a student. NULL where there is nobody, and in rows of an older release.
    "ALTER TABLE contacts ADD COLUMN teachers BLOB",
    # Of the calendar: who teaches one lesson.
    """CREATE TABLE lesson_teachers (
        lesson_id TEXT PRIMARY KEY NOT NULL,
        sealed BLOB NOT NULL,  -- mail addresses, under the contact key
        kept_until_utc TEXT NOT NULL
    ) STRICT""",
)
