"""Is a database file sound, what is missing from its log, and putting a damaged one aside.

A page has no checksum in SQLite: `quick_check` finds pages that do not fit together, `integrity_check` also indexes
that do not fit their tables. Registers carry their SHA-256, so that a changed byte in one is found, too. What changes
within a sighting or a capture without breaking the form of its page is not found by anything here.
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
from edge_daemon.store.disk import sync_folder

logger = logging.getLogger(__name__)

Depth = Literal["start", "quick", "full"]
"""`start`: all but the sightings, which are 97 % of a file; `quick`: those, too, but not whether their indexes fit;
`full`: that, too, and the hash of every register. docs/STORAGE.md has what each takes."""

SUFFIXES = ("", "-wal", "-shm")

_BIG_TABLE = "sightings"
_LATEST_REGISTERS = 100
"""Only pages that were written lately can be torn: at a start no others are hashed."""
_WAL_HEADER = 32
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
_FRAME_HEADER = struct.Struct(">IIQ8x")
"""Page, size of the database after a commit or 0, both salts as one number (sqlite.org/fileformat2.html, 4.1)."""


@dataclass(frozen=True, slots=True)
class DatabaseFindings:
    """What an examination found."""

    problem: str = ""
    """Empty: the file is sound."""
    empty: bool = False
    """There is no table at all: a new file, or one whose content is gone."""
    lost_commits: int = 0
    """Commits that the log had, and that can't be read any more; one more may have been cut off while being written."""


def examine(path: Path, depth: Depth, *, immutable: bool = False, keep_log: Path | None = None) -> DatabaseFindings:
    """Look at a database file, through its log.

    Args:
        path: the file; it must exist.
        depth: how closely.
        immutable: nobody writes it, and it has no log: a backup.
        keep_log: where a copy of a damaged log goes: SQLite removes the original.

    Raises:
        StoreError: the file can't be looked at (rights, a lock, a failing disk): that is no proof of damage.
    """
    before = _Log() if immutable else _look_at_log(path)
    try:
        with closing(_connect(path, "mode=ro&immutable=1" if immutable else "mode=rw")) as conn:
            tables = [str(row[0]) for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            problem = next((p for p in _problems(conn, tables, depth) if p), "")
            readable = None if problem or not before.commits else _frames_read(conn)
            # Another process may have begun the log anew meanwhile: then it says nothing.
            same = _look_at_log(path).salts == before.salts
            gone = sum(frame > readable for frame in before.commits) if same and readable is not None else 0
            if gone > 1 and keep_log is not None:
                _keep_copy(path.with_name(path.name + "-wal"), keep_log)
    except UnicodeDecodeError:  # SQLite's message about damage quotes it
        return DatabaseFindings("names in it are damaged")
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise explained(error, str(path)) from error
        return DatabaseFindings(str(error))
    return DatabaseFindings(problem, not tables, max(0, gone - 1))


def counts(conn: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    names = [str(row[0]) for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    query = 'SELECT count(*) FROM "{}"'
    return {name: int(conn.execute(query.format(name)).fetchone()[0]) for name in names}


def set_aside(path: Path, folder: Path, stamp: str) -> Path | None:
    """Move a database with its log out of the way; nothing is deleted.

    The file itself goes first: where a power cut leaves a log without its file, the next start moves that, too.

    Returns:
        Where the file is now, None where there was nothing.

    Raises:
        StoreError: the folder can't be made, or the files can't be moved.
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
    """What a damaged register.sqlite had and its backup has not, as far as it could be read."""

    registers: int
    lessons: int


def loss(damaged: Path, restored: sqlite3.Connection) -> Loss | None:
    """Return what went lost with a damaged file, None where it can't be read any more."""
    try:
        with closing(_connect(damaged, "mode=ro")) as conn:
            registers = _beyond(conn, restored, "SELECT lesson_id || '/' || revision FROM registers")
            return Loss(registers, _beyond(conn, restored, "SELECT lesson_id FROM lessons"))
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None


def holds_key(gallery: Path, destroyed: Collection[str]) -> bool | None:
    """Return whether a copy of gallery.sqlite still has one of these data keys; None where it can't be read.

    Args:
        gallery: a copy that nobody writes.
        destroyed: SHA-256 of wrapped keys, hexadecimal.
    """
    try:
        with closing(_connect(gallery, "mode=ro")) as conn:
            keys = conn.execute("SELECT wrapped_key FROM student_keys").fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
    return any(hashlib.sha256(row[0]).hexdigest() in destroyed for row in keys)


def key_generation(gallery: Path) -> int | None:
    """Return the generation of the slot key that a copy of gallery.sqlite needs; None where it can't be read.

    Args:
        gallery: a copy that nobody writes.
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
    """Return a problem where the file has forgotten how it was made: opening it would make its tables again."""
    if "meta" not in tables:  # empty, or another program's
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
    """A write-ahead log as it lies on the disk."""

    salts: int | None = None
    commits: tuple[int, ...] = ()
    """The frames that end a commit, readable or not."""


def _look_at_log(path: Path) -> _Log:
    """Return what commits the log of a database has.

    Frames of one generation have the same salts; what stands behind them is older. Only the log itself is opened here:
    closing a descriptor of the database would drop the locks that SQLite has on it in this process.
    """
    found: list[int] = []
    salts: int | None = None
    try:
        with path.with_name(path.name + "-wal").open("rb") as log:
            page = int.from_bytes(log.read(12)[8:12], "big")
            page = page if page in _PAGE_SIZES else PAGE_BYTES  # the head may be what is damaged
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
    """Return how much of the log SQLite could read, bringing it into the file.

    None where the disk has no room, or where another process is just doing the same: SQLite answers with -1 then.
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
    except OSError as error:  # no room: what can be read is brought into the file all the same
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
