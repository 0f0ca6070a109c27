"""Records check-ins at the door in a register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from edge_daemon.types import Tally, Verdict

EARLY: Final = timedelta(minutes=15)
"""A check-in at most this long before a lesson belongs to the lesson."""


def checked_in_unseen(tallies: Iterable[Tally], check_ins: Mapping[str, datetime]) -> frozenset[str]:
    """Return the students who checked in but are in no capture; the device can't know whether they stayed."""
    return frozenset(one.student_id for one in tallies if one.student_id in check_ins and not one.captures_seen)


def with_check_ins(verdicts: Iterable[Verdict], check_ins: Mapping[str, datetime]) -> tuple[Verdict, ...]:
    """Return verdicts with the times of check-ins; the verdicts themselves do not change."""
    return tuple(replace(one, checked_in_at=check_ins.get(one.tally.student_id)) for one in verdicts)
