"""Writes registers to one file for the office: XLSX for people, CSV and JSON for other programs.

CSV: one line for each student and lesson, UTF-8 with a byte order mark, which Excel needs. Languages with a decimal
comma use `;` between cells. Text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP's
advice). Such text begins with `=`, `+`, `-`, `@` (also full width), tab or a line break. JSON: the unchanged register
documents, so that their hashes can be verified, with the names beside them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from pathlib import Path
from typing import Final

from edge_daemon.attendance.csv_form import CsvForm, write_rows
from edge_daemon.attendance.document import Document, to_json
from edge_daemon.attendance.edfi import attendance_event
from edge_daemon.attendance.sheets import By, SheetEntry, Split, arrange, entries_of
from edge_daemon.attendance.week import ISO_WEEK, SchoolWeek
from edge_daemon.errors import RegisterError
from edge_daemon.plain_text import without_overrides
from edge_daemon.types import Register
from edge_daemon.whole_file import refuse_special, unusable_output

FORMATS: Final = (".xlsx", ".csv", ".json")

HEADS: Final = (
    *("date", "start", "end", "course", "device", "lesson_id", "revision", "origin", "student_id", "name", "verdict"),
    *("share", "frames_attentive", "frames_seen", "captures_taken", "captures_planned", "flags"),
    *("corrected_by", "correction_reason", "attendance_event", "register_flags", "held"),
    *("rule_share", "captures_needed", "distance"),
    *("room_mask_none", "room_mask_right", "room_mask_wrong", "room_mask_undecided"),
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Export:
    """The data of an export."""

    first_day: date
    last_day: date
    documents: Sequence[Document]
    """The highest revision of each lesson's register, in order of time."""
    names: Mapping[str, str]
    """Names by student id, in the roster's order."""
    zone: tzinfo
    by: By
    week: SchoolWeek = ISO_WEEK
    split: Split = "none"
    form: CsvForm = field(default_factory=CsvForm)


def check_output(path: Path) -> None:
    """Refuse an unusable output path before work is done.

    Raises:
        RegisterError: the suffix is not in FORMATS, the path is a folder, its folder does not exist, or this user may
            not write there.
    """
    if path.suffix.lower() not in FORMATS:
        what = f"the ending {path.suffix!r} is not known" if path.suffix else "the name has no ending"
        raise RegisterError(what, str(path), "use .xlsx, .csv or .json")
    problem = unusable_output(path)
    if problem is not None:
        raise RegisterError(*problem)


def write_export(path: Path, export: Export) -> None:
    """Write a file in the format of its suffix, completely or not at all, readable by its owner only.

    Raises:
        RegisterError: as for `check_output`, or the file can't be written.
    """
    check_output(path)
    write = {".xlsx": _write_xlsx, ".csv": _write_csv, ".json": _write_json}[path.suffix.lower()]
    write_whole(path, lambda part: write(part, export))


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file under a temporary name with `write` and move it to its place, readable by its owner only.

    Raises:
        RegisterError: the file can't be written; an existing file is unchanged.
    """
    try:
        _write_whole(path, write)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RegisterError(f"can't be written: {reason}", str(path), "check the folder and the disk") from error


def _write_whole(path: Path, write: Callable[[Path], None]) -> None:
    refuse_special(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        os.close(handle)
        write(part)
        with part.open("r+b") as file:  # Windows syncs only files that are open for writing
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_xlsx(path: Path, export: Export) -> None:
    from edge_daemon.attendance.spreadsheet import write_workbook  # 130 ms that only this format needs

    registers = [document.register for document in export.documents]
    write_workbook(path, arrange(registers, export.names, export.zone, export.by, export.week, export.split))


def _write_csv(path: Path, export: Export) -> None:
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        write_rows(file, export.form, [HEADS])
        for document in export.documents:
            write_rows(file, export.form, register_lines(document.register, export.names, export.zone))


def register_lines(
    register: Register, names: Mapping[str, str], zone: tzinfo
) -> Iterator[tuple[str | int | float, ...]]:
    """Yield a line for each student, with the columns of HEADS; text from a roster is guarded."""
    lesson = register.lesson
    start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
    times = (f"{start:%H:%M}", f"{end:%H:%M}") if end > start else ("", "")  # pictures without a clock
    for student_id, entry in entries_of(register).items():
        verdict, correction = entry.verdict, entry.correction
        yield (
            *(f"{start:%Y-%m-%d}", *times, guarded(lesson.course), guarded(lesson.device)),
            *(guarded(lesson.lesson_id), register.revision, lesson.origin, guarded(student_id)),
            *(guarded(names.get(student_id, "")), verdict.verdict, float(verdict.share)),
            *(verdict.tally.captures_attentive, verdict.tally.captures_seen),
            *(register.captures_taken, register.captures_planned, guarded(" ".join(verdict.flags))),
            *(guarded(correction.by) if correction else "", guarded(correction.reason) if correction else ""),
            *(attendance_event(verdict) or "", " ".join(register.register_flags), _held(register)),
            *_rule(register, entry),
            *_mask(register),
        )


def _rule(register: Register, entry: SheetEntry) -> tuple[str | int | float, ...]:
    """Return the rule's share, the captures it requires, and the student's distance; empty texts if not recorded."""
    if register.rule is None or entry.needed is None or entry.distance is None:
        return "", "", ""
    return float(register.rule.share), entry.needed, entry.distance


def _mask(register: Register) -> tuple[str | int, ...]:
    """Return the numbers of people by mask, the same in each line; empty texts if masks were not looked for."""
    counts = register.mask
    return ("",) * 4 if counts is None else (counts.none, counts.right, counts.wrong, counts.undecided)


def _held(register: Register) -> str:
    """Return whether the office confirmed the lesson: `yes`, `no`, or an empty text without an answer."""
    return "" if register.confirmed is None else "yes" if register.confirmed.held else "no"


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    text = without_overrides(text)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _write_json(path: Path, export: Export) -> None:
    documents = [json.loads(to_json(document)) for document in export.documents]
    on_registers = {student["student_id"] for document in documents for student in document["students"]}
    content = {
        "from": export.first_day.isoformat(),
        "to": export.last_day.isoformat(),
        "names": {student_id: name for student_id, name in export.names.items() if student_id in on_registers},
        "registers": documents,
    }
    with path.open("w", encoding="utf-8", errors="replace") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.write("\n")
