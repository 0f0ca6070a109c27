"""A video device that is read through OpenCV: the code that V4L2 and GStreamer cameras share."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from types import TracebackType

import cv2
import numpy as np

from edge_daemon.camera.base import WARM_UP_S
from edge_daemon.errors import CameraError
from edge_daemon.types import Frame, Picture


class VideoDevice:
    """A device that adjusts its exposure by itself while it streams.

    Args:
        where: name of the device in messages.
        open_device: opens the device; raises CameraError.
        waiting: number of buffered pictures that may be older than the request.
        rests: True: the device is closed after each picture, and the next `prepare` opens it. Its buffers of several
            12-megapixel pictures are then free while the program looks for faces, and its lamp is lit only while it
            takes pictures.
    """

    lens_position: float | None = None

    def __init__(
        self, where: str, open_device: Callable[[], cv2.VideoCapture], waiting: int, *, rests: bool = False
    ) -> None:
        self._where, self._open_device, self._waiting, self._rests = where, open_device, waiting, rests
        self._device: cv2.VideoCapture | None = None
        self._started_s = 0.0

    def __enter__(self) -> VideoDevice:
        self._streaming()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def prepare(self) -> None:
        """Start streaming."""
        self._streaming()

    def capture(self, slot: int) -> Frame:
        """Return the first picture that is not from an old buffer, at least WARM_UP_S after the start of streaming.

        Raises:
            CameraError: the device gives no picture.
        """
        try:
            device = self._streaming()
            time.sleep(max(0.0, self._started_s + WARM_UP_S - time.monotonic()))
            for _ in range(self._waiting + 1):
                self._grab(device)
            decoded, picture = device.retrieve()
            taken_at = datetime.now(timezone.utc)
        finally:
            if self._rests:
                self._close()
        if not decoded or picture is None or not picture.size:
            raise CameraError("the picture can't be decoded", self._where)
        return Frame(slot, str(slot + 1), _bgr(picture), taken_at)

    def _streaming(self) -> cv2.VideoCapture:
        """Return the open device, with streaming started. A driver starts streaming when the first picture is read."""
        if self._device is None:
            self._device = self._open_device()
            self._started_s = time.monotonic()
            self._grab(self._device)
        return self._device

    def _grab(self, device: cv2.VideoCapture) -> None:
        if not device.grab():
            raise CameraError("the camera gives no pictures", self._where, "is its cable in?")

    def _close(self) -> None:
        if self._device is not None:
            self._device.release()
            self._device = None


def _bgr(picture: object) -> Picture:
    """Return a picture with three channels. The picture of a grey sensor has only one."""
    array: Picture = np.asarray(picture, np.uint8)
    if array.ndim == 2 or array.shape[2] == 1:
        return np.asarray(cv2.cvtColor(array, cv2.COLOR_GRAY2BGR), np.uint8)
    return array
