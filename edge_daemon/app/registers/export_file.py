"""Exports the registers of some days to one file: a spreadsheet, CSV or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from edge_daemon.attendance.csv_form import CsvForm, form_of
from edge_daemon.attendance.document import Document, from_json
from edge_daemon.attendance.export import Export, check_output, write_export
from edge_daemon.attendance.sheets import By, Split
from edge_daemon.attendance.week import week_of
from edge_daemon.errors import RegisterError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import StoredRegister, latest_registers
from edge_daemon.store.removed_registers import removed_lessons

__all__ = ["ExportRequest", "check_output", "export_file"]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The registers to write, and their format."""

    first: date
    last: date
    """The last day, included."""
    start: datetime
    """First instant of the first day, in the school's time zone."""
    end: datetime
    by: str
    """`week` or `month`: one sheet for each."""
    course: str | None
    """The only course to export; None: every course."""
    rehearsals: bool
    student_id: str | None = None
    """Only the lines of this student; None for everybody."""
    split: str = "none"
    """`class` or `room`: one sheet for each of them."""
    locale: str | None = None
    """Language of the program that opens a CSV file; None for commas between cells and a decimal point."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The result of an export."""

    registers: int
    removed: int
    """Lessons of these days whose registers were removed after `storage.keep_registers_days`; the office has them."""


def export_file(home: Home, wanted: ExportRequest, output: Path, names: Mapping[str, str]) -> ExportResult:
    """Write the registers of some days; an existing file is replaced.

    Args:
        home: the installation.
        wanted: days, course and sheets.
        output: the path, which ends in .xlsx, .csv or .json.
        names: names of students by id, as far as they may be shown.

    Returns:
        How many registers were written, and how many registers of these days were removed from this device before.

    Raises:
        RegisterError: these days have no register or none exists yet, nobody has the student's id, or the locale is
            unknown.
        StoreError: the database can't be read, or the file can't be written.
    """
    form = form_of(wanted.locale) if wanted.locale else CsvForm()
    home.check_registers()
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        stored = latest_registers(db, wanted.start, wanted.end)
        if wanted.student_id is not None and wanted.student_id not in names:
            _check_student(wanted.student_id, latest_registers(db))
        removed = len(removed_lessons(db, wanted.start, wanted.end))
    of_days = [from_json(one.document) for one in stored]
    documents = [
        document
        for document in of_days
        if (wanted.course is None or document.register.lesson.course == wanted.course)
        and (wanted.rehearsals or document.register.lesson.origin != "rehearsal")
    ]
    if wanted.student_id is not None:
        documents = [excerpt for document in documents if (excerpt := _excerpt(document, wanted.student_id))]
        names = {one: name for one, name in names.items() if one == wanted.student_id}
    if not documents:
        days = f"{wanted.first:%Y-%m-%d} to {wanted.last:%Y-%m-%d}"
        if removed:
            what = f"{removed} registers of these days were removed after storage.keep_registers_days"
            raise RegisterError(what, days, "the office has them")
        raise _nothing_left(of_days, wanted, days)
    zone = ZoneInfo(home.config.device.time_zone)
    week, by, split = week_of(home.config.week), cast(By, wanted.by), cast(Split, wanted.split)
    write_export(output, Export(wanted.first, wanted.last, documents, names, zone, by, week, split, form))
    return ExportResult(len(documents), removed)


def _nothing_left(of_days: Sequence[Document], wanted: ExportRequest, days: str) -> RegisterError:
    """Return the error for days without a register, or with registers that the other options all leave out."""
    if not of_days:
        return RegisterError("there are no registers in these days", days, "see `edge-daemon register list`")
    options = [
        *([f"--course {wanted.course}"] if wanted.course is not None else []),
        *([f"--student {wanted.student_id}"] if wanted.student_id is not None else []),
        *([] if wanted.rehearsals else ["--without-rehearsals"]),
    ]
    courses = sorted({one.register.lesson.course for one in of_days} - {""})
    hint = "see `edge-daemon register list`"
    if wanted.course is not None and wanted.course not in courses:
        hint = f"the courses of these days: {', '.join(courses) or 'none has a name'}"
    number = "the only register" if len(of_days) == 1 else f"all {len(of_days)} registers"
    return RegisterError(f"{' '.join(options)} leaves out {number} of these days", days, hint)


def _check_student(student_id: str, stored: Sequence[StoredRegister]) -> None:
    """Refuse an id that is neither on the roster (as far as it could be read) nor on a register.

    Raises:
        RegisterError: nobody has the id.
    """
    if not any(_excerpt(from_json(one.document), student_id) for one in stored):
        hint = "`edge-daemon enrol list` has the ids"
        raise RegisterError("nobody has this id: it is on no register and not on the roster", "--student", hint)


def _excerpt(document: Document, student_id: str) -> Document | None:
    """Return a register with the lines of one student, unsigned; None if the student is not on it."""
    register = document.register
    verdicts = tuple(one for one in register.verdicts if one.tally.student_id == student_id)
    guests = tuple(one for one in register.guests if one == student_id)
    if not verdicts and not guests:
        return None
    corrections = tuple(one for one in register.corrections if one.student_id == student_id)
    return replace(
        document,
        register=replace(register, verdicts=verdicts, guests=guests, corrections=corrections),
        signature=None,
    )
