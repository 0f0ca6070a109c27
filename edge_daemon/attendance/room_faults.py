"""Finds the parts of the room that a capture can't show because they are too dark, blurred, glaring or covered.

`view_change.py` compares the views of two lessons; `app/capture/room_flags.py` applies both to a lesson. The limits
come from a measured curve: benchmarks/degraded.py, benchmarks/RESULTS.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import VIEW_COLUMNS, VIEW_ROWS, Box, RoomView

Fault = Literal["too_dark", "too_blurred", "glare", "covered"]

DARK_BELOW: Final = 8.0
"""A cell with a lower mean light (0 to 255) is too dark. At 10, 16 of 17 faces were named, at 6 only 12."""
BURNT_FROM: Final = 0.5
"""Share of over-exposed pixels from which a cell counts as glare. At .35, 15 of 17 faces were named, at .67 only 10."""
PALE_FROM: Final = 200.0
"""Mean light from which a cell without structure counts as glare."""
FLAT_OF_LUMA: Final = 0.03
FLAT_AT_LEAST: Final = 0.3
"""A cell is flat if its structure is below `FLAT_OF_LUMA` times its light plus `FLAT_AT_LEAST`.

A dark room keeps its shapes; a cover has none. A bare wall may have as little structure as a cover. So a cell counts as
covered only if it had structure in earlier lessons.
"""
BLUR_OF_WIDTH: Final = 0.07
"""A face is unrecognisable if the standard deviation of the blur exceeds this share of the face's width.

All 17 faces from 36 pixels on were named at 1.7 pixels of defocus, 13 of them at 2.6, and 8 at 3.6.
"""
SMALLEST_FACE_PX: Final = 36.0
"""Assumed width of a face before any lesson has shown the room."""
PART: Final = 0.15
"""Share of the area with seats from which a part of the room counts as affected."""
PART_OF_UNKNOWN_ROOM: Final = 0.45
"""The share that replaces `PART` if no earlier lesson shows the room.

A bare wall then looks like a cover and a window like glare; in the demo's room they are .31 of the picture. A lens that
is half covered exceeds this limit.
"""
WHOLE: Final = 0.8
"""Share of the area with seats from which the whole capture counts as missed."""

_SPOT_CELLS: Final = 12
"""Largest number of cells of a bare spot of the room.

In a half empty class such spots had up to 4 cells. A cover over half of the lens has 56 or more.
"""
_SPOT_LIGHT: Final = 0.15
"""Largest difference in light between a bare spot and its surroundings, as a share of the surroundings' light.

