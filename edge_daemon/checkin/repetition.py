"""Checks whether a clip is usable: long and bright enough, with a moving mouth, similar to other repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_daemon.checkin.mouth_features import MouthMovement
from edge_daemon.checkin.time_warp import warped_distances

Grey = NDArray[np.uint8]

LEAST_FRAMES: Final = 8
"""Least frames of the spoken part: half a second at 15 frames a second."""
LEAST_LUMA: Final = 35.0
"""Least mean brightness of the mouth, 0 to 255."""
LEAST_SEEN: Final = 0.8
"""Least share of the frames in which the face was found."""
LEAST_ENERGY: Final = 2.0
"""Least movement (`MouthMovement.energy`): a silent mouth has 1, clips of MIRACL-VC1 have 3 and more."""
MOST_UNLIKE: Final = 1.6
"""Largest distance of a repetition to the nearest other one, as a multiple of the median of all these distances."""
_QUIET: Final = 0.35
"""Change between frames from which the person counts as speaking: 0 is the level of quiet frames, 1 of busy ones."""
_PAUSE_FRAMES: Final = 2


def spoken_part(frames: Sequence[Grey]) -> tuple[int, int]:
    """Return the first frame and the end (exclusive) of the part in which the mouth moves.

    The silent parts before and after a phrase vary and are left out.
    """
    if len(frames) < LEAST_FRAMES:
        return 0, len(frames)
    pictures = np.stack(frames).astype(np.float32)
    pictures = (pictures - pictures.mean((1, 2), keepdims=True)) / (pictures.std((1, 2), keepdims=True) + 4)
    change = np.abs(np.diff(pictures, axis=0)).mean((1, 2))
    smooth = np.convolve(np.pad(change, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    low, high = np.quantile(smooth, (0.1, 0.9))
    busy = np.flatnonzero(smooth > low + _QUIET * (high - low))
    if not len(busy):
        return 0, len(frames)
    return max(int(busy[0]) - _PAUSE_FRAMES, 0), min(int(busy[-1]) + 2 + _PAUSE_FRAMES, len(frames))


def problem_of(movement: MouthMovement, frames: int, luma: float, seen: float) -> str:
    """Return why a clip can't be used, in words; empty if it can.

    Args:
        movement: movement of the spoken part.
        frames: number of frames in that part.
        luma: mean brightness of the mouth.
        seen: share of the clip's frames in which the face was found.
    """
    if seen < LEAST_SEEN:
        return "the face was not seen all the time; look into the camera"
    if luma < LEAST_LUMA:
        return "too dark; more light on the face"
    if frames < LEAST_FRAMES:
        return "too short; say the whole phrase"
    if movement.energy < LEAST_ENERGY:
        return "the mouth hardly moved; say it aloud or with the lips"
    return ""


def unlike(movements: Sequence[MouthMovement]) -> tuple[int, ...]:
    """Return the indices of repetitions that are unlike the others: another phrase was said, or a part is missing."""
    if len(movements) < 3:
        return ()
    sequences = np.stack([one.sequence for one in movements])
    distances = warped_distances(sequences, sequences)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.min(1)
    return tuple(int(i) for i in np.flatnonzero(nearest > MOST_UNLIKE * np.median(nearest)))
