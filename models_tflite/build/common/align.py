"""Aligns faces for calibration with the short-range BlazeFace alone; the program itself aligns more precisely."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

TARGET = np.array([[37.8, 54.1], [72.8, 54.0], [55.4, 74.6], [56.0, 90.8], [21.1, 62.0], [92.9, 60.9]])
"""Positions of BlazeFace's eyes, nose, mouth and ears in the 112 px picture."""
PADDING = 0.25
SIZE_PX = 128


class Aligner:
    """Finds the most certain face of a portrait and turns it upright into 112x112 px."""

    def __init__(self, detector: Path) -> None:
        self._interpreter = Interpreter(model_path=str(detector), num_threads=1)
        self._interpreter.allocate_tensors()
        anchors = [
            ((x + 0.5) * s, (y + 0.5) * s)
            for s, n in ((8, 2), (16, 6))
            for y in range(SIZE_PX // s)
            for x in range(SIZE_PX // s)
            for _ in range(n)
        ]
        self._anchors = np.array(anchors)

    def __call__(self, rgb: np.ndarray) -> np.ndarray | None:
        """Return the aligned face; None if no score exceeds one half."""
        edge = int(PADDING * rgb.shape[0])
        padded = cv2.copyMakeBorder(rgb, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        small = cv2.resize(padded, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
        self._interpreter.set_tensor(
            self._interpreter.get_input_details()[0]["index"], ((small.astype(np.float32) - 127.5) / 127.5)[None]
        )
        self._interpreter.invoke()
        found = [self._interpreter.get_tensor(o["index"]) for o in self._interpreter.get_output_details()]
        scores, boxes = (next(a for a in found if a.shape[-1] == n)[0] for n in (1, 16))
        best = int(scores.argmax())
        if scores[best, 0] < 0:
            return None
        points = (boxes[best, 4:].reshape(6, 2) + self._anchors[best]) * (padded.shape[0] / SIZE_PX) - edge
        return cv2.warpAffine(rgb, similarity(points, TARGET), (112, 112), borderMode=cv2.BORDER_REPLICATE)


def similarity(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the (2, 3) similarity transform from `points` to `target` with least squares (Umeyama, 1991)."""
    p, q = points - points.mean(0), target - target.mean(0)
    u, s, v = np.linalg.svd(q.T @ p / len(p))
    d = np.array([1.0, np.sign(np.linalg.det(u @ v))])
    rotation = u @ np.diag(d) @ v * (s * d).sum() / p.var(0).sum()
    return np.c_[rotation, target.mean(0) - rotation @ points.mean(0)]
