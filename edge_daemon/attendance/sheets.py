"""Arranges registers for an office: one sheet for each week or month, students in rows, lessons in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final, Literal

from edge_daemon.attendance.doubt import awaits_confirmation, is_cancelled, standing
from edge_daemon.attendance.rule import distance_to_rule, was_looked_for
from edge_daemon.attendance.week import ISO_WEEK, SchoolWeek
from edge_daemon.types import AppliedRule, Correction, Lesson, Register, Verdict, VerdictName

By = Literal["week", "month"]
Split = Literal["none", "class", "room"]
"""Whether each class or each room has its own sheets."""

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
    """Text of the note at the column's heading; if empty, the note has the lesson's id and captures."""
    rules: tuple[str, ...] = ()
    """The rules that decided the lesson, in words; several if lessons with different rules share the column."""


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """The register's data of one student in one lesson."""

    verdict: Verdict
    correction: Correction | None
    """The last correction, if there is one."""
    captures_taken: int = 0
    distance: int | None = None
    """Captures above the rule's requirement, negative below it; None without a comparison, see `distance_to_rule`."""
    looked_for: bool = True
    """Whether the device looked for the student, see `was_looked_for`."""

    @property
    def needed(self) -> int | None:
        """Captures in which the rule requires a student to face the class; None if `distance` is None."""
        return None if self.distance is None else self.verdict.tally.captures_attentive - self.distance

    @property
    def mark(self) -> str:
        """P, A, ? or –; P? and A? if the device has a doubt that no person has resolved."""
        letter = MARKS[self.verdict.verdict]
        doubted = standing(self.verdict) == "to_confirm" and self.verdict.verdict != "inconclusive"
        return f"{letter}?" if doubted else letter

    @property
    def counted(self) -> str:
        """The mark used for counting: `P?` and `A?` are counted as `?` (to confirm)."""
        return "?" if self.mark.endswith("?") else self.mark


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A student of a sheet."""

    student_id: str
    name: str
    """The student's name; empty if the gallery can't be read."""
    entries: tuple[SheetEntry | None, ...]
    """One entry for each column; None if the student does not belong to that lesson's course."""


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
    part: str = ""
    """The class or room of the sheet; empty if the sheet has all of them."""
    counts_rehearsals: bool = False
    """Whether totals include rehearsals: only on a sheet without other lessons."""

    @property
    def counted(self) -> list[int]:
        """Indices of the columns that totals include: timetable lessons, or all if `counts_rehearsals` is True."""
        return [
            number
            for number, column in enumerate(self.columns)
            if self.counts_rehearsals or column.lesson.origin == "timetable"
        ]


def arrange(
    registers: Iterable[Register],
    names: Mapping[str, str],
    zone: tzinfo,
    by: By,
    week: SchoolWeek = ISO_WEEK,
    split: Split = "none",
) -> Iterator[Sheet]:
    """Yield the sheets of registers in order of time; within one period in order of classes or rooms.

    Args:
        registers: one for each lesson.
        names: names by student id, which define the order; further students follow by id.
        zone: the school's time zone, which defines days and weeks.
        by: the period of a sheet.
        week: the school's week.
        split: whether each class or room has its own sheet.
    """
    place = {student_id: number for number, student_id in enumerate(names)}
    in_order = sorted(registers, key=lambda r: (r.lesson.start, r.lesson.lesson_id))
    for name, group in groupby(in_order, key=lambda r: period(r.lesson.start.astimezone(zone), by, week)):
        for part, lessons in parts(group, split):
            first, last = days_of(lessons, zone, by, week)
            yield Sheet(
                name=name,
                first_day=first,
                last_day=last,
                device=", ".join(sorted({r.lesson.device for r in lessons})),
                columns=tuple(_column(r, zone) for r in lessons),
                rows=tuple(_rows(lessons, names, place)),
                part=part,
                counts_rehearsals=all(r.lesson.origin == "rehearsal" for r in lessons),
            )


def parts(registers: Iterable[Register], split: Split) -> list[tuple[str, list[Register]]]:
    """Return name and registers of each class or room, sorted by name; without a split, all under an empty name."""
    found: dict[str, list[Register]] = {}
    for register in registers:
        lesson = register.lesson
        name = {"none": "", "class": lesson.course or "all students", "room": lesson.device}[split]
        found.setdefault(name, []).append(register)
    return sorted(found.items())


