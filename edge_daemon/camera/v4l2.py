"""USB and other V4L2 cameras through OpenCV, at their largest size."""

from __future__ import annotations

import contextlib
import os

import cv2

from edge_daemon.camera import v4l2_nodes
from edge_daemon.camera.opencv import VideoDevice
from edge_daemon.errors import CameraError

_BUFFERS = 2
"""Of the four that OpenCV would take: each is 24 MB and more at 12 megapixels, also for JPEG."""
_WAITING = 4
"""Pictures that a driver may have filled in advance, should it keep to four."""
_SELECT_TIMEOUT_S = 3
"""OpenCV waits 10 s for a picture, longer than a capture may take."""
_LARGER_THAN_ANY_PX = 20_000


def v4l2_camera(source: str) -> VideoDevice:
    """Return the camera of `find_node(source)`, not yet open.

    The node is looked up whenever the camera opens: a camera that is plugged in again may get another number.
    """
    where = f"/dev/video{source}" if source.isdecimal() else source or "the first camera"
    return VideoDevice(where, lambda: _opened(v4l2_nodes.find_node(source)), _WAITING, rests=True)


def _opened(path: str) -> cv2.VideoCapture:
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_SELECT_TIMEOUT_S))
    with contextlib.suppress(OSError):
        v4l2_nodes.keep_exposure_short(path)
    device = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not device.isOpened():
        raise CameraError("the camera can't be opened", path, "is it in use by another program?")
    device.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERS)
    # A USB 2 line carries large pictures only as JPEG. A camera that has none keeps its own format.
    device.set(cv2.CAP_PROP_FOURCC, int.from_bytes(b"MJPG", "little"))
    # The driver answers with the nearest size it has (VIDIOC_S_FMT), which is its largest.
    device.set(cv2.CAP_PROP_FRAME_WIDTH, _LARGER_THAN_ANY_PX)
    device.set(cv2.CAP_PROP_FRAME_HEIGHT, _LARGER_THAN_ANY_PX)
    return device
