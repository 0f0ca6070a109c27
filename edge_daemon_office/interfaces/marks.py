"""Marks for other systems: each has one state, which takes excuses and flags into account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from edge_daemon_office.decisions.models import Excuse
from edge_daemon_office.pages.excused import excused_days, is_excused
from edge_daemon_office.registers.models import Mark
from edge_daemon_office.registers.months import between

_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class StatedMark:
    """A mark with its state, and the code of the excuse, empty if there is none."""

    mark: Mark
    state: str
    """One of settings.STATES."""
    excuse_code: str


def state_of(mark: Mark, excuses: Sequence[Excuse]) -> str:
    """Return the state of a mark, with the words of shared/attendance/edfi.py.

    A correction to "present" is neither late nor early departure: its flags are those that the device measured.
    """
    if mark.standing == "absent":
        return "excused" if is_excused(excuses, mark.day) else "absent"
    flags = mark.flags.split()
    if mark.verdict == "present" and mark.standing == "present" and "corrected" not in flags:
        if "late" in flags:
            return "late"
        if "left_early" in flags:
            return "left_early"
    return str(mark.standing)


def stated_marks(school: str, first: date, last: date, **wanted: Any) -> Iterator[StatedMark]:
    """Yield the counted marks of a period by time, lesson and student."""
    excuses = excused_days(school, first, last)
    rows = Mark.objects.filter(school=school, **between(first, last), is_counted=True, **wanted)
    for mark in rows.order_by("day", "start", "lesson_id", "student_id").iterator(chunk_size=_CHUNK):
        own = excuses.get(mark.student_id, [])
        code = next((one.code for one in own if one.first_day <= mark.day <= one.last_day), "")
        yield StatedMark(mark, state_of(mark, own), code)
