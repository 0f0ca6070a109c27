"""A video device that OpenCV reads: what V4L2 and GStreamer cameras have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from types import TracebackType

import cv2
import numpy as np

from edge_daemon.errors import CameraError
from edge_daemon.types import Frame, Picture


class VideoDevice:
    """A device that streams as long as it is open; exposure and white balance follow the light all the time.

    Args:
        where: what to call the device in messages.
        open_device: opens it; raises CameraError.
        waiting: how many pictures may wait in buffers, older than the request for one.
    """

    lens_position: float | None = None

    def __init__(self, where: str, open_device: Callable[[], cv2.VideoCapture], waiting: int) -> None:
        self._where, self._open_device, self._waiting = where, open_device, waiting
        self._device: cv2.VideoCapture | None = None

    def __enter__(self) -> VideoDevice:
        self._device = self._open_device()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._device is not None:
            self._device.release()
            self._device = None

    def prepare(self) -> None:
        """Begin to stream, which a driver does at the first picture."""
        self._grab()

    def capture(self, slot: int) -> Frame:
        """Return the first picture that was not waiting in a buffer; raises CameraError."""
        for _ in range(self._waiting + 1):
            self._grab()
        assert self._device is not None  # _grab has used it
        decoded, picture = self._device.retrieve()
        taken_at = datetime.now(timezone.utc)
        if not decoded or picture is None or not picture.size:
            raise CameraError("the picture can't be decoded", self._where)
        return Frame(slot, str(slot + 1), _bgr(picture), taken_at)

    def _grab(self) -> None:
        if self._device is None or not self._device.grab():
            raise CameraError("the camera gives no pictures", self._where, "is its cable in?")


def _bgr(picture: object) -> Picture:
    """Return a picture as three channels: a grey sensor has one."""
    array: Picture = np.asarray(picture, np.uint8)
    if array.ndim == 2 or array.shape[2] == 1:
        return np.asarray(cv2.cvtColor(array, cv2.COLOR_GRAY2BGR), np.uint8)
    return array
