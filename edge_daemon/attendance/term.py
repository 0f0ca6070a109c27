"""Arranges the registers of a whole school as sheets: lessons at one time share a column if no student is in two.

A school of forty rooms has a thousand lessons a week, but a student is in one of them at a time. A column is therefore
a time, a row is a student, and the sheet stays readable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Final

from edge_daemon.attendance.edfi import IN_ATTENDANCE, LEFT, TARDY, AttendanceEvent, attendance_event
from edge_daemon.attendance.sheets import (
    MARKS,
    By,
    Column,
    Sheet,
    SheetEntry,
    SheetRow,
    days_of,
    lesson_state,
    period,
    rules_of,
    sheet_entries,
)
from edge_daemon.attendance.week import ISO_WEEK, SchoolWeek
from edge_daemon.types import Lesson, Register

_NAMED: Final = 3
"""Largest number of courses, and of rooms, that the heading of a shared column names."""
_NOTED: Final = 30


@dataclass(slots=True)
class _Shared:
    """Lessons that begin at the same time and have no student in common."""

    registers: list[Register]
    entries: dict[str, SheetEntry]


def term_sheet(
    registers: Iterable[Register],
    names: Mapping[str, str],
    zone: tzinfo,
    by: By,
    week: SchoolWeek = ISO_WEEK,
    part: str = "",
) -> Sheet:
    """Return the sheet of one week or month.

    Args:
        registers: registers of any rooms in that week or month, one for each lesson.
        names: names by student id, which define the order; further students follow by id.
        zone: the school's time zone.
        by: the period of the sheet.
        week: the school's week.
        part: the common class or room of the registers; empty if they have none.
    """
    in_order = sorted(registers, key=lambda r: (r.lesson.start, r.lesson.device, r.lesson.lesson_id))
    columns: list[_Shared] = []
    for _, group in groupby(in_order, key=lambda r: r.lesson.start):
        columns += _share(group)
    place = {student_id: number for number, student_id in enumerate(names)}
    ids = sorted({s for column in columns for s in column.entries}, key=lambda one: (place.get(one, len(place)), one))
    start = in_order[0].lesson.start.astimezone(zone)
    first, last = days_of(in_order, zone, by, week)
    devices = sorted({r.lesson.device for r in in_order})
    return Sheet(
        name=period(start, by, week),
        first_day=first,
        last_day=last,
        device=", ".join(devices) if len(devices) <= _NAMED else f"{len(devices)} rooms",
        columns=tuple(_column(shared.registers, zone) for shared in columns),
        rows=tuple(SheetRow(one, names.get(one, ""), tuple(c.entries.get(one) for c in columns)) for one in ids),
        part=part,
    )


def _share(group: Iterable[Register]) -> list[_Shared]:
    columns: list[_Shared] = []
    for register in group:
        entries = sheet_entries(register)
        for column in columns:
            same_kind = column.registers[0].lesson.origin == register.lesson.origin
            if same_kind and column.entries.keys().isdisjoint(entries):
                column.registers.append(register)
                column.entries.update(entries)
                break
        else:
            columns.append(_Shared([register], entries))
    return columns


def _column(registers: Sequence[Register], zone: tzinfo) -> Column:
    lesson, courses = registers[0].lesson, sorted({r.lesson.course or "all" for r in registers})
    more = f" +{len(courses) - _NAMED}" if len(courses) > _NAMED else ""
    notes = [
        f"{r.lesson.device}: {r.lesson.course or 'all'}, {r.captures_taken} of {r.captures_planned} captures{_told(r)}"
        for r in registers
    ]
    if len(notes) > _NOTED:
        notes[_NOTED:] = [f"and {len(notes) - _NOTED} more"]
    head: Lesson = replace(lesson, course=", ".join(courses[:_NAMED]) + more)
    end = max(r.lesson.end for r in registers)
    return Column(
        head,
        lesson.start.astimezone(zone),
        end.astimezone(zone),
        sum(r.captures_taken for r in registers),
        sum(r.captures_planned for r in registers),
        "\n".join(notes),
        rules_of(registers),
    )


def _told(register: Register) -> str:
    state = lesson_state(register)
    return f", {state}" if state else ""


@dataclass(slots=True)
class Months:
    """Counts of every student by month, without rehearsals."""

    zone: tzinfo
    months: set[str] = field(default_factory=set)
    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    """Number of each mark, and of the events Tardy and Early departure, by student id and month."""

    def add(self, register: Register) -> None:
        """Count one register."""
        if register.lesson.origin != "timetable":
            return
        month = period(register.lesson.start.astimezone(self.zone), "month")
        self.months.add(month)
        for student_id, entry in sheet_entries(register).items():
            count = self.counts.setdefault((student_id, month), Counter())
            count[entry.counted] += 1
            event = attendance_event(entry.verdict)
            if event in (TARDY, LEFT):
                count[event] += 1

    def students(self, names: Mapping[str, str]) -> list[str]:
        """Return all counted students in the order of names; the others follow by id."""
        place = {student_id: number for number, student_id in enumerate(names)}
        ids = {student_id for student_id, _ in self.counts}
        return sorted(ids, key=lambda one: (place.get(one, len(place)), one))

    def of(self, student_id: str, month: str) -> Counter[str]:
        """Return the counts of one student in one month."""
        return self.counts.get((student_id, month), Counter())

    def total(self, student_id: str) -> Counter[str]:
        """Return the counts of one student over all months."""
        return sum((self.of(student_id, month) for month in self.months), Counter())


@dataclass(frozen=True, slots=True)
class TermLesson:
    """One student in one lesson, as an Ed-Fi event."""

    start: datetime
    end: datetime
    lesson: Lesson
    student_id: str
    entry: SheetEntry
    event: AttendanceEvent


def events_of(register: Register, zone: tzinfo) -> Iterator[TermLesson]:
    """Yield the events that the office needs: absent, tardy, left early; not for rehearsals."""
    if register.lesson.origin != "timetable":
        return
    start, end = register.lesson.start.astimezone(zone), register.lesson.end.astimezone(zone)
    for student_id, entry in sheet_entries(register).items():
        event = attendance_event(entry.verdict)
        if event is not None and event != IN_ATTENDANCE:
            yield TermLesson(start, end, register.lesson, student_id, entry, event)


__all__ = ["MARKS", "Months", "TermLesson", "events_of", "term_sheet"]
