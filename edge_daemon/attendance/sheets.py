"""Registers arranged for an office: a sheet a week or month, students in rows, lessons in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final, Literal

from edge_daemon.attendance.doubt import awaits_confirmation, is_cancelled, standing
from edge_daemon.types import Correction, Lesson, Register, Verdict, VerdictName

By = Literal["week", "month"]

MARKS: Final[Mapping[VerdictName, str]] = {"present": "P", "absent": "A", "inconclusive": "?", "not_assessed": "–"}


@dataclass(frozen=True, slots=True)
class Column:
    """A lesson of a sheet, in the school's time."""

    lesson: Lesson
    start: datetime
    end: datetime
    captures_taken: int
    captures_planned: int
    note: str = ""
    """What else is to be known of it; empty: its lesson's id and captures."""


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """What the register says about one student in one lesson."""

    verdict: Verdict
    correction: Correction | None
    """The last one, where there is one."""

    @property
    def mark(self) -> str:
        """P, A, ? or –; P? and A? where the device has doubts that no person has settled."""
        letter = MARKS[self.verdict.verdict]
        doubted = standing(self.verdict) == "to_confirm" and self.verdict.verdict != "inconclusive"
        return f"{letter}?" if doubted else letter

    @property
    def counted(self) -> str:
        """The mark as which it is counted: P? and A? are to be confirmed, as ? is."""
        return "?" if self.mark.endswith("?") else self.mark


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A student of a sheet."""

    student_id: str
    name: str
    """Empty where the gallery can't be read."""
    entries: tuple[SheetEntry | None, ...]
    """One a column; None: the student does not belong to that lesson's course."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A week or a month."""

    name: str
    """`2026-W47` or `2026-11`."""
    first_day: datetime
    last_day: datetime
    device: str
    columns: tuple[Column, ...]
    rows: tuple[SheetRow, ...]


def arrange(registers: Iterable[Register], names: Mapping[str, str], zone: tzinfo, by: By) -> Iterator[Sheet]:
    """Yield the sheets that registers fill, in the order of time.

    Args:
        registers: one a lesson.
        names: of the students by id; students stand in its order, those that it lacks follow by id.
        zone: the school's time zone: what is Monday there is Monday on the sheet.
        by: what a sheet spans.
    """
    place = {student_id: number for number, student_id in enumerate(names)}
    in_order = sorted(registers, key=lambda r: (r.lesson.start, r.lesson.lesson_id))
    for name, group in groupby(in_order, key=lambda r: period(r.lesson.start.astimezone(zone), by)):
        lessons = tuple(group)
        first, last = span(lessons[0].lesson.start.astimezone(zone), by)
        yield Sheet(
            name=name,
            first_day=first,
            last_day=last,
            device=", ".join(sorted({r.lesson.device for r in lessons})),
            columns=tuple(_column(r, zone) for r in lessons),
            rows=tuple(_rows(lessons, names, place)),
        )


def entries_of(register: Register) -> dict[str, SheetEntry]:
    """Return what a register says, by student id."""
    corrections = {c.student_id: c for c in register.corrections}  # the last one of a student stands
    return {v.tally.student_id: SheetEntry(v, corrections.get(v.tally.student_id)) for v in register.verdicts}


def sheet_entries(register: Register) -> dict[str, SheetEntry]:
    """Return what a sheet shows of a register, by student id: nothing where the lesson was not held."""
    return {} if is_cancelled(register) else entries_of(register)


def _rows(lessons: Sequence[Register], names: Mapping[str, str], place: Mapping[str, int]) -> Iterator[SheetRow]:
    by_lesson = [sheet_entries(register) for register in lessons]
    student_ids = {student_id for entries in by_lesson for student_id in entries}
    for student_id in sorted(student_ids, key=lambda one: (place.get(one, len(place)), one)):
        yield SheetRow(student_id, names.get(student_id, ""), tuple(entries.get(student_id) for entries in by_lesson))


def _column(register: Register, zone: tzinfo) -> Column:
    lesson = register.lesson
    start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
    return Column(lesson, start, end, register.captures_taken, register.captures_planned, column_note(register))


def column_note(register: Register) -> str:
    """Return what is to be known of a lesson at its column's head; empty where nothing is."""
    state = lesson_state(register)
    if not state:
        return ""
    return f"{register.lesson.lesson_id}\n{register.captures_taken} of {register.captures_planned} captures\n{state}"


def lesson_state(register: Register) -> str:
    """Return why a lesson is unusual and what the office said, in words; empty for any other lesson."""
    flags, said = ", ".join(flag.replace("_", " ") for flag in register.register_flags), register.confirmed
    if said is not None:
        return f"{'held' if said.held else 'not held'}, said {said.by}" + (f" ({flags})" if flags else "")
    return f"unusual ({flags}): nobody has said whether it was held" if awaits_confirmation(register) else flags


def period(start: datetime, by: By) -> str:
    """Return the name of the week or month in which a local time lies."""
    return f"{start:%G-W%V}" if by == "week" else f"{start:%Y-%m}"


def span(day: datetime, by: By) -> tuple[datetime, datetime]:
    """Return the first and the last day of the week or month in which a local time lies."""
    if by == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
