"""Writes the term's figures: a line for each student and course, as the page *Low attendance* counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from django.db.models import Sum

from edge_daemon_office.home import School
from edge_daemon_office.interfaces.csv_export import safe, write_whole
from edge_daemon_office.pages.excused import excused_days, is_excused
from edge_daemon_office.registers.models import DayTally, Student
from edge_daemon_office.scope import use_school

COLUMNS: Final = (
    *("student_id", "name", "course", "present", "absent", "excused", "to_confirm", "not_assessed", "rate_percent"),
)
_COUNTS: Final = ("present", "absent", "to_confirm", "not_assessed")


def write_term(school: School, first: date, last: date, target: Path) -> int:
    """Write the figures of a period as CSV, as a whole or not at all; return the number of students' lines.

    `absent` includes `excused`. `rate_percent` is the share of presences among the decided lessons; it is empty if no
    lesson is decided.

    Raises:
        OfficeError: the file can't be written.
    """
    use_school(school.school)
    return write_whole(target, "utf-8-sig", ",", COLUMNS, _rows(school.school, first, last))


def _rows(school: str, first: date, last: date) -> Iterator[list[str]]:
    names = dict(Student.objects.filter(school=school).values_list("student_id", "name"))
    excused = _excused(school, first, last)
    tallies = DayTally.objects.filter(school=school, day__gte=first, day__lte=last)
    sums = tallies.values("student_id", "course").annotate(**{f"sum_{name}": Sum(name) for name in _COUNTS})
    for row in sums.order_by("course", "student_id").iterator():
        present, absent, *others = (row[f"sum_{name}"] for name in _COUNTS)
        student_id, course, decided = row["student_id"], row["course"], present + absent
        yield [
            *(safe(student_id), safe(names.get(student_id, "")), safe(course)),
            *map(str, (present, absent, excused[student_id, course], *others)),
            f"{100 * present / decided:.1f}" if decided else "",
        ]


def _excused(school: str, first: date, last: date) -> Counter[tuple[str, str]]:
    """Return the excused absences by student and course."""
    excuses, found = excused_days(school, first, last), Counter[tuple[str, str]]()
    tallies = DayTally.objects.filter(school=school, day__gte=first, day__lte=last, absent__gt=0)
    for student_id, own in excuses.items():
        for day, course, absent in tallies.filter(student_id=student_id).values_list("day", "course", "absent"):
            if is_excused(own, day):
                found[student_id, course] += absent
    return found
