"""The status of the running service: one small file in the runtime folder (tmpfs), rewritten at each change.

The file has the ids of students who were seen, so only the service's user may read it. The folder itself is open,
because everybody may read the metrics in it (`metrics.py`).
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import cattrs
from cattrs.preconf.json import make_converter

from edge_daemon.types import ClockState
from edge_daemon.whole_file import replace_file

FILE = "status.json"
STALE_S = 120.0
"""Age in seconds above which a status means that the service is stuck. A service writes at least once a minute."""

State = Literal["starting", "waiting", "lesson", "finalising", "stopping", "degraded"]

_FORMAT = 1
_converter = make_converter()


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonStatus:
    """The running lesson."""

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
    """Number of captures that showed each student so far, and of those with the student attentive, by student id.

    The final counts are made at the lesson's end.
    """
    provisional_of: int = 0
    """Number of captures that `provisional` counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """The state of the service at one moment. An empty text means that the value does not apply."""

    state: State
    detail: str
    """The line for systemd's `STATUS=`, in plain words."""
    pid: int
    started_utc: datetime
    updated_utc: datetime
    clock: ClockState = "unsynchronised"
    camera_fault: str = ""
    timetable_error: str = ""
    storage_fault: str = ""
    ended_by: str = ""
    """Why the service ended by itself, in one line; systemd restarts it."""
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
    """Number of missed captures since the service started, by reason word (`camera`, `storage`, `power`, ...)."""
    lessons_total: int = 0
    pid_start_ticks: int = 0
    """Start of the process (proc_pid_stat(5), field 22), because process ids are reused.

    If it is 0, `write_status` fills it in.
    """
    updated_boottime_s: float = 0.0
    """Seconds since the boot at the time `updated_utc`. If it is 0, `write_status` fills it in."""

    def faults(self) -> dict[str, str]:
        """Return the description of each present fault, by the name of the fault; empty if everything works."""
        named = {"camera": self.camera_fault, "timetable": self.timetable_error, "storage": self.storage_fault}
        return {name: fault for name, fault in named.items() if fault}


def write_status(folder: Path, status: ServiceStatus, mode: int = 0o600) -> None:
    """Write the status atomically: a reader gets the old or the new status.

    Args:
        folder: the runtime folder; created with mode 0755 if it is missing.
        status: the present status. If `pid_start_ticks` or `updated_boottime_s` is 0, it is filled in.
        mode: mode of the file; 0640 if the process with network access runs as another user of the group.

    Raises:
        OSError: the folder can't be created or written.
    """
    status = dataclasses.replace(
        status,
        pid_start_ticks=status.pid_start_ticks or start_ticks(status.pid) or 0,
        updated_boottime_s=status.updated_boottime_s or time.clock_gettime(time.CLOCK_BOOTTIME),
    )
    document = {"format": _FORMAT, **_converter.unstructure(status)}
    write_atomically(folder / FILE, json.dumps(document, ensure_ascii=False, indent=1) + "\n", mode)


def read_status(folder: Path) -> ServiceStatus | None:
    """Return the last status of the service; None if there is none. `runs` says whether that service still runs.

    Raises:
        PermissionError: the file belongs to another user.
    """
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
            return None  # written by another release; the next write replaces it
        return _converter.structure(document, ServiceStatus)
    except PermissionError:
        raise
    except (OSError, ValueError, RecursionError, cattrs.BaseValidationError):
        return None


def runs(status: ServiceStatus, proc: Path = Path("/proc")) -> bool:
    """Return whether the process that wrote the status still runs."""
    return start_ticks(status.pid, proc) == status.pid_start_ticks


def age_s(status: ServiceStatus) -> float:
    """Return the age of a status in seconds, measured by the uptime. Above `STALE_S` the service is stuck."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - status.updated_boottime_s


def start_ticks(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Return the start of a process in ticks after the boot; None if no process has this id."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        # The name in brackets may contain anything, even a closing bracket.
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def write_atomically(path: Path, text: str, mode: int) -> None:
    """Write a file on a tmpfs atomically, with exactly this mode. Do not use it on a disk: nothing is synced.

    Raises:
        OSError: the folder can't be created or written.
    """
    _make_open(path.parent)
    replace_file(path, text.encode(), mode=mode)


def _make_open(folder: Path) -> None:
    """Create a folder that everybody may enter, although the unit's UMask=0077 would forbid this."""
    for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
        missing.mkdir()
        missing.chmod(0o755)
