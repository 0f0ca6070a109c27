"""What a check-in at the door means for a lesson: its time stands in the register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from edge_daemon.types import Tally, Verdict

EARLY: Final = timedelta(minutes=15)
"""A check-in so long before the lesson is for this lesson."""


def checked_in_unseen(tallies: Iterable[Tally], check_ins: Mapping[str, datetime]) -> frozenset[str]:
    """Return who checked in and was in no capture: the device can't say whether they stayed."""
    return frozenset(one.student_id for one in tallies if one.student_id in check_ins and not one.captures_seen)


def with_check_ins(verdicts: Iterable[Verdict], check_ins: Mapping[str, datetime]) -> tuple[Verdict, ...]:
    """Return verdicts with the times of check-ins; the verdicts themselves stay the rule's."""
    return tuple(replace(one, checked_in_at=check_ins.get(one.tally.student_id)) for one in verdicts)
