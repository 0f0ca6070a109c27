"""Is a photograph good enough to enrol from? One bad template attracts faces of others in every lesson."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge_daemon.errors import PhotographError
from edge_daemon.types import Box, Face, Picture

MIN_WIDTH_PX = 48.0
MIN_SCORE = 0.5
MIN_SHARPNESS = 0.2
MAX_YAW_DEG = 50.0
MAX_PITCH_DEG = 40.0
MIN_LIGHT, MAX_LIGHT = 35.0, 225.0
SECOND_FACE = 0.6


def choose_face(picture: Picture, faces: Sequence[Face]) -> Face:
    """Return the face of a portrait.

    Args:
        picture: the photograph.
        faces: all faces in it, largest first.

    Raises:
        PhotographError: none, several, or one that is too small, dark, bright, blurred or turned away.
    """
    if not faces:
        raise PhotographError(_no_face(picture))
    face = faces[0]
    rival_px = SECOND_FACE * face.quality.width_px
    others = [f for f in faces[1:] if f.quality.width_px >= rival_px and f.score >= MIN_SCORE]
    if others:
        raise PhotographError(f"{1 + len(others)} faces", todo="cut it down to the student's")
    reason = _weakness(picture, face)
    if reason:
        raise PhotographError(reason)
    return face


def _weakness(picture: Picture, face: Face) -> str:
    width_px = face.quality.width_px
    if width_px < MIN_WIDTH_PX:
        return f"the face is too small ({width_px:.0f} px wide, {MIN_WIDTH_PX:.0f} are needed)"
    light = _light(_cut(picture, face.box))
    if light < MIN_LIGHT:
        return "the face is too dark"
    if light > MAX_LIGHT:
        return "the face is too bright"
    if face.quality.sharpness < MIN_SHARPNESS:
        return "the face is blurred"
    if face.pose is not None and abs(face.pose.yaw_deg) > MAX_YAW_DEG:
        return f"the head is turned too far ({abs(face.pose.yaw_deg):.0f}°)"
    if face.pose is not None and abs(face.pose.pitch_deg) > MAX_PITCH_DEG:
        return f"the head is tilted too far ({abs(face.pose.pitch_deg):.0f}°)"
    return ""


def _no_face(picture: Picture) -> str:
    light = _light(picture)
    if light < MIN_LIGHT:
        return "no face found, the picture is too dark"
    if light > MAX_LIGHT:
        return "no face found, the picture is too bright"
    return "no face found"


def _light(picture: Picture) -> float:
    """Return the mean grey, 0 to 255."""
    return float(np.mean(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)))


def _cut(picture: Picture, box: Box) -> Picture:
    height, width = picture.shape[:2]
    left, top = min(max(int(box.x), 0), width - 1), min(max(int(box.y), 0), height - 1)
    return picture[top : max(int(box.y + box.h), top + 1), left : max(int(box.x + box.w), left + 1)]
