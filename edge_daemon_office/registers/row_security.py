"""Row-level security on PostgreSQL for the tables of a migration (edge_daemon_office/scope.py explains it)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_OWN: Final = "school = current_setting('office.school', true)"


def secure(schema_editor: Any, tables: Iterable[str]) -> None:
    """On PostgreSQL, limit a connection to the rows of its school. On SQLite, do nothing."""
    if schema_editor.connection.vendor == "postgresql":
        for table in tables:
            schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            schema_editor.execute(f"CREATE POLICY own_school ON {table} USING ({_OWN}) WITH CHECK ({_OWN})")


def open_again(schema_editor: Any, tables: Iterable[str]) -> None:
    """Undo `secure`."""
    if schema_editor.connection.vendor == "postgresql":
        for table in tables:
            schema_editor.execute(f"DROP POLICY own_school ON {table}")
            schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
