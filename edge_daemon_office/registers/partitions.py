"""Partitions of the table of marks on PostgreSQL: by month, and within a month by school.

Each month is a partition with `PARTS` partitions by the hash of the school's short name. Their number therefore follows
the months and not the number of schools. Each partition has row-level security of its own, because a policy of the
whole table does not hold for a query that names a partition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.db import connection, transaction

from edge_daemon_office.registers.row_security import secure

TABLE: Final = "registers_mark"
PARTS: Final = 4
_LOCK: Final = 0x6D61726B
"""Number of the advisory lock: two programs that ingest must not create one partition at once."""


def statements(month: int) -> list[str]:
    """Return the SQL that creates the partitions of a month, such as 202611."""
    name = f"{TABLE}_{int(month)}"
    head = f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {TABLE} FOR VALUES IN ({int(month)}) PARTITION BY HASH"
    part = f"PARTITION OF {name} FOR VALUES WITH (MODULUS {PARTS}, REMAINDER"
    parts = (f"CREATE TABLE IF NOT EXISTS {name}_{number} {part} {number})" for number in range(PARTS))
    return [f"{head} (school)", *parts]


def names(month: int) -> list[str]:
    """Return the names of the partitions of a month."""
    return [f"{TABLE}_{int(month)}", *(f"{TABLE}_{int(month)}_{part}" for part in range(PARTS))]


def create(month: int, execute: Callable[[str], Any], schema_editor: Any) -> None:
    """Create the partitions of a month, each with row-level security."""
    for statement in statements(month):
        execute(statement)
    secure(schema_editor, names(month))


def ensure_months(months: Iterable[int]) -> None:
    """Create the missing partitions of these months on PostgreSQL. On SQLite, do nothing.

    Call it outside a transaction: creating a partition blocks every reader of marks until its transaction ends.
    """
    if connection.vendor != "postgresql":
        return
    for month in sorted(set(months)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NULL", [names(month)[-1]])
            if not cursor.fetchone()[0]:
                continue
        with transaction.atomic(), connection.schema_editor() as editor:
            editor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            with connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass(%s) IS NULL", [names(month)[-1]])
                is_missing = cursor.fetchone()[0]
            if is_missing:
                create(month, editor.execute, editor)
