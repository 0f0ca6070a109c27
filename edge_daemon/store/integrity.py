"""Checks whether a database file is sound and what was lost from its log, and moves a damaged file aside.

SQLite's pages have no checksum. `quick_check` finds pages that do not fit together. `integrity_check` also finds
indexes that do not match their tables. Each register is stored with its SHA-256, so any changed byte in it is found. A
changed value in a sighting or a capture is not found if its page is still well formed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sqlite3
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_daemon.errors import StoreError
from edge_daemon.store.database import PAGE_BYTES, explained
from edge_daemon.whole_file import sync_folder

logger = logging.getLogger(__name__)

Depth = Literal["start", "quick", "full"]
"""How thoroughly a file is examined.

`start`: everything except the sightings, which are 97 % of a file. `quick`: the sightings too, without their indexes.
`full`: also the indexes, and the hash of every register. docs/STORAGE.md has the durations.
"""

SUFFIXES = ("", "-wal", "-shm")

_BIG_TABLE = "sightings"
_LATEST_REGISTERS = 100
"""Number of the latest registers whose hash is checked at a start. A power cut can damage only recent pages."""
_WAL_HEADER = 32
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
_FRAME_HEADER = struct.Struct(">IIQ8x")
"""Header of a log frame (sqlite.org/fileformat2.html, 4.1): number of its page, a size, and both salts as one number.

The size is that of the database after a commit; it is 0 in a frame that ends no commit.
"""


@dataclass(frozen=True, slots=True)
class DatabaseFindings:
    """The result of an examination."""

    problem: str = ""
    """What is wrong with the file; empty if it is sound."""
    empty: bool = False
    """True: the file has no table, because it is new or its content is lost."""
    lost_commits: int = 0
    """Number of commits in the log that can't be read. One more may have been cut off while it was written."""


