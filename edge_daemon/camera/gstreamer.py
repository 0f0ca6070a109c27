"""A Jetson's CSI camera, or any GStreamer pipeline, through OpenCV."""

from __future__ import annotations

import cv2

from edge_daemon.camera.opencv import VideoDevice
from edge_daemon.errors import CameraError

_WAITING = 1
"""Number of buffered pictures that may be old: the appsink keeps only the newest picture."""
_ARGUS = (
    # The exposure, in ns, is limited to 1/60 s because longer ones blur moving heads. The camera chooses the gain.
    'nvarguscamerasrc sensor-id={sensor} exposuretimerange="34000 16666000" ! '
    "video/x-raw(memory:NVMM),width={width},height={height},format=NV12 ! nvvidconv ! video/x-raw,format=BGRx ! "
    "videoconvert ! video/x-raw,format=BGR ! appsink max-buffers=1 drop=true sync=false"
)
_WIDTH_PX, _HEIGHT_PX = 3840, 2160


def gstreamer_camera(source: str) -> VideoDevice:
    """Return the camera, not yet open.

    Args:
        source: number of a CSI sensor, or empty for the first one, or a whole pipeline. A pipeline must end in an
            appsink that gives BGR pictures.
    """
    return VideoDevice(_name(source), lambda: _opened(_pipeline(source), _name(source)), _WAITING)


def _name(source: str) -> str:
    return "the pipeline" if "!" in source else f"CSI sensor {source or 0}"


def _pipeline(source: str) -> str:
    if "!" in source:
        return source
    return _ARGUS.format(sensor=source or 0, width=_WIDTH_PX, height=_HEIGHT_PX)


def _opened(pipeline: str, where: str) -> cv2.VideoCapture:
    if cv2.CAP_GSTREAMER not in cv2.videoio_registry.getBackends():
        raise CameraError(
            "this OpenCV was built without GStreamer", where, "use JetPack's: pip uninstall opencv-python-headless"
        )
    device = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
    if not device.isOpened():
        raise CameraError("the camera can't be opened", where, "is the sensor attached, and nvargus-daemon running?")
    return device
