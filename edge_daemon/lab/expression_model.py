"""Runs a trained expression network with TensorFlow Lite, without TensorFlow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.errors import LabError, ModelError
from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX
from edge_daemon.vision.interpreter import Model

Probabilities = NDArray[np.float32]
"""(heads, classes); each row adds up to 1."""
CROP_SCALE: Final = 1.15
"""Side of the crop, as a multiple of the face box's longer side. FER2013 shows the hair line to below the chin."""


@dataclass(frozen=True, slots=True)
class _Shapes:
    inputs: tuple[int, ...] = (1, SIDE_PX, SIDE_PX, 1)
    outputs: tuple[int, ...] = (1, len(HEADS) * len(CLASSES))


class ExpressionModel:
    """A trained network. Not thread-safe.

    Args:
        path: the file that `lab train expression` wrote.

    Raises:
        LabError: the file is no such network.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise LabError("there is no such model", str(path), _TRAIN)
        try:
            self._model = Model(path)
        except ModelError as error:
            raise LabError("can't be loaded as a model", str(path), _TRAIN) from error
        found = _Shapes(self._model.input_shape, self._model.output_shapes[0])
        if found != _Shapes() or self._model.input_dtype != np.int8:
            raise LabError("is not an expression model", str(path), _TRAIN)
        self.size_bytes = path.stat().st_size

    def __call__(self, grey: NDArray[np.uint8]) -> Probabilities:
        """Return the probabilities of each head for a grey face (48, 48), from the mean logits of its `readings`."""
        logits = np.mean([self._logits(reading) for reading in readings(grey)], axis=0)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)

    def _logits(self, grey: NDArray[np.uint8]) -> NDArray[np.float32]:
        encoded = (grey ^ np.uint8(0x80)).view(np.int8)[None, ..., None]
        return self._model(encoded)[0].reshape(len(HEADS), len(CLASSES))


def readings(grey: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return a face (48, 48) as the network reads it: in place and shifted to four corners, each also mirrored."""
    wide = np.pad(grey, _SHIFT_PX, mode="edge")
    moved = [
        wide[_SHIFT_PX + y : _SHIFT_PX + y + SIDE_PX, _SHIFT_PX + x : _SHIFT_PX + x + SIDE_PX]
        for x, y in ((0, 0), *((x, y) for x in (-_SHIFT_PX, _SHIFT_PX) for y in (-_SHIFT_PX, _SHIFT_PX)))
    ]
    return [np.ascontiguousarray(one) for reading in moved for one in (reading, reading[:, ::-1])]


_SHIFT_PX: Final = 2
"""Shift of the picture in the shifted `readings`, in pixels to each side."""
_TRAIN = "make one: `edge-daemon lab train expression --data FER_DIR --output MODEL`"


def facts(model: Path) -> dict[str, object]:
    """Return the facts that the training wrote about a model; empty if there are none."""
    path = model.with_name(f"{model.name}.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def as_grey(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture in BGR or grey as input of the network: (48, 48), grey."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) if crop.ndim == 3 else crop
    if grey.shape != (SIDE_PX, SIDE_PX):
        grey = cv2.resize(grey, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)
