"""What is to be expected of a face, from measured lessons (benchmarks/audit.py, docs/AUDIT.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.app.audit.face_light import FaceLight
from edge_daemon.app.audit.seat_finder import Seat

LEAST_PX, GOOD_PX = 26.0, 40.0
"""The limits of face width that rows are held against: enough for a register, and comfortable."""

# "table" of benchmarks/results/audit.json; tests/app/audit/test_expected_accuracy.py holds the two together.
WIDTHS_PX = (14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 32.0, 36.0, 42.0, 50.0, 60.0, 80.0)
FOUND = (0.832, 0.882, 0.882, 0.882, 0.982, 0.982, 0.982, 0.987, 0.995, 0.995, 0.995, 0.996, 0.996, 0.996)
HIT = (0.112, 0.263, 0.307, 0.309, 0.422, 0.498, 0.53, 0.626, 0.754, 0.857, 0.871, 0.939, 0.947, 0.947)
REGISTER = (0.083, 0.083, 0.083, 0.438, 0.883, 0.883, 0.883, 0.883, 0.957, 0.957, 0.957, 0.957, 0.979, 0.979)
SHARPNESS = (0.637, 0.593, 0.571, 0.549, 0.529, 0.495, 0.495, 0.503, 0.465, 0.446, 0.426, 0.385, 0.377, 0.411)
"""Of faces in focus: small ones are all edges."""


@dataclass(frozen=True, slots=True)
class AccuracyFactors:
    """What blur and light take from a face, as a share of its width ("worth" of benchmarks/results/audit.json)."""

    soft: float = 0.9
    """Share of the usual sharpness down to which a face has its full worth."""
    blind: float = 0.45
    """Share of the usual sharpness at which nothing is left."""
    dark_luma: float = 100.0
    """Light below which a face loses worth."""
    dark_power: float = 0.6
    """How fast it does."""
    burnt_loss: float = 0.7
    """Share of the worth that is lost with the whole face burnt out."""

    def in_focus(self, width_px: float, sharpness: float) -> float:
        """Return which share of its width a face of this sharpness is worth."""
        usual = float(np.interp(np.log(max(width_px, 1.0)), np.log(WIDTHS_PX), SHARPNESS))
        return float(np.clip((sharpness / usual - self.blind) / (self.soft - self.blind), 0.1, 1.0))

    def in_light(self, luma: float) -> float:
        """Return which share of its width a face in this light is worth."""
        return float(min(1.0, (max(luma, 1.0) / self.dark_luma) ** self.dark_power))

    def unburnt(self, clipped: float) -> float:
        """Return which share of its width a face is worth of which so much is burnt out or black."""
        return 1.0 - self.burnt_loss * clipped

    def px(self, width_px: float, sharpness: float, light: FaceLight) -> float:
        """Return the width of a sharp, well-lit face that is as good as this one."""
        return width_px * self.in_focus(width_px, sharpness) * self.in_light(light.luma) * self.unburnt(light.clipped)


WORTH = AccuracyFactors()


@dataclass(frozen=True, slots=True)
class ExpectedAccuracy:
    """Shares of the captures in which somebody is there and can be seen, 0 to 1."""

    gain_px: float
    """Width of a sharp, well-lit face that is as good as this one."""
    found: float
    """The face is found."""
    hit: float
    """It is found, and this one capture is enough to name it rightly."""
    register: float
    """A student who can be seen in most captures gets the right verdict."""


def expected(seat: Seat) -> ExpectedAccuracy:
    """Return what the face of a seat can give."""
    return expected_of(WORTH.px(seat.width_px, seat.sharpness, seat.light))


def expected_of(gain_px: float) -> ExpectedAccuracy:
    """Return what a sharp and well-lit face of a width can give."""
    return ExpectedAccuracy(gain_px, *(by_width(gain_px, WIDTHS_PX, row) for row in (FOUND, HIT, REGISTER)))


def by_width(px: float, widths_px: Sequence[float], rates: Sequence[float]) -> float:
    """Return a rate by the logarithm of the width; below the measured widths it falls with the face's area."""
    rate = np.interp(np.log(max(px, 1.0)), np.log(widths_px), rates)
    return float(rate * min(1.0, (px / widths_px[0]) ** 2))
