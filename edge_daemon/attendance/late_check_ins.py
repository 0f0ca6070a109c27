"""Adds check-ins that arrive after the register was made, from a separate computer at the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from edge_daemon.attendance.checked_in import EARLY
from edge_daemon.types import Register, Verdict


def late_check_ins(register: Register, check_ins: Sequence[tuple[str, datetime]]) -> Register:
    """Return the next revision of a register with new check-ins; the register itself if there are none.

    A student who is absent, in no capture and not corrected by a person becomes `inconclusive`. No other verdict
    changes.

    Args:
        register: the newest revision.
        check_ins: student ids and times; those of other lessons are ignored.
    """
    lesson = register.lesson
    new: dict[str, datetime] = {}
    for student_id, at in check_ins:
        if lesson.start - EARLY <= at <= lesson.end:
            new[student_id] = min(at, new.get(student_id, at))
    verdicts = tuple(_checked_in(one, new.get(one.tally.student_id)) for one in register.verdicts)
    if verdicts == register.verdicts:
        return register
    return replace(register, revision=register.revision + 1, verdicts=verdicts)


def _checked_in(verdict: Verdict, at: datetime | None) -> Verdict:
    if at is None or (verdict.checked_in_at is not None and verdict.checked_in_at <= at):
        return verdict
    is_unseen = verdict.verdict == "absent" and not verdict.tally.captures_seen and "corrected" not in verdict.flags
    return replace(verdict, checked_in_at=at, verdict="inconclusive" if is_unseen else verdict.verdict)
