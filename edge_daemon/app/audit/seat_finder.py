"""Groups the faces of a few pictures into seats, and seats into rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.app.audit.face_light import FaceLight
from edge_daemon.attendance.evidence.seats import group_by_seat
from edge_daemon.types import Box, Candidate, Face

Array = NDArray[np.float64]

ROW_GAP, ROUGH_GAP = 0.045, 0.15
"""Least difference between two rows, in the logarithm of the face width.

`ROW_GAP` (40 cm at 9 m) holds for the furthest row if the vertical positions of the faces make their widths more
precise. `ROUGH_GAP` holds if only the widths are known, which vary by a tenth.
"""
SURE = 0.95
"""A seat counts if the median score of its faces is at least this.

In a single picture the detector may mistake a pattern for a face. Lessons accept lower scores for faces near other
faces; the audit does not.
"""
ROW_SPAN = 0.37
"""Longest row, in the logarithm of the face width: the nearest face is at most 1.45 times as wide as the furthest."""
_ENOUGH, _ROUNDS = 6, 4
_LEVEL = 0.8
"""Least correlation of the faces' width and vertical position at which the position helps to estimate the width."""
_BY_HEIGHT = 0.7
"""Weight of the width expected at a face's vertical position; the measured width, which is noisier, has the rest."""
_OUTLIER = 0.3
"""Largest difference between a face's width and the width expected at its place, in the logarithm of the width.

A face that differs more is an outlier.
"""


@dataclass(frozen=True, slots=True)
class SeatObservation:
    """A face in one of the pictures."""

    picture: int
    """Index of the picture, from 0."""
    face: Face
    light: FaceLight


@dataclass(frozen=True, slots=True)
class Seat:
    """An occupied seat; the numbers are medians over the pictures that show its face."""

    box: Box
    width_px: float
    sharpness: float
    light: FaceLight
    yaw_deg: float | None
    """Yaw of the head as seen from the camera; None if the face is too small to measure."""
    looks: tuple[SeatObservation, ...]


def find_seats(looks: Sequence[SeatObservation]) -> list[Seat]:
    """Group faces into seats by the rule that is also used in lessons; return the seats from top to bottom.

    Args:
        looks: the faces, ordered by picture.
    """
    candidates = [_candidate(look) for look in looks]
    places = [[looks[m] for m in members] for members in group_by_seat(candidates)]
    seats = [_seat(own) for own in places if np.median([look.face.score for look in own]) >= SURE]
    return sorted(seats, key=lambda seat: (seat.box.y, seat.box.x))


def find_rows(seats: Sequence[Seat]) -> list[list[Seat]]:
    """Group seats into rows by their distance from the camera: the furthest row first, each row from left to right.

    The distance affects the width of the face and, on a level floor, its vertical position in the picture. Both are
    noisy; their mean separates rows that neither of them separates alone.
    """
    if not seats:
        return []
    depth, steady = _log_widths(seats)
    order = [int(i) for i in np.argsort(depth, kind="stable")]
    # Rows have the same distance everywhere, and this distance changes a near face more than a far one.
    least = np.minimum(ROW_GAP * np.exp(depth - depth.min()), ROUGH_GAP)
    rows = _split(order, depth, least if steady else np.full_like(depth, ROUGH_GAP))
    return [sorted((seats[i] for i in row), key=lambda seat: seat.box.x) for row in rows]


def _split(order: list[int], depth: Array, least: Array) -> list[list[int]]:
    """Split seats, given by index in rising order of `depth`, into rows at every gap in `depth` above `least`.

    A row that is still too long is split at its widest gap.
    """
    gaps = np.diff(depth[order])
    cuts = np.flatnonzero(gaps > least[order[:-1]])
    if not len(cuts) and depth[order[-1]] - depth[order[0]] > ROW_SPAN:
        cuts = np.array([int(gaps.argmax())])
    if not len(cuts):
        return [order]
    parts = np.split(np.array(order), cuts + 1)
    return [row for part in parts for row in _split([int(i) for i in part], depth, least)]


def _log_widths(seats: Sequence[Seat]) -> tuple[Array, bool]:
    """Return the logarithm of each seat's face width, and whether the vertical positions made the widths more precise.

    A face whose width does not fit its position, such as one on a poster, keeps its own width.
    """
    widths = np.log([seat.width_px for seat in seats])
    middles = np.array([seat.box.y + seat.box.h / 2 for seat in seats])
    fits = np.ones(len(seats), np.bool_)
    expected = widths
    for _ in range(_ROUNDS):
        if fits.sum() < _ENOUGH or np.ptp(middles[fits]) < 1 or np.ptp(widths[fits]) < ROW_GAP:
            return widths, False
        expected = _curve(middles, fits) @ np.linalg.lstsq(_curve(middles, fits)[fits], widths[fits], rcond=None)[0]
        fits = np.abs(widths - expected) < _OUTLIER
    correlation = float(np.corrcoef(expected[fits], widths[fits])[0, 1])
    if correlation < _LEVEL:
        return widths, False
    return np.where(fits, _BY_HEIGHT * expected + (1 - _BY_HEIGHT) * widths, widths), True


def _curve(middles: Array, fits: NDArray[np.bool_]) -> Array:
    """Return constant, linear and square terms (n, 3) of the vertical position."""
    steady = (middles - middles[fits].mean()) / middles[fits].std()
    return np.stack([np.ones_like(steady), steady, steady**2], axis=1)


def _seat(looks: Sequence[SeatObservation]) -> Seat:
    def median(values: Sequence[float]) -> float:
        return float(np.median(values))

    boxes, lights = [look.face.box for look in looks], [look.light for look in looks]
    yaws = [look.face.pose.yaw_deg for look in looks if look.face.pose is not None]
    return Seat(
        box=Box(*(median([getattr(box, side) for box in boxes]) for side in ("x", "y", "w", "h"))),
        width_px=median([look.face.quality.width_px for look in looks]),
        sharpness=median([look.face.quality.sharpness for look in looks]),
        light=FaceLight(*(median([getattr(one, part) for one in lights]) for part in ("luma", "clipped", "behind"))),
        yaw_deg=median(yaws) if yaws else None,
        looks=tuple(looks),
    )


def _candidate(look: SeatObservation) -> Candidate:
    nobody, face = np.zeros(0, np.float32), look.face
    return Candidate(look.picture, face.box, face.score, face.quality, True, nobody, None)
