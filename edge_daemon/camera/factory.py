"""Creates the camera that the settings name."""

from __future__ import annotations

import importlib
from pathlib import Path

from edge_daemon.camera.base import Camera
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError


def open_camera(settings: CameraConfig, factory: str = "") -> Camera:
    """Return the camera that the settings name, not yet open; `with` opens it.

    A camera library is imported only if the settings need it.

    Args:
        settings: [camera] of the configuration.
        factory: `module:function` that creates the camera in place of `camera.kind`, for check-in and tests.

    Raises:
        CameraError: the source has an invalid form, or the camera does not exist.
    """
    if factory:
        module, _, function = factory.partition(":")
        made: Camera = getattr(importlib.import_module(module), function)(settings)
        return made
    check_source(settings)
    if settings.kind == "files":
        from edge_daemon.camera.files import ReplayCamera

        return ReplayCamera(Path(settings.source))
    if settings.kind == "v4l2":
        from edge_daemon.camera.v4l2 import v4l2_camera

        return v4l2_camera(settings.source)
    if settings.kind == "gstreamer":
        from edge_daemon.camera.gstreamer import gstreamer_camera

        return gstreamer_camera(settings.source)
    from edge_daemon.camera.picamera2 import Picamera2Camera

    return Picamera2Camera(settings)


def check_source(settings: CameraConfig) -> None:
    """Raise CameraError if `camera.source` does not fit `camera.kind`. Nothing is opened."""
    kind, source = settings.kind, settings.source
    if kind == "files" and not source:
        raise CameraError("camera.kind is files, but camera.source is empty", "camera.source", "name a folder or video")
    if kind in ("picamera2", "v4l2") and "!" in source:
        raise CameraError(
            f"{kind} does not accept a pipeline as its source", "camera.source", 'set camera.kind to "gstreamer"'
        )
    if kind == "picamera2" and source.startswith("/dev/"):
        raise CameraError(
            "picamera2 does not accept a device file as its source", "camera.source", 'set camera.kind to "v4l2"'
        )
    is_pipeline = "!" in source and "appsink" in source
    if kind == "gstreamer" and source and not source.isdecimal() and not is_pipeline:
        hint = "give the number of a CSI sensor, or a pipeline that ends in an appsink"
        raise CameraError(f"{source} is neither a number nor a pipeline", "camera.source", hint)
