"""The pinhole model of a room: distances, angles, and the effect of moving the camera.

All values are estimates: heads differ by a tenth, lenses bend straight lines, and the field of view is not verified.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FACE_WIDTH_M = 0.155
"""Assumed width of a face from ear to ear; the heads of pupils and adults are 14 to 16 cm broad."""
FIELD_OF_VIEW_DEG = 66.0
"""Horizontal angle of the Raspberry Pi Camera Module 3. Its wide variant has 102°, most webcams have 60° to 80°."""


@dataclass(frozen=True, slots=True)
class Optics:
    """A camera without distortion."""

    width_px: int
    height_px: int
    field_of_view_deg: float = FIELD_OF_VIEW_DEG
    """Horizontal field of view."""

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width_px / 2 / math.tan(math.radians(self.field_of_view_deg) / 2)

    def distance_m(self, face_px: float) -> float:
        """Return the distance of a face of this width."""
        return self.focal_px * FACE_WIDTH_M / max(face_px, 1e-6)

    def closer_px(self, face_px: float, by_m: float) -> float:
        """Return the width of a face after the camera has moved closer by this distance."""
        distance = self.distance_m(face_px)
        return face_px * distance / max(distance - by_m, 0.1)

    def metres_closer(self, face_px: float, wanted_px: float) -> float:
        """Return how much closer the camera has to be for a face to get this width."""
        return self.distance_m(face_px) - self.distance_m(wanted_px)

    def angle_deg(self, offset_px: float) -> float:
        """Return the angle between the camera's axis and a point this far from the middle of the picture."""
        return math.degrees(math.atan2(offset_px, self.focal_px))
