"""Opens the SQLite files, and maps every SQLite error to one kind of error.

The files are in WAL mode with `synchronous=FULL`. A committed change survives a power cut, and a reader (the process
that delivers registers) never waits for the running lesson. `secure_delete` overwrites deleted data, for `enrol
remove`.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge_daemon.errors import DamageError, StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.disk import free_bytes, is_read_only
from edge_daemon.store.migrations import GALLERY, REGISTER, Schema


class ForeignFileError(StoreError):
    """The file is a database of another program, or of another kind."""


BUSY_TIMEOUT_S = 3.0
"""Longest wait for another process's lock. Commits take milliseconds, so a longer wait means a fault."""

PAGE_BYTES = 4096
"""Page size of the databases; docs/STORAGE.md has the cost of other sizes."""

CHECKPOINT_PAGES = 200
"""Number of pages in the log after which SQLite copies the log into the database file and begins it anew.

Overwriting a log costs the file system less than extending one. A damaged log then loses only a few commits
(docs/STORAGE.md has the measurements).
"""
_LOG_BYTES = 1 << 20
"""Size to which SQLite shortens a log that grew larger during an import or a backup."""

_MEND = "a start of the service restores the last backup; or move it away to start over"


def open_register(path: Path, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite_utils.Database:
    """Open register.sqlite (captures, sightings, registers), and upgrade its schema.

    Args:
        path: the file; it and its folder are created, for this user only, if they are missing.
        create: False: raise an error for a missing file instead.
        busy_timeout_s: longest wait for a lock of another process.

    Raises:
        StoreError: the file is locked, read-only, corrupt, written by a newer program, or of another kind.
    """
    return open_database(path, REGISTER, create=create, busy_timeout_s=busy_timeout_s)


def open_gallery(path: Path, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite_utils.Database:
    """Open gallery.sqlite (sealed students, templates, candidates); see `open_register`."""
    return open_database(path, GALLERY, create=create, busy_timeout_s=busy_timeout_s)


def gallery_in_memory() -> sqlite_utils.Database:
    """Return a new, empty gallery that is in no file."""
    db = sqlite_utils.Database(memory=True, execute_plugins=False)
    GALLERY.migrations.apply(db)
    return db


def check_writable(db: sqlite_utils.Database) -> None:
    """Take and release the write lock, as an early check for commands that work for minutes before they write.

    Raises:
        StoreError: another process holds the lock, or the disk can't be written.
    """
    with faults(db):
        db.conn.execute("BEGIN IMMEDIATE")
        db.conn.execute("ROLLBACK")


def path_of(db: sqlite_utils.Database) -> str:
    """Return the path of a database's file; empty for a database in memory."""
    return next((str(row[2]) for row in db.conn.execute("PRAGMA database_list") if row[1] == "main"), "")


def is_delivery(db: sqlite_utils.Database) -> bool:
    """Return whether a connection belongs to the delivery process, which has register.sqlite attached read-only."""
    return any(row[1] == "register" for row in db.conn.execute("PRAGMA database_list"))


def bring_in_log(db: sqlite_utils.Database) -> None:
    """Copy committed data from the log into the database file, except pages that a reader still uses in the log."""
    with suppress(sqlite3.OperationalError):  # no space, or a reader: the data stays in the log
        db.conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


@contextmanager
def transaction(db: sqlite_utils.Database) -> Iterator[None]:
    """Run the block as one transaction, which is committed completely or not at all.

    The write lock is taken at the start, so no other process changes the data that the block reads.

    Raises:
        StoreError: as for `open_register`.
    """
    with faults(db):
        db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.conn.execute("COMMIT")
        except BaseException:
            db.conn.rollback()
            raise


@contextmanager
def trial(db: sqlite_utils.Database) -> Iterator[None]:
    """Run the block as one transaction that is undone at its end; only the block sees what it writes.

    Its pages stay in memory. SQLite would write those of a large transaction to the log, where undone pages remain.

    Raises:
        StoreError: as for `open_register`.
    """
    with faults(db):
        db.execute("PRAGMA cache_spill = OFF")
        db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.conn.rollback()


@contextmanager
def faults(db: sqlite_utils.Database) -> Iterator[None]:
    """Raise a StoreError with a hint in place of SQLite's errors."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a defect of this program, not of the file
    except sqlite3.DatabaseError as error:
        raise explained(error, path_of(db)) from error


@contextmanager
def faults_at(where: str) -> Iterator[None]:
    """Do the same as `faults` for a connection that this module did not open; `where` names it in the error."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise explained(error, where) from error


class _Connection(sqlite3.Connection):
    """A connection that, after closing, creates the log files of a shared database again if SQLite has removed them.

    A reader of another user needs the files -wal and -shm, and can't create them without write permission for the
    folder (sqlite.org/wal.html, "Read-Only Databases"). Empty files are enough for it: they mean that all data is in
    the database file.
    """

    shared: Path | None = None
    """Path of the database if the group may enter its folder; None otherwise."""

    def close(self) -> None:
        """Close the connection, and create missing log files again, because another user needs them for reading."""
        super().close()
        if self.shared is not None:
            _leave_log(self.shared)

    def __del__(self) -> None:
        if self.shared is not None:
            self.close()


def _leave_log(path: Path) -> None:
    for ending in ("-wal", "-shm"):
        with suppress(OSError):  # the folder is gone, or the disk is full or read-only: the next close tries again
            file = os.open(f"{path}{ending}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
            if not os.fstat(file).st_size:
                os.fchmod(file, 0o640)
            os.close(file)


def is_shared(folder: Path) -> bool:
    """Return whether the group may enter a folder, because another user of this program reads its files."""
    try:
        return bool(folder.stat().st_mode & stat.S_IXGRP)
    except OSError:
        return False


def shared_mode(folder: Path) -> int:
    """Return the mode of a new file: readable by the other user in a shared folder, otherwise by its owner only."""
    return 0o640 if is_shared(folder) else 0o600


def retried_while_missing(step: Callable[[], None], patience_s: float = BUSY_TIMEOUT_S) -> None:
    """Call `step`, which opens another user's database, again until it succeeds or `patience_s` seconds have passed.

    Opening fails for a moment while that user's last process closes the database.

    Raises:
        StoreError: as for `open_register`.
    """
    until_s = time.monotonic() + patience_s
    while True:
        try:
            step()
        except DamageError:
            raise
        except StoreError:
            if time.monotonic() >= until_s:
                raise
            time.sleep(0.05)
        else:
            return


def open_database(path: Path, schema: Schema, *, create: bool, busy_timeout_s: float) -> sqlite_utils.Database:
    """Open a database of any schema; see `open_register`."""
    check_path(path, create=create)
    if not create and _is_empty(path):
        # Tables in it would hide from the next start that a backup has to come back.
        raise DamageError("the database is empty", str(path), _MEND)
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=busy_timeout_s, uri=True, factory=_Connection)
    if schema is REGISTER and is_shared(path.parent):
        conn.shared = path.absolute()
        _share(path)
    try:
        db = sqlite_utils.Database(conn, execute_plugins=False)
        _check_schema(db, schema, path)
        _set_up(db)
        if schema.migrations.pending(db):
            _migrate(db, schema)
    except sqlite3.DatabaseError as error:
        conn.close()
        raise explained(error, str(path)) from error
    except StoreError:
        conn.close()
        raise
    return db


def _is_empty(path: Path) -> bool:
    """Return whether a database has no data: its file has size 0, and its log (-wal) is missing or has size 0.

    A log of size 0 is normal in a shared folder, because `_leave_log` makes one.
    """
    log = path.with_name(f"{path.name}-wal")
    return path.stat().st_size == 0 and not (log.exists() and log.stat().st_size)


def check_path(path: Path, *, create: bool) -> None:
    """Check that SQLite can write a database at this path; create a missing file.

    SQLite's own errors for a folder, or for a file of another user, are unclear. SQLite may also open such a file
    read-only, without an error.
    """
    where = str(path)
    try:
        if path.is_dir():
            raise StoreError("is a folder, a database file was expected", where, "move the folder away")
        if not path.exists():
            if not create:
                raise StoreError("there is no such database", where, "nothing was recorded yet, or --home is another")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file gets its final mode before SQLite opens it, because its -wal and -shm files copy the mode.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if isinstance(error, PermissionError) and not create:
            raise _unreadable(path) from error
        raise StoreError(f"can't be made: {error.strerror}", where, "check the folder and its owner") from error
    if not os.access(path, os.R_OK):
        raise _unreadable(path)
    # os.access instead of a trial open: closing any descriptor of the file would drop this process's SQLite locks.
    for place, kind, rights in ((path, "database", os.W_OK), (path.parent, "folder", os.W_OK | os.X_OK)):
        if not os.access(place, rights):
            raise _forbidden(place, kind)


def _unreadable(path: Path) -> StoreError:
    """Return the error for a database that this user can't read, because it belongs to somebody else."""
    hint = "run the command as its owner (`ls -l` says who that is)"
    return StoreError("this user may not read the database", str(path), hint)


def _forbidden(place: Path, kind: str) -> StoreError:
    """Return the error for a database or folder that this user can't write: the disk or the permissions prevent it."""
    if is_read_only(place):
        return StoreError("the disk is read-only", str(place), "read `dmesg`: the card may be failing, replace it")
    what = f"this user has no right to write the {kind}"
    hint = f"run the command as its owner, or correct the {kind}'s owner and mode; reading needs that right, too"
    return StoreError(what, str(place), hint)


def _share(path: Path) -> None:
    """Make a database and its log readable by the group. An older release created them for the owner only."""
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):  # missing, or owned by another user, who changes it
            file = Path(f"{path}{ending}")
            if stat.S_IMODE(file.stat().st_mode) == 0o600:
                file.chmod(0o640)


def _check_schema(db: sqlite_utils.Database, schema: Schema, path: Path) -> None:
    """Refuse a file of another kind or of a newer program that this one can't read. Nothing is written."""
    tables = {str(row[0]) for row in db.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return
    meta: dict[str, str] = {}
    if "meta" in tables:
        meta = {str(key): str(value) for key, value in db.conn.execute("SELECT key, value FROM meta")}
    if meta.get("kind") != schema.kind:
        raise ForeignFileError(f"is not a {schema.kind} database of this program", str(path), "check the file")
    try:
        readable_from = int(meta["readable_from"])
    except (KeyError, ValueError) as error:
        raise StoreError("the database is corrupt (no schema version)", str(path), _MEND) from error
    if readable_from > schema.version:
        raise StoreError(
            f"was written by a newer version (readable from schema {readable_from}, this program has {schema.version})",
            str(path),
            "install the newer version again",
        )


def _set_up(db: sqlite_utils.Database) -> None:
    conn = db.conn
    conn.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # applies to a new file only
    if conn.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    conn.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("PRAGMA secure_delete = ON")


def _migrate(db: sqlite_utils.Database, schema: Schema) -> None:
    """Apply pending migrations in one transaction, because two processes may open the database at the same time."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        schema.migrations.apply(db)
    except BaseException:
        db.conn.rollback()
        raise
    db.conn.commit()


def _has_no_room(folder: Path) -> bool:
    """Return whether the disk lacks the space for the index of a log. SQLite reports this as an I/O error."""
    try:
        return free_bytes(folder) < _LOG_BYTES
    except OSError:
        return False


def explained(error: sqlite3.DatabaseError, where: str) -> StoreError:
    """Return a StoreError that explains SQLite's error in plain words, with a hint."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return StoreError("the database is locked by another process", where, "wait until it is done, and try again")
    if where and "locked" not in text and "malformed" not in text and is_read_only(Path(where).parent):
        return StoreError("the disk has become read-only", where, "the card may be failing: read `dmesg`, replace it")
    if "readonly" in text or "read-only" in text:
        what = "this user has no right to write the database"
        return StoreError(what, where, "run the command as its owner, or correct the file's owner and mode")
    if "full" in text or ("disk I/O" in text and where and _has_no_room(Path(where).parent)):
        return StoreError("the disk is full", where, "free some space; nothing was changed")
    if "unable to open" in text:
        return StoreError("the database can't be opened", where, "check the folder, its owner and the disk")
    if "disk I/O" in text:
        return StoreError("the disk does not read or write data", where, "the card may be failing: read `dmesg`")
    if "malformed" in text or "not a database" in text:
        return DamageError(f"the database is corrupt ({text})", where, _MEND)
    return StoreError(f"the database can't be used ({text})", where, _MEND)
