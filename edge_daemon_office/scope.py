"""Row-level security on PostgreSQL: a connection sees the rows of one school, whatever a query asks for.

The pages filter by school themselves; this holds where one of them forgets it. SQLite has no such thing: there an
office has a file of its own.
"""

from __future__ import annotations

from django.db import connection


def use_school(school: str) -> None:
    """Show this connection the rows of one school; empty: of none. Does nothing on another database.

    A connection that was made anew sees no row until this is called.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('office.school', %s, false)", [school])


def bypasses_row_security() -> bool:
    """Return whether the database's user may see every row, whatever the policies say."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])
