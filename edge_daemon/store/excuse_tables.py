"""Tables of register.sqlite for the office's excuses."""

from __future__ import annotations

from typing import Final

EXCUSE_TABLES: Final = (
    """CREATE TABLE excuses (
        student_id TEXT NOT NULL,
        first_day TEXT NOT NULL,  -- of the school, such as 2026-11-20
        last_day TEXT NOT NULL,  -- the last one that is excused
        PRIMARY KEY (student_id, first_day, last_day)
    ) STRICT""",
    """CREATE TABLE excuse_list (
        only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
        at_utc TEXT NOT NULL  -- when the office wrote the list that is in force
    ) STRICT""",
)
