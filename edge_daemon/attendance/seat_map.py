"""Finds rows and seats of students from the positions of their faces in the pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

from edge_daemon.types import Box, RoomSeat, Sighting

_ROW_GAP: Final = 0.7
"""A new row begins if the next face is lower by this multiple of its height."""


def usual_boxes(sightings: Iterable[Sighting]) -> dict[str, Box]:
    """Return the median box of each student's face, by id, without unknown faces."""
    found: defaultdict[str, list[Box]] = defaultdict(list)
    for one in sightings:
        if one.student_id:
            found[one.student_id].append(one.box)
    return {student_id: median_box(boxes) for student_id, boxes in found.items()}


def room_seats(boxes: Mapping[str, Box]) -> dict[str, RoomSeat]:
    """Return row and seat of each student: rows from bottom to top, seats from left to right in the picture.

    Seats are counted among the given students, because empty seats are unknown.
    """
    by_height = sorted(boxes, key=lambda one: (-_middle_y(boxes[one]), one))
    rows: list[list[str]] = []
    for student_id in by_height:
        box = boxes[student_id]
        if rows and _middle_y(boxes[rows[-1][-1]]) - _middle_y(box) < _ROW_GAP * box.h:
            rows[-1].append(student_id)
        else:
            rows.append([student_id])
    return {
        student_id: RoomSeat(row, seat)
        for row, students in enumerate(rows, 1)
        for seat, student_id in enumerate(sorted(students, key=lambda one: (boxes[one].x, one)), 1)
    }


def median_box(boxes: Sequence[Box]) -> Box:
    """Return the box with the median x, y, width and height of boxes; there must be at least one box."""
    return Box(*(median(getattr(box, side) for box in boxes) for side in ("x", "y", "w", "h")))


def _middle_y(box: Box) -> float:
    return box.y + box.h / 2
