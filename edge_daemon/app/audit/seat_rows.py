"""Seats with the accuracy to expect of them, and the rows that they form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.app.audit.expected_accuracy import ExpectedAccuracy, expected
from edge_daemon.app.audit.optics import Optics
from edge_daemon.app.audit.seat_finder import Seat, find_rows


@dataclass(frozen=True, slots=True)
class RatedSeat:
    """A seat and the accuracy to expect of it."""

    seat: Seat
    expected: ExpectedAccuracy


@dataclass(frozen=True, slots=True)
class SeatRow:
    """Seats at about the same distance from the camera."""

    number: int
    """Number of the row; 1 is the nearest to the camera."""
    seats: tuple[RatedSeat, ...]
    """The seats from left to right."""
    distance_m: float
    """Estimated distance from the camera."""

    def mean(self, value: Callable[[RatedSeat], float]) -> float:
        """Return the mean of a value over the seats."""
        return float(np.mean([value(seat) for seat in self.seats]))

    @property
    def width_px(self) -> float:
        """Mean width of the faces."""
        return self.mean(lambda s: s.seat.width_px)

    @property
    def narrowest_px(self) -> float:
        """Width of the narrowest face."""
        return min(s.seat.width_px for s in self.seats)

    @property
    def widest_px(self) -> float:
        """Width of the widest face."""
        return max(s.seat.width_px for s in self.seats)

    @property
    def sharpness(self) -> float:
        """Mean sharpness of the faces, 0 to 1."""
        return self.mean(lambda s: s.seat.sharpness)

    @property
    def luma(self) -> float:
        """Mean light on the faces, 0 to 255."""
        return self.mean(lambda s: s.seat.light.luma)

    @property
    def hit(self) -> float:
        """Mean of the expected hit rate of one capture, 0 to 1."""
        return self.mean(lambda s: s.expected.hit)

    @property
    def register(self) -> float:
        """Mean of the expected probability of a right verdict, 0 to 1."""
        return self.mean(lambda s: s.expected.register)


def rate_seats(seats: Sequence[Seat], optics: Optics) -> tuple[SeatRow, ...]:
    """Return the rows, the furthest first."""
    groups = find_rows(seats)
    rows = []
    for number, group in zip(range(len(groups), 0, -1), groups, strict=True):
        rated = tuple(RatedSeat(seat, expected(seat)) for seat in group)
        distance = optics.distance_m(float(np.median([seat.width_px for seat in group])))
        rows.append(SeatRow(number, rated, distance))
    return tuple(rows)
