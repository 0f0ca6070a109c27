"""Writes marks with plain SQL: a model instance for each mark would cost more than verifying the signature."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from django.db import connection

from edge_daemon_office.registers.models import Lesson, Mark
from edge_daemon_office.shared.attendance.doubt import standing
from edge_daemon_office.shared.types import Register

_COLUMNS: Final = (
    *("school", "month", "lesson_id", "student_id", "course", "day", "start", "verdict", "standing", "flags", "share"),
    *("captures_seen", "captures_facing", "is_counted"),
)
_INSERT: Final = (
    f"INSERT INTO {Mark._meta.db_table} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"  # noqa: S608
)
_INSERT_JSON: Final = (
    f"INSERT INTO {Mark._meta.db_table} ({', '.join(_COLUMNS)}) SELECT {', '.join(_COLUMNS)} "  # noqa: S608
    f"FROM json_populate_recordset(NULL::{Mark._meta.db_table}, %s)"
)
"""The statement for PostgreSQL, which plans it once for all rows. Row-level security forbids COPY."""


def insert_marks(rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows from `mark_rows`."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(_INSERT, rows)
        elif rows:
            objects = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
            cursor.execute(_INSERT_JSON, [json.dumps(objects, default=str)])


def mark_rows(register: Register, lesson: Lesson) -> list[tuple[Any, ...]]:
    """Return a row of the table of marks for each student of a register.

    Args:
        register: the register.
        lesson: its lesson, as the table of lessons has it.
    """
    key = (lesson.school, lesson.month, lesson.lesson_id)
    day = connection.ops.adapt_datefield_value(lesson.day)
    start = connection.ops.adapt_datetimefield_value(lesson.start)
    return [
        (
            *key,
            verdict.tally.student_id,
            *(lesson.course, day, start, verdict.verdict, standing(verdict), " ".join(verdict.flags), verdict.share),
            *(verdict.tally.captures_seen, verdict.tally.captures_attentive, lesson.is_counted),
        )
        for verdict in register.verdicts
    ]
