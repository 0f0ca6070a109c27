"""Opens the office's folder for a command: settings, Django, and the tables of this release."""

from __future__ import annotations

from pathlib import Path

from edge_daemon_office.django_setup import set_up
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, School, read_home


def open_office(folder: Path) -> OfficeHome:
    """Return the office after migrating its tables to this release.

    Raises:
        OfficeError: the folder contains no office, or its database can't be used.
    """
    from django.db import DatabaseError, connection  # after the settings

    home = read_home(folder)
    set_up(home)
    try:
        migrate()
    except DatabaseError as error:
        where = home.database.rpartition("@")[2] or str(home.sqlite_path)
        raise OfficeError(f"can't be used: {error}", where, "check that it is there, and its rights") from error
    if connection.vendor == "sqlite" and home.sqlite_path.exists():
        home.sqlite_path.chmod(0o600)
    return home


def migrate() -> None:
    """Migrate the tables to this release.

    Raises:
        OfficeError: the tables are of a later release.
    """
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    known = set(executor.loader.disk_migrations)
    ours = {"registers", "people", "decisions", "interfaces"}
    later = [name for name in executor.loader.applied_migrations if name[0] in ours and name not in known]
    if later:
        hint = "install that release again, or go back by its `migrate-back` before the older one is used"
        raise OfficeError(f"has tables from a later release ({later[0][0]} {later[0][1]})", "the database", hint)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def schools_of(home: OfficeHome, school: str | None) -> list[School]:
    """Return the school with a short name, or all schools.

    Raises:
        OfficeError: there is no such school.
    """
    if school is None:
        return list(home.schools.values())
    if school not in home.schools:
        raise OfficeError("is not a school of this office", f"--school {school}", f"use {', '.join(home.schools)}")
    return [home.schools[school]]