def examine(path: Path, depth: Depth, *, immutable: bool = False, keep_log: Path | None = None) -> DatabaseFindings:
    """Examine a database file together with its log.

    Args:
        path: the file; it must exist.
        depth: how thoroughly to examine it.
        immutable: True: no process writes the file, and it has no log, as is the case for a backup.
        keep_log: path for a copy of a damaged log, because SQLite removes the original.

    Raises:
        StoreError: the file can't be examined (permissions, a lock, a failing disk), which does not prove damage.
    """
    before = _Log() if immutable else _look_at_log(path)
    try:
        with closing(_connect(path, "mode=ro&immutable=1" if immutable else "mode=rw")) as conn:
            tables = [str(row[0]) for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            problem = next((p for p in _problems(conn, tables, depth) if p), "")
            readable = None if problem or not before.commits else _frames_read(conn)
            # If another process restarted the log meanwhile, its state proves nothing.
            same = _look_at_log(path).salts == before.salts
            gone = sum(frame > readable for frame in before.commits) if same and readable is not None else 0
            if gone > 1 and keep_log is not None:
                _keep_copy(path.with_name(path.name + "-wal"), keep_log)
    except UnicodeDecodeError:  # SQLite's message about the damage quotes it
        return DatabaseFindings("names in it are damaged")
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise explained(error, str(path)) from error
        return DatabaseFindings(str(error))
    return DatabaseFindings(problem, not tables, max(0, gone - 1))


def counts(conn: sqlite3.Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    names = [str(row[0]) for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    query = 'SELECT count(*) FROM "{}"'
    return {name: int(conn.execute(query.format(name)).fetchone()[0]) for name in names}


def set_aside(path: Path, folder: Path, stamp: str) -> Path | None:
    """Move a database and its log into a folder; nothing is deleted.

    The database file is moved first. If a power cut leaves its log behind, the next start moves the log too.

    Returns:
        The file's new path; None if there was no file.

    Raises:
        StoreError: the folder can't be created, or the files can't be moved.
    """
    present = [suffix for suffix in SUFFIXES if path.with_name(path.name + suffix).exists()]
    if not present:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = _free_name(folder, f"{path.stem}-{stamp}", path.suffix)
        for suffix in present:
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
        sync_folder(folder)
        sync_folder(path.parent)
    except OSError as error:
        what = f"the damaged database can't be put aside: {error.strerror}"
        raise StoreError(what, str(path), f"check owner and disk of {folder}") from error
    return target


@dataclass(frozen=True, slots=True)
class Loss:
    """Readable data of a damaged register.sqlite that the restored backup lacks."""

    registers: int
    lessons: int


def loss(damaged: Path, restored: sqlite3.Connection) -> Loss | None:
    """Return the data of a damaged file that the restored database lacks; None if the damaged file can't be read."""
    try:
        with closing(_connect(damaged, "mode=ro")) as conn:
            registers = _beyond(conn, restored, "SELECT lesson_id || '/' || revision FROM registers")
            return Loss(registers, _beyond(conn, restored, "SELECT lesson_id FROM lessons"))
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None


def holds_key(gallery: Path, destroyed: Collection[str]) -> bool | None:
    """Return whether a copy of gallery.sqlite still has a destroyed data key; None if the copy can't be read.

    Args:
        gallery: a copy that no process writes.
        destroyed: SHA-256 of each wrapped data key that was destroyed, hexadecimal.
    """
    try:
        with closing(_connect(gallery, "mode=ro")) as conn:
            keys = conn.execute("SELECT wrapped_key FROM student_keys").fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
    return any(hashlib.sha256(row[0]).hexdigest() in destroyed for row in keys)


def key_generation(gallery: Path) -> int | None:
    """Return the generation of the slot key that opens a copy of gallery.sqlite; None if the copy can't be read.

    Args:
        gallery: a copy that no process writes.
    """
    try:
        with closing(_connect(gallery, "mode=ro")) as conn:
            row = conn.execute("SELECT value FROM meta WHERE key = 'key_generation'").fetchone()
            return int(row[0]) if row else 0
    except (sqlite3.DatabaseError, UnicodeDecodeError, ValueError):
        return None


def _connect(path: Path, options: str) -> sqlite3.Connection:
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    conn = sqlite3.connect(f"file:{quoted}?{options}", uri=True, timeout=3.0)
    conn.text_factory = lambda text: text.decode("utf-8", "replace")
    return conn


def _problems(conn: sqlite3.Connection, tables: Sequence[str], depth: Depth) -> Iterator[str]:
    yield _without_migrations(conn, tables)
    if depth == "quick":
        yield _answer(conn, "PRAGMA quick_check(3)")
    if depth == "full":
        yield _answer(conn, "PRAGMA integrity_check(3)")
    for table in tables:
        if depth == "full" or table != _BIG_TABLE:
            yield _answer(conn, f'PRAGMA integrity_check("{table}")') if depth != "full" else ""
            for child, _, parent, _ in conn.execute(f'PRAGMA foreign_key_check("{table}")'):
                yield f"a row of {child} has lost its row of {parent}"
    if "registers" in tables:
        yield _changed_register(conn, None if depth == "full" else _LATEST_REGISTERS)


def _answer(conn: sqlite3.Connection, pragma: str) -> str:
    answer = [str(row[0]) for row in conn.execute(pragma)]
    return "" if answer == ["ok"] else " ".join(" ".join(answer).split())[:200]


def _without_migrations(conn: sqlite3.Connection, tables: Sequence[str]) -> str:
    """Return a problem if the file lost its list of migrations, otherwise an empty text.

    Opening such a file would create its tables again.
    """
    if "meta" not in tables:  # empty, or a file of another program
        return ""
    if "_sqlite_migrations" in tables and conn.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()[0]:
        return ""
    return "its list of migrations is gone"


def _changed_register(conn: sqlite3.Connection, newest: int | None) -> str:
    rows = conn.execute(
        "SELECT ledger_position, CAST(document AS BLOB), sha256 FROM registers ORDER BY ledger_position DESC LIMIT ?",
        (-1 if newest is None else newest,),
    )
    for position, document, sha256 in rows:
        if hashlib.sha256(document).hexdigest() != sha256:
            return f"register {position} of the ledger is not what was written"
    return ""


@dataclass(frozen=True, slots=True)
class _Log:
    """A write-ahead log on the disk."""

    salts: int | None = None
    commits: tuple[int, ...] = ()
    """Numbers of all frames that end a commit, including those that can't be read."""


def _look_at_log(path: Path) -> _Log:
    """Return the commits in the log of a database.

    All frames of one generation of the log have the same salts. Frames with other salts, later in the file, are remains
    of an older generation. The function opens only the log, because closing a descriptor of the database file would
    drop this process's SQLite locks on it.
    """
    found: list[int] = []
    salts: int | None = None
    try:
        with path.with_name(path.name + "-wal").open("rb") as log:
            page = int.from_bytes(log.read(12)[8:12], "big")
            page = page if page in _PAGE_SIZES else PAGE_BYTES  # the header itself may be damaged
            for frame in range(1, 1 << 31):
                log.seek(_WAL_HEADER + (frame - 1) * (_FRAME_HEADER.size + page))
                header = log.read(_FRAME_HEADER.size)
                if len(header) < _FRAME_HEADER.size:
                    break
                _, size, own = _FRAME_HEADER.unpack(header)
                salts = own if salts is None else salts
                if size and own == salts:
                    found.append(frame)
    except OSError:
        return _Log()
    return _Log(salts, tuple(found))


def _frames_read(conn: sqlite3.Connection) -> int | None:
    """Copy the log into the database file, and return how many of its frames SQLite could read.

    The result is None if the disk has no space, or if another process copies the log at the same time (SQLite returns
    -1).
    """
    try:
        _, frames, _ = conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.OperationalError:
        return None
    return int(frames) if frames >= 0 else None


def _keep_copy(log: Path, target: Path) -> None:
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("rb") as source, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:  # no space: the readable part is still copied into the file
        logger.warning("damaged log not kept", extra={"reason": error.strerror})


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    text = str(error)
    return "malformed" in text or "not a database" in text


def _beyond(conn: sqlite3.Connection, restored: sqlite3.Connection, query: str) -> int:
    known = {row[0] for row in restored.execute(query)}
    return sum(row[0] not in known for row in conn.execute(query))


def _free_name(folder: Path, stem: str, suffix: str) -> Path:
    names = (folder / f"{stem}{n}{suffix}" for n in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(name for name in names if not os.path.lexists(name))
