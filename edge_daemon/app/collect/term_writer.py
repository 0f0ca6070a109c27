"""The second pass: writes the term's file from the verified documents, one week at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from edge_daemon.app.collect.document_findings import UNEXPECTED, RegisterFound, explained
from edge_daemon.app.collect.document_tree import DocumentProblem, UnreadableError, read_text
from edge_daemon.app.collect.room_documents import Room
from edge_daemon.app.collect.spill import Spill
from edge_daemon.app.collect.term_file import CollectResult, Progress, TermRequest, room_row
from edge_daemon.attendance.csv_form import write_rows
from edge_daemon.attendance.document import from_fields, from_json
from edge_daemon.attendance.export import HEADS, register_lines, write_whole
from edge_daemon.attendance.proof import digest
from edge_daemon.attendance.sheets import parts, period
from edge_daemon.attendance.term import Months, events_of, term_sheet
from edge_daemon.attendance.term_book import Cells, TermBook, term_book
from edge_daemon.errors import RegisterError
from edge_daemon.types import Register

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


def write_term(path: Path, request: TermRequest, collected: CollectResult, progress: Progress) -> None:
    """Write the term as .xlsx or .csv, as a whole or not at all.

    Raises:
        RegisterError: the file can't be written.
    """
    write = _write_csv if path.suffix.lower() == ".csv" else _write_xlsx
    write_whole(path, lambda part: write(part, request, collected, progress))


def _write_xlsx(path: Path, request: TermRequest, collected: CollectResult, progress: Progress) -> None:
    groups = [(name, list(group)) for name, group in groupby(_in_order(collected), lambda k: _period(k[1], request))]
    months = Months(request.zone)
    # A document may change while the file is written; the page of problems then has to name it.
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
            "Documents that are not trusted, and what looks wrong about others. No sheet contains the untrusted ones.",
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
    """Return a register as it was verified: from the spill file, or from its own file if an earlier run verified it."""
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
