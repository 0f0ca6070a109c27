"""What the running service tells of itself: one small file in the runtime folder (tmpfs), written anew at each change.

The file holds the ids of students who were seen, so that only the service's user may read it; the folder itself is
open, for the metrics beside it are for everybody (`metrics.py`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import cattrs
from cattrs.preconf.json import make_converter

from edge_daemon.types import ClockState

FILE = "status.json"
STALE_S = 120.0
"""A service that waits still writes once a minute; one that has not for two is stuck."""

State = Literal["starting", "waiting", "lesson", "finalising", "stopping", "degraded"]

_FORMAT = 1
_converter = make_converter()


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonStatus:
    """The lesson that runs."""

    lesson_id: str
    course: str
    start: datetime
    end: datetime
    captures_planned: int
    captures_taken: int = 0
    captures_missed: int = 0
    last_missed_reason: str = ""
    next_capture_utc: datetime | None = None
    provisional: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Student id to (frames seen, frames attentive) so far; what counts is decided at the lesson's end."""
    provisional_of: int = 0
    """The captures that `provisional` counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """The service at one moment. An empty text means that there is nothing of the kind."""

    state: State
    detail: str
    """What `STATUS=` tells systemd: one line in plain words."""
    pid: int
    started_utc: datetime
    updated_utc: datetime
    clock: ClockState = "unsynchronised"
    camera_fault: str = ""
    timetable_error: str = ""
    storage_fault: str = ""
    ended_by: str = ""
    """Why the service ended by itself, in one line; systemd starts it again."""
    next_lesson_start: datetime | None = None
    next_course: str = ""
    lesson: LessonStatus | None = None
    last_lesson_id: str = ""
    last_lesson_end: datetime | None = None
    last_lesson_taken: int = 0
    last_lesson_planned: int = 0
    worker_restarts: int = 0
    captures_total: int = 0
    missed_total: Mapping[str, int] = field(default_factory=dict)
    """Reason word (`camera`, `storage`, `power`, ...) to captures since the service started."""
    lessons_total: int = 0
    pid_start_ticks: int = 0
    """When the process started (proc_pid_stat(5), field 22), for its number will be used again; 0: filled in."""
    updated_boottime_s: float = 0.0
    """`updated_utc` on the clock that nobody sets; 0: filled in."""

    def faults(self) -> dict[str, str]:
        """Return what the service can't use now, by its name; empty: all is well."""
        named = {"camera": self.camera_fault, "timetable": self.timetable_error, "storage": self.storage_fault}
        return {name: fault for name, fault in named.items() if fault}


def write_status(folder: Path, status: ServiceStatus, mode: int = 0o600) -> None:
    """Write the status; a reader sees the old one or the new one, never half of it.

    Args:
        folder: the runtime folder; made for everybody to enter (0755) unless it is there.
        status: what is so now; the two fields that tell a stale one are filled in where they are 0.
        mode: of the file; 0640 where the process with the network is another user of the group.

    Raises:
        OSError: the folder can't be made or written.
    """
    status = dataclasses.replace(
        status,
        pid_start_ticks=status.pid_start_ticks or start_ticks(status.pid) or 0,
        updated_boottime_s=status.updated_boottime_s or time.clock_gettime(time.CLOCK_BOOTTIME),
    )
    document = {"format": _FORMAT, **_converter.unstructure(status)}
    write_atomically(folder / FILE, json.dumps(document, ensure_ascii=False, indent=1) + "\n", mode)


def read_status(folder: Path) -> ServiceStatus | None:
    """Return the last status of the service, None where there is none; `runs` tells whether it still holds.

    Raises:
        PermissionError: the file is somebody else's.
    """
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
            return None  # of another release, which the next write replaces
        return _converter.structure(document, ServiceStatus)
    except PermissionError:
        raise
    except (OSError, ValueError, RecursionError, cattrs.BaseValidationError):
        return None


def runs(status: ServiceStatus, proc: Path = Path("/proc")) -> bool:
    """Return whether the process that wrote the status is still there."""
    return start_ticks(status.pid, proc) == status.pid_start_ticks


def age_s(status: ServiceStatus) -> float:
    """Return the status's age, whatever was done to the clock meanwhile; above STALE_S the service is stuck."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - status.updated_boottime_s


def start_ticks(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Return when a process started, in ticks after the boot; None: there is none of that number."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        # The name in brackets may hold anything, also a closing bracket.
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def write_atomically(path: Path, text: str, mode: int) -> None:
    """Write a file of a tmpfs in one step with exactly this mode. Not for a disk: nothing is synced.

    Raises:
        OSError: the folder can't be made or written.
    """
    _make_open(path.parent)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()  # of a process of this number that was killed
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _make_open(folder: Path) -> None:
    """Make a folder that everybody may enter, also under the unit's UMask=0077."""
    for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
        missing.mkdir()
        missing.chmod(0o755)