In a half empty class it was up to .06.
"""

Area = NDArray[np.bool_]
Faults = NDArray[np.uint8]
"""For each cell, (8, 16): 0 without a fault, otherwise 1 + the index of the fault in `Fault`."""


def faults_of(view: RoomView, before: RoomView | None, width_px: float) -> Faults:
    """Return which cells of a capture can't show a face, and why.

    Args:
        view: the capture.
        before: the room as it was in the last lessons; None if it is unknown.
        width_px: width of the smallest faces in this room.
    """
    found = np.zeros((VIEW_ROWS, VIEW_COLUMNS), np.uint8)
    flat = _is_flat(view)
    had = flat if before is None else ~_is_flat(before)
    if before is not None:
        had &= ~_bare_spots(view, flat & had)
    dark = view.luma < DARK_BELOW
    _mark(found, "glare", (view.burnt >= BURNT_FROM) | ((view.luma >= PALE_FROM) & flat & had))
    # Very low light removes the shapes of single cells; a cover removes those of most cells.
    _mark(found, "covered" if dark.any() and (flat & had)[dark].mean() > 0.5 else "too_dark", dark)
    _mark(found, "covered", flat & had)
    if view.blur_px > BLUR_OF_WIDTH * width_px:
        _mark(found, "too_blurred", found == 0)
    return found


def _bare_spots(view: RoomView, flat: Area) -> Area:
    """Return the cells that are flat only because a person left: small patches as bright as their surroundings.

    A bare wall behind an empty seat looks like a cover of that seat.
    """
    found = np.zeros_like(flat)
    for patch in _patches(flat):
        around = grown(patch) & ~patch
        if patch.sum() <= _SPOT_CELLS and around.any():
            light, light_around = float(np.median(view.luma[patch])), float(np.median(view.luma[around]))
            if abs(light - light_around) <= _SPOT_LIGHT * light_around:
                found |= patch
    return found


def grown(cells: Area) -> Area:
    """Return some cells and their neighbours."""
    padded = np.pad(cells, 1)
    rows, columns = cells.shape
    shifted = [padded[down : down + rows, right : right + columns] for down in range(3) for right in range(3)]
    return np.asarray(np.logical_or.reduce(shifted), bool)


def _patches(cells: Area) -> Iterator[Area]:
    """Yield the connected parts of some cells; diagonal neighbours are connected."""
    left = {(int(row), int(column)) for row, column in np.argwhere(cells)}
    while left:
        patch, edge = np.zeros_like(cells), [left.pop()]
        while edge:
            row, column = edge.pop()
            patch[row, column] = True
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & left
            left -= near
            edge += near
        yield patch


def _is_flat(view: RoomView) -> NDArray[np.bool_]:
    flat: NDArray[np.bool_] = view.structure < FLAT_OF_LUMA * view.luma + FLAT_AT_LEAST
    return flat


def area_of(boxes: Iterable[Box], width_px: int, height_px: int) -> Area:
    """Return the cells that the boxes of faces cover; all cells if there are no boxes."""
    area = np.zeros((VIEW_ROWS, VIEW_COLUMNS), bool)
    for box in boxes:
        area[_cells(box, width_px, height_px)] = True
    return area if area.any() else np.ones_like(area)


def affected(faults: Faults, area: Area) -> float:
    """Return the share of an area's cells that have a fault, 0 to 1."""
    return float((faults[area] > 0).mean())


def is_part(faults: Faults, area: Area, *, is_known: bool) -> bool:
    """Return whether a part of the room, but not all of it, has faults.

    Args:
        faults: faults of a lesson in which faces were found.
        area: the cells that count.
        is_known: whether earlier lessons show the room. If not, a picture that is flat nearly everywhere but has faces
            is taken for a uniform room. A cover of that size would leave no faces.
    """
    share = affected(faults, area)
    return share >= PART if is_known else PART_OF_UNKNOWN_ROOM <= share < WHOLE


def main_fault(faults: Faults, area: Area) -> Fault:
    """Return the most common fault in an area; at least one of its cells must have a fault."""
    return get_args(Fault)[Counter(int(f) for f in faults[area] if f).most_common(1)[0][0] - 1]  # type: ignore[no-any-return]


def usual_faults(captures: Sequence[Faults]) -> Faults:
    """Return the cells that had a fault in at least half of the captures, with their most common fault."""
    stack = np.stack(captures)
    often = 2 * (stack > 0).sum(axis=0) >= len(captures)
    counts = np.stack([(stack == fault).sum(axis=0) for fault in range(1, 1 + len(get_args(Fault)))])
    return np.where(often, 1 + counts.argmax(axis=0), 0).astype(np.uint8)


def flags_of(faults: Faults) -> tuple[Fault, ...]:
    """Return the faults that occur in some cell, in the order of the register's flags."""
    return tuple(fault for number, fault in enumerate(get_args(Fault), 1) if (faults == number).any())


def is_hidden(faults: Faults, box: Box, width_px: int, height_px: int) -> bool:
    """Return whether at least half of the cells at a face's place have a fault."""
    return bool((faults[_cells(box, width_px, height_px)] > 0).mean() >= 0.5)


def _mark(found: Faults, fault: Fault, where: NDArray[np.bool_]) -> None:
    found[where & (found == 0)] = 1 + get_args(Fault).index(fault)


def _cells(box: Box, width_px: int, height_px: int) -> tuple[slice, slice]:
    left, right = (min(max(int(x / width_px * VIEW_COLUMNS), 0), VIEW_COLUMNS - 1) for x in (box.x, box.x + box.w))
    top, bottom = (min(max(int(y / height_px * VIEW_ROWS), 0), VIEW_ROWS - 1) for y in (box.y, box.y + box.h))
    return slice(top, bottom + 1), slice(left, right + 1)
