"""A video device that OpenCV reads: what V4L2 and GStreamer cameras have in common."""

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
    """A device that follows the light by itself as long as it streams.

    Args:
        where: what to call the device in messages.
        open_device: opens it; raises CameraError.
        waiting: how many pictures may wait in buffers, older than the request for one.
        rests: whether the device is closed after each picture and opened by the next `prepare`. Its buffers, several
            pictures of 12 megapixels, are then free while faces are looked for, and its lamp tells when it looks.
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
        """Begin to stream."""
        self._streaming()

    def capture(self, slot: int) -> Frame:
        """Return the first picture that was not waiting in a buffer, of a device that had WARM_UP_S to settle.

        Raises:
            CameraError: there is none.
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
        """Return the device, open; a driver begins to stream at the first picture."""
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
    """Return a picture as three channels: a grey sensor has one."""
    array: Picture = np.asarray(picture, np.uint8)
    if array.ndim == 2 or array.shape[2] == 1:
        return np.asarray(cv2.cvtColor(array, cv2.COLOR_GRAY2BGR), np.uint8)
    return array
