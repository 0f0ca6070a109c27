"""Finds the front of the class: the direction in which most heads are turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.app.audit.optics import Optics
from edge_daemon.app.audit.seat_finder import Seat

MIN_HEADS = 6
AGREE_DEG = 20.0
AGREE_SHARE = 0.7
"""The front is known if at least `AGREE_SHARE` of the heads lie within `AGREE_DEG` of their median.

Pupils who talk to each other turn their heads in too many directions for that.
"""


@dataclass(frozen=True, slots=True)
class FrontDirection:
    """The direction of the class's front, as the turn of the heads shows it."""

    heads: int
    """Number of seats whose face is large enough to measure."""
    agree: int
    """Number of heads within `AGREE_DEG` of the median."""
    median_yaw_deg: float

    @property
    def yaw_deg(self) -> int | None:
        """The value for `attention.front_yaw_deg`; None if too few heads agree."""
        enough = self.heads >= MIN_HEADS and self.agree >= AGREE_SHARE * self.heads
        return round(self.median_yaw_deg) if enough else None


def find_front(seats: Sequence[Seat], optics: Optics | None = None) -> FrontDirection:
    """Return the direction in which most heads are turned, measured in the same way as in a lesson.

    Args:
        seats: the seats of the room.
        optics: gives the direction from the camera to each seat, which is subtracted from the yaw of the head there.
            If None, the yaw counts from the camera's axis.
    """
    yaws = np.array([seat.yaw_deg - _ray_deg(seat, optics) for seat in seats if seat.yaw_deg is not None])
    if not len(yaws):
        return FrontDirection(0, 0, 0.0)
    median = float(np.median(yaws))
    return FrontDirection(len(yaws), int((np.abs(yaws - median) <= AGREE_DEG).sum()), median)


def _ray_deg(seat: Seat, optics: Optics | None) -> float:
    return 0.0 if optics is None else optics.angle_deg(seat.box.x + seat.box.w / 2 - optics.width_px / 2)