def days_of(
    registers: Sequence[Register], zone: tzinfo, by: By, week: SchoolWeek = ISO_WEEK
) -> tuple[datetime, datetime]:
    """Return the first and the last day of a sheet: those of its month, or those of its week.

    A weekend without lessons at either end of the week is left out.
    """
    starts = [register.lesson.start.astimezone(zone) for register in registers]
    first, last = span(starts[0], by, week)
    return week.school_days(first, last, starts) if by == "week" else (first, last)


def entries_of(register: Register) -> dict[str, SheetEntry]:
    """Return the entries of a register, by student id."""
    corrections = {c.student_id: c for c in register.corrections}  # the last correction of a student applies
    return {
        verdict.tally.student_id: SheetEntry(
            verdict,
            corrections.get(verdict.tally.student_id),
            register.captures_taken,
            distance_to_rule(register, verdict),
            was_looked_for(register, verdict),
        )
        for verdict in register.verdicts
    }


def rule_in_words(rule: AppliedRule) -> str:
    """Return a register's rule in words."""
    models = ", ".join(sorted(set(rule.models.values())))
    return (
        f"present from {100 * rule.share:g} % of the pictures on, head turned {rule.max_yaw_deg:g}° from the front at"
        f" most, {100 * rule.min_captures_share:g} % of the planned pictures at least; program {rule.program}"
        + (f", networks {models}" if models else "")
    )


def rules_of(registers: Iterable[Register]) -> tuple[str, ...]:
    """Return the distinct rules of registers in words; registers without their rule add none."""
    return tuple(dict.fromkeys(rule_in_words(register.rule) for register in registers if register.rule is not None))


def sheet_entries(register: Register) -> dict[str, SheetEntry]:
    """Return a register's entries for a sheet, by student id; empty if the lesson was not held."""
    return {} if is_cancelled(register) else entries_of(register)


def _rows(lessons: Sequence[Register], names: Mapping[str, str], place: Mapping[str, int]) -> Iterator[SheetRow]:
    by_lesson = [sheet_entries(register) for register in lessons]
    student_ids = {student_id for entries in by_lesson for student_id in entries}
    for student_id in sorted(student_ids, key=lambda one: (place.get(one, len(place)), one)):
        yield SheetRow(student_id, names.get(student_id, ""), tuple(entries.get(student_id) for entries in by_lesson))


def _column(register: Register, zone: tzinfo) -> Column:
    lesson = register.lesson
    start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
    return Column(
        lesson,
        start,
        end,
        register.captures_taken,
        register.captures_planned,
        column_note(register),
        rules_of([register]),
    )


def column_note(register: Register) -> str:
    """Return the note at the heading of a lesson's column; empty if there is nothing to note."""
    masks = "" if register.mask is None else f"masks in the room: {register.mask.in_words()}"
    state = "\n".join(filter(None, (lesson_state(register), masks)))
    if not state:
        return ""
    return f"{register.lesson.lesson_id}\n{register.captures_taken} of {register.captures_planned} captures\n{state}"


def lesson_state(register: Register) -> str:
    """Return in words why a lesson is unusual and what the office said; empty for any other lesson."""
    flags, said = ", ".join(flag.replace("_", " ") for flag in register.register_flags), register.confirmed
    if said is not None:
        return f"{'held' if said.held else 'not held'}, said {said.by}" + (f" ({flags})" if flags else "")
    return f"unusual ({flags}): nobody has said whether it was held" if awaits_confirmation(register) else flags


def period(start: datetime, by: By, week: SchoolWeek = ISO_WEEK) -> str:
    """Return the name of the week or month of a local time."""
    return week.name(start) if by == "week" else f"{start:%Y-%m}"


def span(day: datetime, by: By, week: SchoolWeek = ISO_WEEK) -> tuple[datetime, datetime]:
    """Return the first and the last day of the week or month of a local time."""
    if by == "week":
        begin = week.begin(day)
        return begin, begin + timedelta(days=6)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
