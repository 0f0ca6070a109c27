"""From the rooms' folders to the term's file: two passes, so that a term of a large school needs little memory.

The first pass proves every document and remembers where each lesson's highest revision lies. The second reads them
again, one week at a time, and writes; a document that is another one by then is left out and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from pathlib import Path

from edge_daemon.app.collect.document_findings import UNEXPECTED, RegisterFound, explained
from edge_daemon.app.collect.document_tree import (
    DocumentProblem,
    UnreadableError,
    devices_folder,
    read_text,
    room_folders,
)
from edge_daemon.app.collect.heartbeat_text import Heartbeat, read_days, read_heartbeat
from edge_daemon.app.collect.room_documents import Room, RoomReader
from edge_daemon.app.collect.room_ranking import DAYS_BACK, RoomStatus, rank, room_status
from edge_daemon.app.collect.spill import Spill
from edge_daemon.attendance.csv_form import CsvForm, write_rows
from edge_daemon.attendance.document import from_fields, from_json
from edge_daemon.attendance.export import HEADS, register_lines, write_whole
from edge_daemon.attendance.proof import digest
from edge_daemon.attendance.sheets import By, Split, parts, period
from edge_daemon.attendance.term import Months, events_of, term_sheet
from edge_daemon.attendance.term_book import Cell, Cells, TermBook, term_book
from edge_daemon.attendance.week import ISO_WEEK, SchoolWeek, school_week
from edge_daemon.device.signing import fingerprint
from edge_daemon.errors import DeliveryError, RegisterError
from edge_daemon.types import Register

Progress = Callable[[int, int], None]

_ROOM_HEADS = (
    *("Room", "State", "What somebody should look at", "Heard of", "Registers", "Last lesson", "Missing"),
    *(
        "Pictures %",
        "Waiting there",
        "Refused",
        "Clock",
        "Disk free, GB",
        "°C",
        "Version",
        "Key",
        "Key is of",
        "Removals",
    ),
)
_ROOM_WIDTHS = (18, 9, 70, 17, 10, 17, 9, 11, 12, 9, 15, 12, 7, 10, 28, 14, 32)


@dataclass(frozen=True, slots=True)
class TermRequest:
    """What to collect."""

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
    """What was read."""

    reader: RoomReader
    """Gives the registers that were kept."""
    judgements: list[RoomStatus] = field(default_factory=list)
    """Of all rooms, those first that need somebody."""
    problems: list[DocumentProblem] = field(default_factory=list)

    @property
    def registers(self) -> int:
        """How many lessons have one."""
        return sum(one.room.summary.registers for one in self.judgements)

    @property
    def repeated(self) -> int:
        """How many files were copies."""
        return sum(one.room.summary.repeated for one in self.judgements)


def read_all(request: TermRequest, reader: RoomReader, progress: Progress) -> CollectResult:
    """Prove every document of every room.

    Args:
        request: what to collect.
        reader: of rooms.
        progress: is shown how many rooms were read.

    Raises:
        DeliveryError: the folder is no tree of documents.
    """
    folders, collected = room_folders(devices_folder(request.folder)), CollectResult(reader)
    today = request.now.astimezone(request.zone).date()
    for done, folder in enumerate(folders):
        progress(done, len(folders))
        room = reader.read(folder)
        heartbeat = read_heartbeat(folder, room.problems)
        days = read_days(folder, today - timedelta(days=DAYS_BACK), today)
        collected.judgements.append(room_status(room, heartbeat, days, request.now))
        collected.problems += room.problems
    progress(len(folders), len(folders))
    collected.judgements.sort(key=rank)
    return collected


def write_term(path: Path, request: TermRequest, collected: CollectResult, progress: Progress) -> None:
    """Write the term, .xlsx or .csv: whole or not at all.

    Raises:
        RegisterError: it can't be written.
    """
    write = _write_csv if path.suffix.lower() == ".csv" else _write_xlsx
    write_whole(path, lambda part: write(part, request, collected, progress))


def _write_xlsx(path: Path, request: TermRequest, collected: CollectResult, progress: Progress) -> None:
    groups = [(name, list(group)) for name, group in groupby(_in_order(collected), lambda k: _period(k[1], request))]
    months = Months(request.zone)
    # A document may change while we write: then there is something to name that was not known before.
    whole = [name for name, _ in groups] if request.split == "none" else []
    with term_book(path, whole, with_problems=True) as book:
        for done, (_, group) in enumerate(groups):
            progress(done, len(groups))
            registers = list(_again(group, collected))
            for register in registers:
                months.add(register)
                for event in events_of(register, request.zone):
                    book.event(event, request.names.get(event.student_id, ""))
            for part, some in parts(registers, request.split):
                book.sheet(term_sheet(some, request.names, request.zone, request.by, request.week, part))
        progress(len(groups), len(groups))
        book.months(months, request.names)
        _write_rooms(book, request, collected)
        rows = [(one.where, one.what) for one in collected.problems]
        remarks = (
            "Documents that are not believed, and what is odd about others. Nothing of the first is in a sheet.",
        )
        book.left_out(Cells(("Where", "What"), (90, 80), rows, remarks))


def _write_csv(path: Path, request: TermRequest, collected: CollectResult, progress: Progress) -> None:
    kept = _in_order(collected)
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        write_rows(file, request.form, [HEADS])
        for done, register in enumerate(_again(kept, collected)):
            progress(done, len(kept))
            write_rows(file, request.form, register_lines(register, request.names, request.zone))
    progress(len(kept), len(kept))


def _in_order(collected: CollectResult) -> list[tuple[Room, RegisterFound]]:
    kept = [(one.room, found) for one in collected.judgements for found in collected.reader.kept(one.room).values()]
    return sorted(kept, key=lambda one: (one[1].start, one[0].folder.name, one[1].path))


def _period(kept: RegisterFound, request: TermRequest) -> str:
    return period(kept.start.astimezone(request.zone), request.by, request.week)


def _again(kept: Sequence[tuple[Room, RegisterFound]], collected: CollectResult) -> Iterator[Register]:
    for room, found in kept:
        try:
            yield _content(room, found, collected.reader.spill)
        except (UnreadableError, RegisterError, *UNEXPECTED) as error:
            collected.problems.append(DocumentProblem(f"{room.folder.name}/{found.path}", explained(error)))


def _content(room: Room, found: RegisterFound, spill: Spill) -> Register:
    """Return a register as it was proven: from the spill, or, where it was proven by another run, from its file."""
    place = room.places.get(found.path)
    if place is not None:
        return from_fields(spill.get(place)).register
    text = read_text(room.folder / found.path)
    if digest(text) != found.sha256:
        raise UnreadableError("was changed while it was collected")
    return from_json(text).register


def _write_rooms(book: TermBook, request: TermRequest, collected: CollectResult) -> None:
    rows = [room_row(one, request) for one in collected.judgements]
    states = [one.severity for one in collected.judgements]
    counts = ", ".join(f"{states.count(s)} {s}" for s in ("faulty", "silent", "late", "well") if s in states)
    remarks = (
        f"Collected {request.now.astimezone(request.zone):%a %Y-%m-%d %H:%M}: {counts or 'no rooms'}.",
        "A register counts only with the signature of its room's key. Heartbeats and logs are the devices' own words.",
    )
    book.rooms(Cells(_ROOM_HEADS, _ROOM_WIDTHS, rows, remarks), states)


def room_row(one: RoomStatus, request: TermRequest) -> Sequence[Cell]:
    """Return the cells of a room's row."""
    room, said, all_held = one.room, one.heartbeat, one.room.summary
    planned = all_held.captures_planned
    return (
        *(room.device, one.severity, "; ".join(one.reasons), _time(said.at if said else None, request), all_held.held),
        *(_time(all_held.last_start, request), one.missing or None),
        round(all_held.captures_taken / planned, 4) if planned else None,
        *((said.waiting, said.parked, said.clock) if said else (None, None, "")),
        round(said.disk_free_mb / 1024, 1) if said and said.disk_free_mb is not None else None,
        *((said.temperature_c, said.version) if said else (None, "")),
        " / ".join(sorted(fingerprint(key) for key in room.keys)),
        "your list" if room.is_pinned else "the server",
        _removals(said, request),
    )


def _removals(said: Heartbeat | None, request: TermRequest) -> str:
    """Return whether a room has confirmed the office's last list of removals."""
    if said is None:
        return ""
    if said.removals_open:
        return "not confirmed"
    applied = said.removals_applied
    return f"confirmed {applied.astimezone(request.zone):%Y-%m-%d %H:%M}" if applied else ""


def _time(at: datetime | None, request: TermRequest) -> datetime | None:
    """Return a time by the school's clock, to the minute, as a cell has it."""
    return at.astimezone(request.zone).replace(tzinfo=None, second=0, microsecond=0) if at else None


def check_output(path: Path) -> None:
    """Refuse a place that nothing can be written to, before work is done; raises DeliveryError."""
    if path.suffix.lower() not in (".xlsx", ".csv"):
        raise DeliveryError("the ending is not known", str(path), "use .xlsx or .csv")
    if path.is_dir():
        raise DeliveryError("is a folder", str(path), "name a file")
    if not path.parent.is_dir():
        raise DeliveryError("there is no such folder", str(path.parent), "make it first")


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
    "write_term",
]
