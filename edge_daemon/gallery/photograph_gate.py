"""Decides whether a photograph is good enough to enrol. One bad template attracts other faces in every lesson."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge_daemon.errors import PhotographError
from edge_daemon.types import Box, Face, Picture

# Chosen on LFW's tuning half (626 photographs of 130 people, all of which pass), and on 24 of them degraded in steps.
MIN_WIDTH_PX = 56.0
"""Least width of a face. A narrower face shows little more detail than a face in the last row."""
MIN_SHARPNESS = 0.2
"""Least sharpness. Good photographs have .23 to .61.

A blur of 6 px on a face of 180 px lowers the sharpness to .18, and the cosine to the sharp photograph to .65.
"""
MAX_YAW_DEG = 50.0
"""Largest sideways turn of the head in degrees; good photographs have up to 44."""
MAX_PITCH_DEG = 40.0
"""Largest turn of the head up or down in degrees; good photographs have up to 30."""
MIN_HIGHLIGHTS = 45.0
"""Least grey level of the brightest twentieth of a face's pixels; in good photographs it is above 119.

A limit on the mean would refuse dark skin. At a tenth of the light, which gives a level of 20, the cosine to the
original photograph is .77.
"""
MAX_SHADOWS = 190.0
"""Largest grey level of the darkest twentieth of a face's pixels; in good photographs it is below 126."""
MAX_CLIPPED = 0.35
"""Largest share of white pixels in a face; good photographs have less than .1."""
MIN_SCORE = 0.5
SECOND_FACE = 0.3
"""Another face counts as background if its width is below this share of the largest face's width."""


def check_size(picture: Picture) -> None:
    """Raise PhotographError for a picture that is too small for a usable face."""
    height, width = picture.shape[:2]
    if min(height, width) < MIN_WIDTH_PX:
        raise PhotographError(f"the picture is too small ({width}x{height} px)")


def choose_face(picture: Picture, faces: Sequence[Face]) -> Face:
    """Return the face of a portrait.

    Args:
        picture: the photograph.
        faces: all faces in it, largest first.

    Raises:
        PhotographError: there is no face, there are several, or the face is too small, dark, bright, blurred or turned.
    """
    if not faces:
        raise PhotographError(_no_face(picture))
    face = faces[0]
    rival_px = SECOND_FACE * face.quality.width_px
    others = [f for f in faces[1:] if f.quality.width_px >= rival_px and f.score >= MIN_SCORE]
    if others:
        raise PhotographError(f"{1 + len(others)} faces", hint="crop it to the student's face")
    reason = _weakness(picture, face)
    if reason:
        raise PhotographError(reason)
    return face


def _weakness(picture: Picture, face: Face) -> str:
    width_px = face.quality.width_px
    if width_px < MIN_WIDTH_PX:
        return f"the face is too small ({width_px:.0f} px wide, {MIN_WIDTH_PX:.0f} are needed)"
    light = _light(_cut(picture, face.box))
    if light:
        return f"the face is too {light}"
    if face.quality.sharpness < MIN_SHARPNESS:
        return "the face is blurred"
    if face.pose is not None and abs(face.pose.yaw_deg) > MAX_YAW_DEG:
        return f"the head is turned too far ({abs(face.pose.yaw_deg):.0f}°)"
    if face.pose is not None and abs(face.pose.pitch_deg) > MAX_PITCH_DEG:
        return f"the head is tilted too far ({abs(face.pose.pitch_deg):.0f}°)"
    return ""


def _no_face(picture: Picture) -> str:
    light = _light(picture)
    return f"no face found, the picture is too {light}" if light else "no face found"


def _light(picture: Picture) -> str:
    """Return `dark` or `bright`; empty if the light is right."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    shadows, highlights = np.percentile(grey, (5, 95))
    if highlights < MIN_HIGHLIGHTS:
        return "dark"
    if shadows > MAX_SHADOWS or float(np.mean(grey >= 250)) > MAX_CLIPPED:
        return "bright"
    return ""


def _cut(picture: Picture, box: Box) -> Picture:
    height, width = picture.shape[:2]
    left, top = min(max(int(box.x), 0), width - 1), min(max(int(box.y), 0), height - 1)
    return picture[top : max(int(box.y + box.h), top + 1), left : max(int(box.x + box.w), left + 1)]
