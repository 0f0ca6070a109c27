"""The camera for check-in at the door. It gives every frame of a small stream, not single large pictures."""

from __future__ import annotations

import cv2

from edge_daemon.camera import v4l2_nodes
from edge_daemon.camera.base import Camera
from edge_daemon.camera.factory import open_camera
from edge_daemon.camera.opencv import VideoDevice
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError

FACTORY = "edge_daemon.camera.streaming:streaming_camera"
"""Argument `factory` of `CameraProcess` for this camera."""
_SIZE_PX = (640, 480)
_FRAMES_A_SECOND = 30


def streaming_camera(settings: CameraConfig) -> Camera:
    """Return the camera of the settings, not yet open. V4L2 cameras stream 640 by 480 at up to 30 frames a second.

    Cameras of other kinds give the same pictures as in lessons. If these come too slowly, the check-in reports that.

    Raises:
        CameraError: the source has an invalid form, or the camera does not exist.
    """
    if settings.kind != "v4l2":
        return open_camera(settings)
    source = settings.source
    return VideoDevice(source or "the first camera", lambda: _opened(v4l2_nodes.find_node(source)), waiting=0)


def _opened(path: str) -> cv2.VideoCapture:
    device = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not device.isOpened():
        raise CameraError("the camera can't be opened", path, "is it in use by another program?")
    device.set(cv2.CAP_PROP_FOURCC, int.from_bytes(b"MJPG", "little"))
    device.set(cv2.CAP_PROP_FRAME_WIDTH, _SIZE_PX[0])
    device.set(cv2.CAP_PROP_FRAME_HEIGHT, _SIZE_PX[1])
    device.set(cv2.CAP_PROP_FPS, _FRAMES_A_SECOND)
    return device
