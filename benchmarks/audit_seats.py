"""Seats of composed lessons: the audit's result from a few captures, and what the other captures show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from benchmarks.audit_captures import Capture
from benchmarks.lesson_truth import TrueFace
from edge_daemon.app.audit.seat_finder import Seat, SeatObservation, find_seats

LOOKS = 5
"""Captures that the audit reads in a whole lesson. In a shorter lesson it reads half of the captures."""
_REACH, _SCALE = 0.9, 1.6
"""The same values as in attendance/evidence/seats.py."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A seat, and the results for the students' faces there in captures that the audit did not read."""

    lesson: str
    variant: str
    seat: Seat
    faces: int
    found: int
    hits: int
    """Number of faces that were named correctly from one capture alone."""


def outcomes(captures: Iterable[Capture]) -> list[Outcome]:
    """Return an outcome for each seat that the audit finds.

    A seat is left out if no student sits there in any capture that the audit did not read.
    """
    ordered = sorted(captures, key=lambda c: (c.lesson, c.variant, c.frame))
    result = []
    for (lesson, variant), group in groupby(ordered, key=lambda c: (c.lesson, c.variant)):
        own = list(group)
        wanted = LOOKS if len(own) > 2 * LOOKS else len(own) // 2
        chosen = {round(i) for i in np.linspace(0, len(own) - 1, wanted)}
        looks = [SeatObservation(i, s.face, s.light) for i in sorted(chosen) for s in own[i].seen]
        rest = [c for i, c in enumerate(own) if i not in chosen]
        result += [_outcome(lesson, variant, seat, seats, rest) for seats in [find_seats(looks)] for seat in seats]
    return [outcome for outcome in result if outcome.faces]


def _outcome(lesson: str, variant: str, seat: Seat, seats: Sequence[Seat], captures: Sequence[Capture]) -> Outcome:
    faces = found = hits = 0
    for capture in captures:
        seen = {s.truth: s for s in capture.seen if s.truth >= 0}
        for index, face in enumerate(capture.true):
            if face.kind != "student" or not _at(face, seat) or min(seats, key=lambda s: _away(face, s)) is not seat:
                continue
            faces += 1
            found += index in seen
            hits += index in seen and seen[index].alone == face.student_id
    return Outcome(lesson, variant, seat, faces, found, hits)


def _at(face: TrueFace, seat: Seat) -> bool:
    return _away(face, seat) <= _REACH and 1 / _SCALE < face.width_px / seat.width_px < _SCALE


def _away(face: TrueFace, seat: Seat) -> float:
    """Return the distance from a face to a seat, in face widths."""
    x, y, w, h = face.box
    dx = x + w / 2 - seat.box.x - seat.box.w / 2
    dy = y + h / 2 - seat.box.y - seat.box.h / 2
    return float(np.hypot(dx, dy) / max(face.width_px, seat.width_px))
