"""Stores the findings of earlier runs by file: with `--keep`, an unchanged document is neither read nor verified again.

One row for each room stores the finding on each of its files, with the file's size and modification time. It is a
cache: a cache of another release, or one that can't be read, is started again.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from edge_daemon import __version__
from edge_daemon.app.collect.document_findings import CommitmentFound, Finding, OtherKey, RegisterFound, Rejected
from edge_daemon.app.collect.document_tree import DocumentProblem, Stamp
from edge_daemon.app.collect.room_summary import RoomState, RoomSummary
from edge_daemon.attendance.commitment import PlanCommitment
from edge_daemon.attendance.document import SCHEMA
from edge_daemon.errors import DeliveryError
from edge_daemon.timestamps import written

NAME: Final = ".collect.sqlite"
_FORM: Final = f"2 {__version__} {SCHEMA}"
"""Version of the stored rows and of the checks. After an update of the program all documents are checked again."""
_REGISTER, _COMMITMENT, _OTHER, _REJECTED = "r", "c", "k", "x"

Known = dict[str, tuple[Stamp, Finding]]


class ProofIndex:
    """The index file in a folder.

    Args:
        folder: the folder of `--keep`; if None, the index is empty and stores nothing.

    Raises:
        DeliveryError: the file can't be made.
    """

    def __init__(self, folder: Path | None) -> None:
        self._db = _opened(folder / NAME) if folder is not None else None

    def __enter__(self) -> ProofIndex:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._db is not None:
            self._db.close()

    def room(self, name: str) -> Known:
        """Return the findings on a room's files, by path below its folder."""
        text = self.word(f"room {name}")
        with contextlib.suppress(ValueError, TypeError, LookupError):
            return {path: ((at, size), _finding(path, row)) for path, at, size, row in json.loads(text or "[]")}
        return {}

    def keep_room(self, name: str, known: Mapping[str, tuple[Stamp, Finding]]) -> None:
        """Store the findings on a room's files."""
        rows = [(path, *stamp, _row(finding)) for path, (stamp, finding) in known.items()]
        self.keep_word(f"room {name}", json.dumps(rows, ensure_ascii=False, separators=(",", ":")))

    def state(self, name: str, settings: str) -> RoomState | None:
        """Return the state of a room after the last run, None if that run had other settings."""
        with contextlib.suppress(ValueError, TypeError, LookupError):
            kept_settings, tree, device, row, problems = json.loads(self.word(f"state {name}") or "[]")
            last_start, overdue = row.pop("last_start"), row.pop("overdue")
            summary = RoomSummary(
                **{**row, "recent": tuple((planned, taken) for planned, taken in row["recent"])},
                last_start=_time(last_start) if last_start else None,
                overdue=tuple((_time(start), _time(end)) for start, end in overdue),
            )
            if kept_settings == settings:
                return RoomState(tree, device, summary, [DocumentProblem(*one) for one in problems])
        return None

    def keep_state(self, name: str, settings: str, room: RoomState) -> None:
        """Store the state of a room, for a later run with the same settings."""
        row = {**asdict(room.summary), "overdue": [(written(a), written(b)) for a, b in room.summary.overdue]}
        row["last_start"] = written(room.summary.last_start) if room.summary.last_start else None
        problems = [(one.where, one.what, one.is_left_out) for one in room.problems]
        self.keep_word(f"state {name}", json.dumps((settings, room.tree, room.device, row, problems)))

    def word(self, name: str) -> str:
        """Return the text that is stored under a name, empty if there is none."""
        if self._db is None:
            return ""
        row = self._db.execute("SELECT value FROM kept WHERE name = ?", (_clean(name),)).fetchone()
        return row[0] if row and isinstance(row[0], str) else ""

    def keep_word(self, name: str, value: str) -> None:
        """Store a text under a name; if it can't be written, the next run verifies the documents again."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (_clean(name), _clean(value)))
                self._db.commit()


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _checked(path)
    except OSError as error:
        raise DeliveryError(f"can't be made: {error.strerror}", str(path.parent), "name another folder") from error
    except sqlite3.DatabaseError:
        pass
    try:
        path.unlink(missing_ok=True)
        return _checked(path)
    except (OSError, sqlite3.Error) as error:
        raise DeliveryError(f"can't be written: {error}", str(path), "check the folder and the disk") from error


def _checked(path: Path) -> sqlite3.Connection:
    """Return the database, emptied if it has another format."""
    db = sqlite3.connect(path, timeout=30)
    try:
        db.execute("PRAGMA synchronous = OFF")  # a cache
        db.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        if db.execute("SELECT value FROM kept WHERE name = 'form'").fetchone() != (_FORM,):
            db.execute("DELETE FROM kept")
            db.execute("INSERT INTO kept VALUES ('form', ?)", (_FORM,))
            db.commit()
    except sqlite3.Error:
        db.close()
        raise
    return db


def _row(finding: Finding) -> list[Any]:
    if isinstance(finding, RegisterFound):
        return [
            *(_REGISTER, finding.key, finding.device, finding.lesson_id, finding.revision, written(finding.start)),
            *(finding.sha256, finding.seed_sha256, finding.captures_planned, finding.captures_taken),
            *(finding.is_rehearsal, finding.previous_sha256),
        ]
    if isinstance(finding, CommitmentFound):
        plans = [
            (p.lesson_id, written(p.start), written(p.end), p.captures_planned, p.seed_sha256) for p in finding.plans
        ]
        return [_COMMITMENT, finding.key, written(finding.at), plans, finding.sha256, finding.previous_sha256]
    if isinstance(finding, OtherKey):
        return [_OTHER, finding.key, finding.device, finding.what]
    return [_REJECTED, finding.what]


def _finding(path: str, row: list[Any]) -> Finding:
    kind, *rest = row
    if kind == _REGISTER:
        key, device, lesson_id, revision, start, *more = rest
        return RegisterFound(path, key, device, lesson_id, revision, _time(start), *more)
    if kind == _COMMITMENT:
        key, at, plans, sha256, previous = rest
        committed = tuple(PlanCommitment(one, _time(start), _time(end), *more) for one, start, end, *more in plans)
        return CommitmentFound(key, _time(at), committed, sha256, previous)
    return OtherKey(*rest) if kind == _OTHER else Rejected(*rest)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(f"{text[:-1]}+00:00")
