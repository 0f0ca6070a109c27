"""The findings from which advice is made, and the words with which advice names seats and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.app.audit.expected_accuracy import expected_of
from edge_daemon.app.audit.front_direction import FrontDirection
from edge_daemon.app.audit.optics import Optics
from edge_daemon.app.audit.scene_light import Scene
from edge_daemon.app.audit.seat_rows import RatedSeat, SeatRow


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice."""

    code: str
    """Identifier for programs; it does not change."""
    text: str
    """A few sentences for people."""
    gain: float = 0.0
    """How much the mean hit rate of all seats would rise, 0 to 1."""


@dataclass(frozen=True, slots=True)
class AuditFindings:
    """All measurements of an audit."""

    optics: Optics
    rows: tuple[SeatRow, ...]
    """All rows, the furthest first."""
    scene: Scene
    front: FrontDirection
    turned_by_deg: int
    """Clockwise rotation of the picture that shows more upright faces; 0 if it is upright."""
    turned_faces: int
    """Number of faces found in the picture after this rotation."""

    @property
    def seats(self) -> list[RatedSeat]:
        """All seats."""
        return [seat for row in self.rows for seat in row.seats]

    def gain(self, better_px: Callable[[RatedSeat], float]) -> float:
        """Return how much the mean hit rate of all seats would rise, 0 to 1, if their faces had other widths.

        Args:
            better_px: returns the effective width that the face of a seat would have, in pixels.
        """
        return float(np.mean([expected_of(better_px(s)).hit - s.expected.hit for s in self.seats]))

    def who(self, seats: Sequence[RatedSeat]) -> str:
        """Return a subject such as "3 faces (rows 5, 6) are" for some seats."""
        return f"{faces(len(seats))} ({self._where(seats)}) {'is' if len(seats) == 1 else 'are'}"

    def _where(self, seats: Sequence[RatedSeat]) -> str:
        numbers = sorted({row.number for row in self.rows if any(s in row.seats for s in seats)})
        if len(numbers) == 1:
            return f"row {numbers[0]}"
        if len(numbers) == len(self.rows):
            return "all rows"
        together = len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1
        return f"rows {numbers[0]} to {numbers[-1]}" if together else f"rows {', '.join(map(str, numbers))}"


def faces(count: int) -> str:
    """Return "1 face" or "3 faces"."""
    return "1 face" if count == 1 else f"{count} faces"


def width_loss(seats: Sequence[RatedSeat]) -> str:
    """Return words that compare the mean effective width of the faces at some seats with their mean width."""
    width, as_good = (float(np.mean([of(s) for s in seats])) for of in (_width_px, _worth_px))
    return f"only as good as {as_good:.0f} px instead of {width:.0f}"


def _width_px(seat: RatedSeat) -> float:
    return seat.seat.width_px


def _worth_px(seat: RatedSeat) -> float:
    return seat.expected.worth_px
