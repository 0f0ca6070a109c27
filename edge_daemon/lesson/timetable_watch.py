"""The timetable of the service. It is read again when a file changes, and stays as it was if the new file is broken."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from edge_daemon.config import Config
from edge_daemon.errors import TimetableError
from edge_daemon.lesson.event_people import People
from edge_daemon.lesson.ical_lines import Source
from edge_daemon.lesson.ical_text import read_source
from edge_daemon.lesson.timetable_process import DEADLINE_S, ProcessTimetable
from edge_daemon.types import Lesson
from edge_daemon.whole_file import replace_file

logger = logging.getLogger(__name__)

_Signature = tuple[tuple[int, int, int] | None, ...]


class _NoLessons:
    """The timetable before the first one is read."""

    left_out, error, unusable = 0, "", ""

    def lessons(self, start: datetime, end: datetime) -> list[Lesson]:
        """Return an empty list for any time."""
        del start, end
        return []

    def cancelled(self, start: datetime, end: datetime) -> dict[str, str]:
        """Return an empty result for any time."""
        del start, end
        return {}

    def people(self, lesson_id: str) -> People:
        """Return an empty result for any lesson."""
        del lesson_id
        return ()


class TimetableWatch:
    """Keeps the timetable up to date.

    Args:
        config: gives the files, the room and the device.
        config_dir: folder where relative names start.
        keep_dir: folder for the last good copies of the files, which a restart uses if a file is broken.
        may_be_missing: path of a file that may appear later; until then it counts as empty.
        deadline_s: longest time for an answer of the process that expands the calendars, in seconds.
    """

    def __init__(
        self,
        config: Config,
        config_dir: Path,
        keep_dir: Path,
        *,
        may_be_missing: Path | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._deadline_s = deadline_s
        self._config, self._keep_dir, self._may_be_missing = config, keep_dir, may_be_missing
        self._files = [config_dir / name for name in config.timetable.files]
        self._holidays = [config_dir / name for name in config.timetable.holidays]
        self._signature: _Signature | None = None
        self._digest = ""
        self._timetable: ProcessTimetable | _NoLessons = _NoLessons()
        self._error = ""

    @property
    def error(self) -> str:
        """Why the current files, a single file or some weeks are not used; empty if all are used."""
        return self._error or self._timetable.error or self._timetable.unusable

    @property
    def is_known(self) -> bool:
        """Whether a timetable was read, from the files or from the last good copies."""
        return bool(self._digest)

    @property
    def timetable(self) -> ProcessTimetable | _NoLessons:
        """The timetable in use; it has no lessons before the first `refresh`."""
        return self._timetable

    def refresh(self, *, force: bool = False) -> bool:
        """Read the files again if they changed, and return whether the timetable changed.

        If a file can't be read, the timetable stays as it was; `error` and the log report it once.

        Args:
            force: read the files even if they seem unchanged.
        """
        signature = tuple(_signature(path) for path in (*self._files, *self._holidays))
        if signature == self._signature and not force:
            return False
        first, self._signature = self._signature is None, signature
        try:
            files, holidays = _sources(self._there()), _sources(self._holidays)
            digest = _digest((*files, *holidays))
            if digest == self._digest:
                self._error = ""
                return False
            self._timetable = self._built(files, holidays)
        except TimetableError as e:
            return self._keep(e, first)
        self._digest, self._error = digest, ""
        logger.info("timetable read", extra={"events_left_out": self._timetable.left_out})
        self._save((*files, *holidays))
        return True

    def _built(self, files: Sequence[Source], holidays: Sequence[Source]) -> ProcessTimetable | _NoLessons:
        if not (files or holidays):
            return _NoLessons()
        return ProcessTimetable(files, holidays, self._config, deadline_s=self._deadline_s)

    def _there(self) -> list[Path]:
        return [path for path in self._files if path != self._may_be_missing or path.exists()]

    def _keep(self, error: TimetableError, first: bool) -> bool:
        """Record the error and keep the old timetable; after a restart, read it from the last good copies.

        Return whether the timetable changed.
        """
        self._error = error.line()
        logger.warning("timetable broken", extra={"reason": self._error})
        if not first:
            return False
        try:
            files = [Source(path, read_source(self._copy(path)).data) for path in self._there()]
            holidays = [Source(path, read_source(self._copy(path)).data) for path in self._holidays]
            self._timetable = self._built(files, holidays)
        except TimetableError as e:
            logger.warning("no good copy of the timetable", extra={"reason": e.line()})
            return False
        self._digest = _digest((*files, *holidays))
        return True

    def _save(self, sources: Sequence[Source]) -> None:
        """Save copies of good files. If this fails, only the copies are missing."""
        try:
            self._keep_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            for source in sources:
                _write(self._copy(source.path), source.data)
            kept = {self._copy(source.path) for source in sources}
            for path in self._keep_dir.glob("*.ics"):
                if path not in kept:
                    path.unlink()
        except OSError as e:
            logger.warning("no copy of the timetable could be kept", extra={"reason": e.strerror})

    def _copy(self, path: Path) -> Path:
        return self._keep_dir / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.ics"


def _sources(paths: Sequence[Path]) -> list[Source]:
    return [read_source(path) for path in paths]


def _signature(path: Path) -> tuple[int, int, int] | None:
    """Return time, size and inode of a file, which show whether it changed; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(sources: Sequence[Source]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(source.data).digest() for source in sources)).hexdigest()


def _write(path: Path, data: bytes) -> None:
    """Replace a file atomically, even on a power failure. Identical content is not written, to spare the card."""
    if path.exists() and path.read_bytes() == data:
        return
    replace_file(path, data, durable=True)
