"""The table of check-ins at the door in register.sqlite."""

from __future__ import annotations

from typing import Final

CHECK_IN_TABLES: Final = (
    """CREATE TABLE check_ins (
        student_id TEXT NOT NULL,
        at_utc TEXT NOT NULL,
        PRIMARY KEY (student_id, at_utc)
    ) STRICT""",
    "CREATE INDEX check_ins_by_time ON check_ins (at_utc)",
)
