"""USB and other V4L2 cameras through OpenCV, at their largest size."""

from __future__ import annotations

import contextlib
import os

import cv2

from edge_daemon.camera import v4l2_nodes
from edge_daemon.camera.opencv import VideoDevice
from edge_daemon.errors import CameraError

_BUFFERS = 2
"""Number of buffers to request in place of OpenCV's four. Each takes at least 24 MB at 12 megapixels, even for JPEG."""
_WAITING = 4
"""Number of old pictures that a driver may have buffered, if it ignores the request and keeps four buffers."""
_SELECT_TIMEOUT_S = 3
"""Longest wait for a picture, in seconds. OpenCV's default of 10 s is longer than a capture may take."""
_LARGER_THAN_ANY_PX = 20_000


def v4l2_camera(source: str) -> VideoDevice:
    """Return the camera of `find_node(source)`, not yet open.

    The node is looked up whenever the camera is opened, because a reconnected camera may get another number.
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
    # USB 2 transfers large pictures only as JPEG. A camera without JPEG keeps its own format.
    device.set(cv2.CAP_PROP_FOURCC, int.from_bytes(b"MJPG", "little"))
    # The driver chooses its nearest size (VIDIOC_S_FMT), which is its largest.
    device.set(cv2.CAP_PROP_FRAME_WIDTH, _LARGER_THAN_ANY_PX)
    device.set(cv2.CAP_PROP_FRAME_HEIGHT, _LARGER_THAN_ANY_PX)
    return device
