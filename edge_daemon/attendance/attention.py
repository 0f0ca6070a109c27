"""Whether a student faces the front of the class: all that a picture can tell of attention, and no more is claimed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge_daemon.types import Candidate, Pose

SHUT_CAPTURES = 3
"""Eyes shut in so many captures of a student in a row count as inattentive; fewer are blinks."""


def ray_deg(x_px: float, width_px: int, field_of_view_deg: float) -> float:
    """Return the angle between the camera's axis and the ray to a point of the picture, > 0 right of the middle.

    A head that looks along the axis is seen turned by this angle: the camera sees it from the side (pinhole model).

    Args:
        x_px: the point, from the left.
        width_px: of the picture.
        field_of_view_deg: of the lens, horizontal, below 180; 0: not known, the axis stands for every ray.
    """
    half_width = math.tan(math.radians(field_of_view_deg) / 2)
    return math.degrees(math.atan((2 * x_px / width_px - 1) * half_width))


def faces_front(pose: Pose | None, front_yaw_deg: float, max_yaw_deg: float) -> bool:
    """Say whether a head is turned towards the front of the class.

    Looking down, as in writing, is no matter. A face too small to tell has the benefit of the doubt.

    Args:
        pose: as seen from the camera; None where the face is too small to tell.
        front_yaw_deg: yaw of a head at that place that faces the front, as seen from the camera.
        max_yaw_deg: how far the head may be turned from there.
    """
    return pose is None or abs(pose.yaw_deg - front_yaw_deg) <= max_yaw_deg


def shut_for_long(faces: Sequence[Candidate]) -> list[bool]:
    """Say for each face of one student, ordered by slot, whether it is in a run of captures with shut eyes.

    A face too small to tell ends no run and is in none.
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
