"""OpenCV's own detector, YuNet, on the whole picture: the peer for comparison.

Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023), as `cv2.FaceDetectorYN` runs it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.folder import DataError
from edge_daemon.types import Picture

THRESHOLD = 0.6
_NMS_IOU, _TOP = 0.3, 5000


class YuNet:
    """The detector.

    Args:
        model: YuNet's .onnx file.

    Raises:
        DataError: OpenCV can't load it.
    """

    def __init__(self, model: Path) -> None:
        try:
            self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), THRESHOLD, _NMS_IOU, _TOP)
        except cv2.error as error:
            raise DataError("is not a YuNet model that OpenCV can load", str(model)) from error

    def __call__(self, picture: Picture) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Find the faces in a picture in BGR.

        Returns:
            Boxes (n, 4) as x, y, w, h, and five points (n, 5, 2): eyes, nose, mouth corners, each from left to right.
        """
        self._net.setInputSize((picture.shape[1], picture.shape[0]))
        _, found = self._net.detect(picture)
        rows = np.zeros((0, 15)) if found is None else np.asarray(found)
        return rows[:, :4].astype(np.float64), rows[:, 4:14].reshape(-1, 5, 2).astype(np.float32)
