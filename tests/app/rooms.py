"""Rooms for the audit, made from numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from edge_daemon.app.audit.face_light import FaceLight
from edge_daemon.app.audit.findings import AuditFindings
from edge_daemon.app.audit.front_direction import find_front
from edge_daemon.app.audit.optics import Optics
from edge_daemon.app.audit.scene_light import Scene
from edge_daemon.app.audit.seat_finder import SeatObservation, find_seats
from edge_daemon.app.audit.seat_rows import rate_seats
from edge_daemon.types import Box, Face, Pose, Quality

OPTICS = Optics(4608, 2592, 66.0)
GOOD_LIGHT, GOOD_SCENE = FaceLight(130.0, 0.0, 120.0), Scene(115.0, 0.0, 0.4)


def look(
    x: float,
    y: float,
    width_px: float,
    *,
    picture: int = 0,
    sharpness: float = 0.6,
    light: FaceLight = GOOD_LIGHT,
    yaw_deg: float | None = None,
) -> SeatObservation:
    """Return a face with its centre at (x, y)."""
    box = Box(x - width_px / 2, y - 0.625 * width_px, width_px, 1.25 * width_px)
    pose = None if yaw_deg is None else Pose(yaw_deg, 0.0, 0.0)
    quality = Quality(width_px, sharpness, 1.0)
    none = np.zeros(0, np.float32)
    return SeatObservation(picture, Face(box, 0.99, np.zeros((6, 2), np.float32), quality, pose, None, none), light)


def room(rows: Sequence[tuple[float, float]], xs: Iterable[float], **more: object) -> list[SeatObservation]:
    """Return a face at each x for each row (y, width)."""
    return [look(x, y, width, **more) for y, width in rows for x in xs]  # type: ignore[arg-type]


def findings(
    looks: Sequence[SeatObservation], *, scene: Scene = GOOD_SCENE, turned: tuple[int, int] = (0, 0)
) -> AuditFindings:
    seats = find_seats(looks)
    return AuditFindings(OPTICS, rate_seats(seats, OPTICS), scene, find_front(seats), *turned)
