"""Decides whether a student faces the front of the class. This is all that a picture can show of attention."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge_daemon.types import Candidate, Pose

SHUT_CAPTURES = 3
"""Consecutive captures of a student with shut eyes that count as inattentive; fewer are blinks."""


def ray_deg(x_px: float, width_px: int, field_of_view_deg: float) -> float:
    """Return the angle between the camera's axis and the line of sight to a point; positive to the right of the middle.

    A head that looks along the axis appears turned by this angle, because the camera sees it from the side (pinhole
    model).

    Args:
        x_px: the point, from the left.
        width_px: width of the picture.
        field_of_view_deg: horizontal field of view of the lens, below 180; 0: not known, every point gets the angle 0.
    """
    half_width = math.tan(math.radians(field_of_view_deg) / 2)
    return math.degrees(math.atan((2 * x_px / width_px - 1) * half_width))


def faces_front(pose: Pose | None, front_yaw_deg: float, max_yaw_deg: float) -> bool:
    """Return whether a head is turned towards the front of the class.

    Looking down, as in writing, is ignored. A face that is too small to measure counts as facing the front.

    Args:
        pose: head turn as seen from the camera; None for a face that is too small to measure.
        front_yaw_deg: yaw of a head at that place that faces the front, as seen from the camera.
        max_yaw_deg: largest turn from there.
    """
    return pose is None or abs(pose.yaw_deg - front_yaw_deg) <= max_yaw_deg


def shut_for_long(faces: Sequence[Candidate]) -> list[bool]:
    """Return for each face of one student, ordered by slot, whether it is in a run of captures with shut eyes.

    A face that is too small to measure neither ends a run nor belongs to one.
    """
    result = [False] * len(faces)
    run: list[int] = []
    for index, face in enumerate(faces):
        if face.eyes_open is None:
            continue
        run = [] if face.eyes_open else [*run, index]
        if len(run) >= SHUT_CAPTURES:
            for member in run:
                result[member] = True
    return result
