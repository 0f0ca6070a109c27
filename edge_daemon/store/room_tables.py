"""Tables for views of the room: one for each capture until the lesson is finalised, and a scene for each lesson."""

from __future__ import annotations

from typing import Final

_LESSON: Final = "lesson_id TEXT NOT NULL REFERENCES lessons ON DELETE CASCADE"

ROOM_TABLES: Final = (
    f"""CREATE TABLE room_views (
        {_LESSON},
        slot INTEGER NOT NULL CHECK (slot >= 0),
        view BLOB NOT NULL,
        PRIMARY KEY (lesson_id, slot)
    ) STRICT""",
    f"""CREATE TABLE scenes (
        {_LESSON},
        scene BLOB NOT NULL CHECK (length(scene) = 256),  -- light and structure of 128 cells
        PRIMARY KEY (lesson_id)
    ) STRICT""",
)
