"""Training batches: a share of faces, some of them hidden, and a share of other detections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_daemon.vision.face_verifier import levelled
from models_tflite.build.verifier import augment

Array = NDArray[np.float32]
Targets = dict[str, Array]

FACES = 0.45
"""Share of faces in a batch."""
_PORTRAITS = 0.3
"""Weight of a face on another background, relative to one in its own picture."""
_HIDDEN = 1.6
"""Weight of a hidden or turned face relative to a bare one."""
_PROFILES = 4.0
"""Additional weight of a profile, because there are few."""
_SMALL_PX = (12, 22)
"""Widths between which the weight of a crop rises from the first value of `_SMALL` to the second."""
_SMALL = (0.1, 1.0)
"""Weights of crops with the widths of `_SMALL_PX`; narrower ones have the first, wider ones the second."""
_PER_FACE = 0.6
"""All crops of a picture together have a weight proportional to their number to this power."""
_EASY = 0.25
"""Weight of a crop whose loss is 0; for any other crop, its loss is added to this weight."""
_HARDEST = 1.5
"""Loss from which on the weight of a crop does not grow. Crops with a wrong label have a large loss."""
MIDDLE = 128.0
"""Grey level of the input value 0; one step of the input is 1 / 128."""


@dataclass(frozen=True, slots=True)
class Crops:
    """The stored crops."""

    crop: NDArray[np.uint8]
    face: NDArray[np.bool_]
    visible: NDArray[np.int64]
    square: Array
    points: Array
    weight: Array
    held: NDArray[np.bool_]
    pasted: NDArray[np.bool_]
    score: Array
    width_px: Array
    picture: NDArray[np.str_]

    @classmethod
    def load(cls, path: Path) -> Crops:
        """Read the crops that `models_tflite.build.verifier.crops` wrote."""
        with np.load(path) as stored:
            return cls(**{name: stored[name] for name in cls.__dataclass_fields__})


class Batches:
    """An endless sequence of batches, determined by the generator.

    Args:
        crops: all crops; those that are held back are left out.
        size: crops of a batch.
        rng: generator of every choice.
        losses: loss of the network for each crop; crops with a high one come more often. None: all alike.
    """

    def __init__(
        self, crops: Crops, size: int, rng: np.random.Generator, losses: NDArray[np.float32] | None = None
    ) -> None:
        self._crops, self._size, self._rng = crops, size, rng
        usable = ~crops.held
        _, picture, count = np.unique(crops.picture, return_inverse=True, return_counts=True)
        odds = crops.weight / count[picture] ** (1 - _PER_FACE)
        odds = odds * np.where(crops.pasted & crops.face, _PORTRAITS, 1.0)
        odds = odds * np.where(crops.visible > 0, _HIDDEN, 1.0) * np.where(crops.visible == 3, _PROFILES, 1.0)
        odds = odds * np.interp(crops.width_px, _SMALL_PX, _SMALL)
        if losses is not None:
            odds = odds * (_EASY + np.minimum(losses, _HARDEST))
        self._kinds = [
            (np.flatnonzero(usable & which), share) for which, share in ((crops.face, FACES), (~crops.face, 1 - FACES))
        ]
        self._odds = [odds[index] / odds[index].sum() for index, _ in self._kinds]

    def next(self) -> tuple[Array, Targets]:
        """Return the next batch: input (n, INPUT_PX, INPUT_PX, 3), and targets."""
        first = round(self._size * FACES)
        counts = (first, self._size - first)
        chosen = np.concatenate(
            [
                self._rng.choice(index, n, p=odds)
                for (index, _), odds, n in zip(self._kinds, self._odds, counts, strict=True)
            ]
        )
        return _batch(self._crops, chosen, self._rng)


def arrays(crops: Crops, index: NDArray[np.intp]) -> tuple[Array, Targets]:
    """Return crops without variation."""
    return _batch(crops, index, None)


def encoded(seen: NDArray[np.uint8]) -> Array:
    """Return BGR pixels as the network's input."""
    return ((levelled(seen)[..., ::-1].astype(np.float32) - MIDDLE) / MIDDLE).astype(np.float32)


def _batch(crops: Crops, index: NDArray[np.intp], rng: np.random.Generator | None) -> tuple[Array, Targets]:
    pictures, squares, points = [], [], []
    for i in index:
        if rng is None:
            seen, matrix = augment.plain(crops.crop[i])
            five = crops.points[i]
        else:
            seen, matrix, mirror = augment.varied(crops.crop[i], rng)
            five = augment.mirrored(crops.points[i]) if mirror else crops.points[i]
        pictures.append(seen)
        squares.append(_square(crops.square[i], matrix))
        points.append((five @ matrix[:, :2].T + matrix[:, 2]) / augment.INPUT_PX - 0.5)
    shape = np.concatenate([np.stack(squares), np.stack(points).reshape(len(index), 10)], axis=1).astype(np.float32)
    targets = {
        "face": crops.face[index].astype(np.float32),
        "weight": crops.weight[index].astype(np.float32),
        "visible": crops.visible[index].astype(np.int32),
        "shape": np.nan_to_num(shape),
        "known": np.isfinite(shape).astype(np.float32),
    }
    return np.stack([encoded(seen) for seen in pictures]), targets


def _square(square: Array, matrix: Array) -> Array:
    """Return the centre of a square, as a share of the input from its middle, and its side as a logarithm."""
    middle = (square[:2] + square[2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    side = (square[2] - square[0]) * scale / (augment.INPUT_PX / augment.INPUT_SQUARES)
    return np.array([*(middle / augment.INPUT_PX - 0.5), np.log(side) * SIDE_WEIGHT], np.float32)


SIDE_WEIGHT = 0.5
"""Factor of the logarithm of a box's side. With it, sides, centres and points have similar ranges."""
