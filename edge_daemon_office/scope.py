"""Row-level security on PostgreSQL: a connection sees the rows of one school, whatever a query asks for.

The pages also filter by school themselves; row-level security protects against a forgotten filter. SQLite lacks it, so
that each office there has a database file of its own.
"""

from __future__ import annotations

from django.db import connection


def use_school(school: str) -> None:
    """Limit this connection to the rows of one school; an empty name shows no rows. On SQLite, do nothing.

    A new connection sees no row until this is called.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('office.school', %s, false)", [school])


def bypasses_row_security() -> bool:
    """Return whether the database's user may see every row despite the policies."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])
