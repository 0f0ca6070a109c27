"""The accuracy to expect for a face, from measured lessons (benchmarks/audit.py, docs/AUDIT.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.app.audit.face_light import FaceLight
from edge_daemon.app.audit.seat_finder import Seat

LEAST_PX = 26.0
"""Least face width that is enough for a register."""
GOOD_PX = 40.0
"""Face width that is enough for a register with a reserve."""

# "table" of benchmarks/results/audit.json; tests/app/audit/test_expected_accuracy.py checks that both agree.
WIDTHS_PX = (14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 32.0, 36.0, 42.0, 50.0, 60.0, 80.0)
FOUND = (0.832, 0.882, 0.882, 0.882, 0.982, 0.982, 0.982, 0.987, 0.995, 0.995, 0.995, 0.996, 0.996, 0.996)
HIT = (0.112, 0.263, 0.307, 0.309, 0.422, 0.498, 0.53, 0.626, 0.754, 0.857, 0.871, 0.939, 0.947, 0.947)
REGISTER = (0.083, 0.083, 0.083, 0.438, 0.883, 0.883, 0.883, 0.883, 0.957, 0.957, 0.957, 0.957, 0.979, 0.979)
SHARPNESS = (0.637, 0.593, 0.571, 0.549, 0.529, 0.495, 0.495, 0.503, 0.465, 0.446, 0.426, 0.385, 0.377, 0.411)
"""Sharpness of faces in focus, for each of `WIDTHS_PX`. Small faces are sharper, as they consist mostly of edges."""


@dataclass(frozen=True, slots=True)
class AccuracyFactors:
    """Factors from which the effective width of a face follows if it is blurred or in bad light.

    The effective width of a face is the width of a sharp, well-lit face that is recognised as well.
    benchmarks/results/audit.json has the factors under "worth".
    """

    soft: float = 0.9
    """Share of the usual sharpness above which a face loses nothing."""
    blind: float = 0.45
    """Share of the usual sharpness at which a face has lost everything."""
    dark_luma: float = 100.0
    """Mean luma of a face (0 to 255) below which its effective width is smaller than its width."""
    dark_power: float = 0.6
    """Below `dark_luma` a width is multiplied by (luma / `dark_luma`) to this power."""
    burnt_loss: float = 0.7
    """Share of a face's width that is lost if the whole face is burnt out."""

    def in_focus(self, width_px: float, sharpness: float) -> float:
        """Return the share of a face's width that is effective at this sharpness, 0.1 to 1."""
        usual = float(np.interp(np.log(max(width_px, 1.0)), np.log(WIDTHS_PX), SHARPNESS))
        return float(np.clip((sharpness / usual - self.blind) / (self.soft - self.blind), 0.1, 1.0))

    def in_light(self, luma: float) -> float:
        """Return the share of a face's width that is effective at this mean luma (0 to 255)."""
        return float(min(1.0, (max(luma, 1.0) / self.dark_luma) ** self.dark_power))

    def unburnt(self, clipped: float) -> float:
        """Return the factor by which burnt-out or black pixels reduce the effective width of a face.

        `clipped` is the share of such pixels.
        """
        return 1.0 - self.burnt_loss * clipped

    def px(self, width_px: float, sharpness: float, light: FaceLight) -> float:
        """Return the effective width of a face in pixels."""
        return width_px * self.in_focus(width_px, sharpness) * self.in_light(light.luma) * self.unburnt(light.clipped)


WORTH = AccuracyFactors()


@dataclass(frozen=True, slots=True)
class ExpectedAccuracy:
    """The accuracy to expect for a person. The shares, 0 to 1, are of the captures in which the person can be seen."""

    worth_px: float
    """Effective width of the person's face."""
    found: float
    """Share of captures in which the face is found."""
    hit: float
    """Share of captures in which the face is found and can be named correctly from that capture alone."""
    register: float
    """Probability that a student who can be seen in most captures gets the right verdict."""


def expected(seat: Seat) -> ExpectedAccuracy:
    """Return the accuracy to expect for a seat."""
    return expected_of(WORTH.px(seat.width_px, seat.sharpness, seat.light))


def expected_of(worth_px: float) -> ExpectedAccuracy:
    """Return the accuracy to expect for a face of this effective width."""
    return ExpectedAccuracy(worth_px, *(by_width(worth_px, WIDTHS_PX, row) for row in (FOUND, HIT, REGISTER)))


def by_width(px: float, widths_px: Sequence[float], rates: Sequence[float]) -> float:
    """Return the rate at the width `px`, interpolated over the logarithm of `widths_px`.

    Below the first of `widths_px` the rate falls with the square of the width.
    """
    rate = np.interp(np.log(max(px, 1.0)), np.log(widths_px), rates)
    return float(rate * min(1.0, (px / widths_px[0]) ** 2))
