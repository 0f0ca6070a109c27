"""Compares the camera's view with that of earlier lessons. A scene is a lesson's view: brightness and contrast by cell.

`room_faults.py` looks at the view of one capture. `app/capture/room_flags.py` applies this module and that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.room_faults import Area, grown
from edge_daemon.types import VIEW_COLUMNS, VIEW_ROWS, RoomView

SAME_VIEW: Final = 0.5
"""Least similarity of two scenes that count as the same view."""
_ENOUGH_CELLS: Final = 0.25
"""With a smaller share of comparable cells, two views can't be distinguished."""


def scene_of(views: Sequence[RoomView]) -> bytes:
    """Return the scene of a lesson: light and structure of 128 cells as 256 bytes, the median over the captures."""
    luma = np.median([view.luma for view in views], axis=0)
    structure = np.median([view.structure for view in views], axis=0)
    return bytes(np.clip(np.rint(np.stack([luma, 2 * structure])), 0, 255).astype(np.uint8).tobytes())


def view_of_scene(scene: bytes) -> RoomView:
    """Return the cells of a scene as a view."""
    luma, doubled = np.frombuffer(scene, np.uint8).astype(np.float32).reshape(2, VIEW_ROWS, VIEW_COLUMNS)
    return RoomView(luma, np.zeros_like(luma), (doubled / 2).astype(np.float32), 0.0)


def scene_similarity(one: bytes, other: bytes, usable: Area) -> float:
    """Return how similar two scenes are, -1 to 1, whatever the light: only differences between cells of one row count.

    Args:
        one: a scene.
        other: the scene of another lesson.
        usable: the cells to compare. Cells beside unusable ones are left out; with too few cells the result is 1.
    """
    inner = usable & ~grown(~usable)  # a cell at the edge of a cover is half covered itself
    if inner.mean() < _ENOUGH_CELLS:
        return 1.0
    parts = zip(_parts(one, inner), _parts(other, inner), strict=True)
    return float(np.mean([_correlation(a, b) for a, b in parts]))


def _parts(scene: bytes, usable: Area) -> NDArray[np.float64]:
    cells = np.log1p(np.frombuffer(scene, np.uint8).astype(np.float64).reshape(2, VIEW_ROWS, VIEW_COLUMNS))
    weights = np.broadcast_to(usable, cells.shape).astype(np.float64)
    means = (cells * weights).sum(axis=2, keepdims=True) / np.maximum(weights.sum(axis=2, keepdims=True), 1)
    centred: NDArray[np.float64] = (cells - means) * weights
    return centred


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 1e-9 else 0.0
