"""Decides whether a student faces the front of the class. This is all that a picture can show of attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from edge_daemon.types import Candidate, Pose

MOMENTS = 5
"""Number of moments of a lesson at which eyes are measured."""
CAPTURES_A_MOMENT = 4
"""Number of consecutive captures in which eyes are measured, at each of the `MOMENTS`."""
SHUT_CAPTURES = 3
"""Least number of consecutive captures with shut eyes that count as inattentive; fewer are blinks."""
SHUT_RISE = 0.28
"""Eyes count as shut if they are this much more closed than the student's median in the lesson.

With this limit and `SHUT_LEAST`, the eyes in about 4 % of 281 press photographs of 40 people count as shut. Some of
these people do blink or look down (`benchmarks.eyes`).
"""
SHUT_LEAST = 0.36
"""Least closure of eyes that count as shut, from 0 (open) to 1 (shut)."""


def ray_deg(x_px: float, width_px: int, field_of_view_deg: float) -> float:
    """Return the angle between the camera's axis and the line of sight to a point; positive to the right of the middle.

    A head that looks along the axis appears turned by this angle, because the camera sees it from the side (pinhole
    model).

    Args:
        x_px: distance of the point from the left edge of the picture.
        width_px: width of the picture.
        field_of_view_deg: horizontal field of view of the lens, below 180. If 0, it is unknown, and the angle is 0.
    """
    half_width = math.tan(math.radians(field_of_view_deg) / 2)
    return math.degrees(math.atan((2 * x_px / width_px - 1) * half_width))


def faces_front(pose: Pose | None, front_yaw_deg: float, max_yaw_deg: float) -> bool:
    """Return whether a head is turned towards the front of the class.

    Looking down, as in writing, is ignored. A face that is too small to measure counts as facing the front.

    Args:
        pose: head turn as seen from the camera; None for a face that is too small to measure.
        front_yaw_deg: yaw of a head at that place that faces the front, as seen from the camera.
        max_yaw_deg: largest difference from `front_yaw_deg`.
    """
    return pose is None or abs(pose.yaw_deg - front_yaw_deg) <= max_yaw_deg


def looks_at_eyes(slot: int, captures: int) -> bool:
    """Return whether eyes are measured in a capture: in all of a short lesson, else at five moments.

    The moments are spread evenly over the lesson, and each has four captures in a row.

    Args:
        slot: number of the capture, from 0.
        captures: number of captures of the whole lesson.
    """
    if captures <= MOMENTS * CAPTURES_A_MOMENT:
        return True
    return any(slot in range(first, first + CAPTURES_A_MOMENT) for first in _first_slots(captures))


def _first_slots(captures: int) -> list[int]:
    return [(2 * moment + 1) * captures // (2 * MOMENTS) - CAPTURES_A_MOMENT // 2 for moment in range(MOMENTS)]


def shut_for_long(faces: Sequence[Candidate]) -> list[bool]:
    """Return for each face of one student, ordered by slot, whether it is in a run of shut eyes.

    A run has three or more captures of one moment (`looks_at_eyes`) in a row.

    Eyes differ, so shut means more closed than the student's own median, which is not stored. A face whose eyes were
    not measured neither ends a run nor belongs to one.
    """
    result = [False] * len(faces)
    measured = [
        (i, face.traits.eyes.both) for i, face in enumerate(faces) if face.traits.eyes and not _hides_eyes(face)
    ]
    if len(measured) < SHUT_CAPTURES:
        return result
    limit = max(median(shut for _, shut in measured) + SHUT_RISE, SHUT_LEAST)
    run: list[int] = []
    for index, shut in measured:
        if run and faces[index].slot - faces[run[-1]].slot >= CAPTURES_A_MOMENT:
            run = []  # the next moment
        run = [*run, index] if shut >= limit else []
        if len(run) >= SHUT_CAPTURES:
            for member in run:
                result[member] = True
    return result


def _hides_eyes(face: Candidate) -> bool:
    """Return whether the eyes are covered, as by dark glasses, so that their measurement is a guess."""
    visible = face.traits.visible
    return visible is not None and visible.part == "upper_hidden"
