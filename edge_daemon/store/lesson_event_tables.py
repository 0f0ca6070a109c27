"""The table with the calendar event of each lesson. If an event is moved, its lesson gets another id."""

from __future__ import annotations

from typing import Final

LESSON_EVENT_TABLES: Final = (
    """CREATE TABLE lesson_events (
        lesson_id TEXT PRIMARY KEY NOT NULL,
        event_id TEXT NOT NULL,  -- a UUID made of the event's UID
        course TEXT NOT NULL,
        start_utc TEXT NOT NULL,
        held_as TEXT,  -- the lesson that had begun when its event was moved: both are one
        moved_to TEXT  -- the lesson that its event became before it began
    ) STRICT""",
    "CREATE INDEX lesson_events_by_start ON lesson_events (start_utc)",
)
