"""What is to be expected of a face, from measured lessons (benchmarks/audit.py, docs/AUDIT.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_daemon.app.audit.light import Light
from edge_daemon.app.audit.seats import Seat

LEAST_PX, GOOD_PX = 26.0, 40.0
"""The limits of face width that rows are held against: enough for a register, and comfortable."""

# "table" of benchmarks/results/audit.json; tests/app/test_audit_expect.py holds the two together.
WIDTHS_PX = (14.0, 18.0, 22.0, 26.0, 32.0, 40.0, 56.0, 80.0)
FOUND = (0.1, 0.6, 0.9, 0.97, 0.99, 0.99, 0.99, 0.99)
HIT = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.95)
REGISTER = (0.0, 0.5, 0.8, 0.95, 0.97, 0.99, 0.99, 0.99)
SHARPNESS = (0.62, 0.57, 0.53, 0.5, 0.47, 0.43, 0.385, 0.39)
"""Of faces in focus: small ones are all edges."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What blur and light take from a face, as a share of its width ("worth" of benchmarks/results/audit.json)."""

    soft: float = 0.9
    """Share of the usual sharpness down to which a face has its full worth."""
    blind: float = 0.4
    """Share of the usual sharpness at which nothing is left."""
    dark_luma: float = 90.0
    """Light below which a face loses worth."""
    dark_power: float = 0.6
    """How fast it does."""
    burnt_loss: float = 0.9
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

    def px(self, width_px: float, sharpness: float, light: Light) -> float:
        """Return the width of a sharp, well-lit face that is as good as this one."""
        return width_px * self.in_focus(width_px, sharpness) * self.in_light(light.luma) * self.unburnt(light.clipped)


WORTH = Worth()


@dataclass(frozen=True, slots=True)
class Expected:
    """Shares of the captures in which somebody is there and can be seen, 0 to 1."""

    worth_px: float
    """Width of a sharp, well-lit face that is as good as this one."""
    found: float
    """The face is found."""
    hit: float
    """It is found, and this one capture is enough to name it rightly."""
    register: float
    """A student who can be seen in most captures gets the right verdict."""


def expected(seat: Seat) -> Expected:
    """Return what the face of a seat can give."""
    return expected_of(WORTH.px(seat.width_px, seat.sharpness, seat.light))


def expected_of(worth_px: float) -> Expected:
    """Return what a sharp and well-lit face of a width can give; between measured widths by the width's logarithm."""
    at = np.log(max(worth_px, 1.0))
    return Expected(worth_px, *(float(np.interp(at, np.log(WIDTHS_PX), row)) for row in (FOUND, HIT, REGISTER)))
