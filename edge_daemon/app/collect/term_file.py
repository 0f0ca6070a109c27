"""Makes the term's file from the rooms' folders in two passes, so that a large school's term needs little memory.

The first pass verifies every document and stores where each lesson's highest revision is. The second pass reads those
revisions again, one week at a time, and writes the file (`term_writer.py`). It leaves out documents that have changed
meanwhile, and names them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from edge_daemon.app.collect.document_tree import DocumentProblem, devices_folder, room_folders
from edge_daemon.app.collect.heartbeat_text import Heartbeat, read_days, read_heartbeat, read_withdrawn
from edge_daemon.app.collect.room_documents import Room, RoomReader
from edge_daemon.app.collect.room_ranking import DAYS_BACK, RoomStatus, rank, room_status
from edge_daemon.attendance.csv_form import CsvForm
from edge_daemon.attendance.sheets import By, Split
from edge_daemon.attendance.week import ISO_WEEK, SchoolWeek, school_week
from edge_daemon.device.signing import fingerprint
from edge_daemon.errors import DeliveryError
from edge_daemon.whole_file import unusable_output

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TermRequest:
    """The term to collect."""

    folder: Path
    pinned: Mapping[str, frozenset[str]] | None
    names: Mapping[str, str]
    since: datetime | None
    zone: tzinfo
    by: By
    now: datetime
    week: SchoolWeek = ISO_WEEK
    split: Split = "none"
    form: CsvForm = field(default_factory=CsvForm)


@dataclass(slots=True)
class CollectResult:
    """The result of the first pass."""

    reader: RoomReader
    """Returns the registers that count."""
    judgements: list[RoomStatus] = field(default_factory=list)
    """The state of all rooms; those that need attention come first."""
    problems: list[DocumentProblem] = field(default_factory=list)

    @property
    def registers(self) -> int:
        """Number of lessons with a register."""
        return sum(one.room.summary.registers for one in self.judgements)

    @property
    def repeated(self) -> int:
        """Number of files that are copies of a document in another file."""
        return sum(one.room.summary.repeated for one in self.judgements)


def read_all(request: TermRequest, reader: RoomReader, progress: Progress) -> CollectResult:
    """Prove every document of every room.

    Args:
        request: the term to collect.
        reader: reads the rooms.
        progress: called with (rooms read, rooms in all).

    Raises:
        DeliveryError: the folder has no tree of documents.
    """
    folders, collected = room_folders(devices_folder(request.folder)), CollectResult(reader)
    today = request.now.astimezone(request.zone).date()
    for done, folder in enumerate(folders):
        progress(done, len(folders))
        room = reader.read(folder)
        heartbeat = read_heartbeat(folder, room.problems)
        days = read_days(folder, today - timedelta(days=DAYS_BACK), today)
        # The day of a log is one of the device's own time zone, which may be that of a neighbour in UTC.
        near = {start.date() + timedelta(days=n) for start, _ in room.summary.overdue for n in (-1, 0, 1)}
        withdrawn = read_withdrawn(folder, near)
        collected.judgements.append(room_status(room, heartbeat, days, request.now, withdrawn))
        collected.problems += room.problems
    progress(len(folders), len(folders))
    collected.judgements.sort(key=rank)
    return collected


def room_row(one: RoomStatus, request: TermRequest) -> Sequence[str | int | float | None]:
    """Return the cells of a room's row."""
    room, heartbeat, all_held = one.room, one.heartbeat, one.room.summary
    planned = all_held.captures_planned
    return (
        *(room.device, one.severity, "; ".join(one.reasons)),
        *(_time(heartbeat.at if heartbeat else None, request), all_held.held),
        *(_time(all_held.last_start, request), one.missing or None),
        round(all_held.captures_taken / planned, 4) if planned else None,
        *((heartbeat.waiting, heartbeat.parked, heartbeat.clock) if heartbeat else (None, None, "")),
        round(heartbeat.disk_free_mb / 1024, 1) if heartbeat and heartbeat.disk_free_mb is not None else None,
        *((heartbeat.temperature_c, heartbeat.version) if heartbeat else (None, "")),
        " / ".join(sorted(fingerprint(key) for key in room.keys)),
        "your list" if room.is_pinned else "the server",
        _removals(heartbeat, request),
    )


def _removals(heartbeat: Heartbeat | None, request: TermRequest) -> str:
    """Return in words whether and when a room confirmed the office's last list of removals; empty if not known."""
    if heartbeat is None:
        return ""
    if heartbeat.removals_open:
        return "not confirmed"
    applied = heartbeat.removals_applied
    return f"confirmed {applied.astimezone(request.zone):%Y-%m-%d %H:%M}" if applied else ""


def _time(at: datetime | None, request: TermRequest) -> datetime | None:
    """Return a time by the school's clock, to the minute, for a cell."""
    return at.astimezone(request.zone).replace(tzinfo=None, second=0, microsecond=0) if at else None


def check_output(path: Path) -> None:
    """Refuse a path that can't be written, before any work is done.

    Raises:
        DeliveryError: the ending is unknown, the path is a folder or lies in none, or this user may not write there.
    """
    if path.suffix.lower() not in (".xlsx", ".csv"):
        raise DeliveryError("the file's ending is not supported", str(path), "use .xlsx or .csv")
    problem = unusable_output(path)
    if problem is not None:
        raise DeliveryError(*problem)


__all__ = [
    "By",
    "CollectResult",
    "Room",
    "Split",
    "TermRequest",
    "check_output",
    "fingerprint",
    "read_all",
    "school_week",
]
