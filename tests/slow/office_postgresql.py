"""Tests the office on a real PostgreSQL: two schools in one database must not see each other's rows.

python -m tests.slow.office_postgresql [--bin /usr/lib/postgresql/15/bin]

Needs Debian's postgresql and psycopg. Starts its own database cluster in its own folder. Exit code 1 means that a check
failed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.office_tree import OfficeRoom
from tests.registers import START

ROOT = Path(__file__).parents[2]
PORT = "15432"
OPEN_TABLES = {"people_account"}
"""Tables with a school that a connection reads before it knows whose: signing in finds the account by its name."""


def as_owner(*command: str) -> list[str]:
    """Return a command changed to run as an ordinary user, because the server refuses to run as root."""
    return ["runuser", "-u", "nobody", "--", *command] if os.geteuid() == 0 else list(command)


@contextlib.contextmanager
def a_cluster(folder: Path, programs: Path) -> Iterator[str]:
    """Run a server; yield the address of an empty database whose user has no special rights."""
    data = folder / "data"
    data.mkdir()
    if os.geteuid() == 0:
        folder.chmod(0o755)
        os.chown(data, pwd.getpwnam("nobody").pw_uid, -1)
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
    subprocess.run(as_owner(*initdb), check=True, capture_output=True)
    options = f"-p {PORT} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off"
    start = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(data / "log"), "-o", options, "start"]
    subprocess.run(as_owner(*start), check=True, capture_output=True)
    try:
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{PORT}/postgres", autocommit=True) as db:
            db.execute("CREATE ROLE office LOGIN PASSWORD 'office'")
            db.execute("CREATE DATABASE office OWNER office")
        yield f"postgresql://office:office@127.0.0.1:{PORT}/office"
    finally:
        subprocess.run(as_owner(str(programs / "pg_ctl"), "-D", str(data), "-m", "fast", "stop"), capture_output=True)


def office(home: Path, *words: str) -> str:
    """Run a command of the office; return what it printed."""
    command = [sys.executable, "-m", "edge_daemon_office", "--home", str(home), *words]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert completed.returncode == 0, (words, completed.stdout, completed.stderr)
    return completed.stdout


def two_schools(home: Path, database: str) -> None:
    """Make an office of two schools, and ingest both."""
    office(home, "init", "--school", "north")
    path = home / "office.toml"
    text = path.read_text("utf-8").replace('database = "" ', f'database = "{database}" ')
    (home / "office.sqlite").unlink()
    path.write_text(text + '\n[schools.south]\ntree = "south"\n', "utf-8")
    for school, tree in (("north", "tree"), ("south", "south")):
        room = OfficeRoom(home / tree, "room 1")
        for hour in range(3):
            room.deliver(room.register(START.replace(hour=hour), {f"{school} 1": 0.9, f"{school} 2": 0.0}))
        office(home, "keys", "pin", "room 1", room.signer.public_key, "--school", school)
    for expected in ("3 documents", "0 documents"):
        output = office(home, "ingest")
        assert output.count(expected) == 2, output


def secured(db: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Return every table and partition that has a column school."""
    query = (
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'school'"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [str(row[0]) for row in db.execute(query) if row[0] not in OPEN_TABLES]


def visible(db: psycopg.Connection[tuple[object, ...]], school: str | None) -> dict[str, set[object]]:
    """Return the schools whose rows a connection sees in each table and partition."""
    if school is not None:
        db.execute("SELECT set_config('office.school', %s, false)", [school])
    return {table: {row[0] for row in db.execute(f"SELECT DISTINCT school FROM {table}")} for table in secured(db)}


def see_own_rows_only(database: str) -> int:
    """Look at the rows as the office's own user does, by plain SQL without any filter; return the number of tables."""
    with psycopg.connect(database, autocommit=True) as db:
        assert all(found == set() for found in visible(db, None).values())
        for school in ("north", "south"):
            for table, found in visible(db, school).items():
                assert found <= {school}, (table, found)
            assert visible(db, school)["registers_mark"] == {school}
            for table in secured(db):
                assert db.execute(f"DELETE FROM {table} WHERE school <> %s", [school]).rowcount == 0
            try:
                db.execute("INSERT INTO registers_student VALUES ('other', 'x', 'x', '')")
            except psycopg.errors.InsufficientPrivilege:
                continue
            raise AssertionError("a row of another school could be written")
        return len(secured(db))


def partitions(database: str) -> list[str]:
    """Return the partitions of the table of marks, without their divisions."""
    with psycopg.connect(database, autocommit=True) as db:
        query = "SELECT relid::regclass::text FROM pg_partition_tree('registers_mark') WHERE level = 1 ORDER BY 1"
        return [str(row[0]) for row in db.execute(query)]


def has_absence_index(database: str) -> bool:
    """Return whether the marks and all their partitions have the index of absences."""
    query = (
        "SELECT count(*) = (SELECT count(*) FROM pg_partition_tree('registers_mark'))"
        " FROM pg_indexes WHERE indexdef LIKE '%standing%absent%'"
    )
    with psycopg.connect(database, autocommit=True) as db:
        return bool((db.execute(query).fetchone() or (False,))[0])


def back_and_forth(home: Path, database: str) -> None:
    """Bring the tables back to the release before, and forth again: every school keeps its marks."""
    assert has_absence_index(database)
    office(home, "migrate-back", "registers", "0005_mark_partitions")
    assert not has_absence_index(database)
    office(home, "migrate-back", "registers", "0004_room_listing")
    assert partitions(database) == []
    office(home, "migrate-back", "registers", "0003_revision_arrival")
    with psycopg.connect(database, autocommit=True) as db:
        assert visible(db, "north")["registers_mark"] == {"north"}
    assert office(home, "ingest").count(" 0 documents") == 2  # brings the tables forth
    assert has_absence_index(database)
    assert partitions(database) == ["registers_mark_202611"]
    with psycopg.connect(database, autocommit=True) as db:
        for school in ("north", "south"):
            assert visible(db, school)["registers_mark"] == {school}
            assert db.execute("SELECT count(*) FROM registers_mark").fetchone() == (6,)


def check(home: Path, database: str) -> None:
    """Look at the tables, go back and forth, and ask for the pages."""
    office(home, "account", "add", "weber", "--role", "office", "--name", "W", "--school", "north")
    assert partitions(database) == ["registers_mark_202611"]
    print(f"{see_own_rows_only(database)} tables and partitions")
    assert "3 registers" in office(home, "rebuild", "--school", "north")
    back_and_forth(home, database)
    see_own_rows_only(database)
    office(home, "backup", str(home / "b"))
    pages = [sys.executable, "-m", "benchmarks.office_pages", str(home)]
    print(subprocess.run(pages, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def main() -> int:
    """Run the test; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, a_cluster(Path(folder), options.bin) as database:
        home = Path(folder) / "office"
        two_schools(home, database)
        check(home, database)
    print("two schools in one database: each sees its own rows only, in every table")
    return 0


if __name__ == "__main__":
    sys.exit(main())
