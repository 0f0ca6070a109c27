"""One place that knows which kinds of camera there are."""

from __future__ import annotations

import importlib
from pathlib import Path

from edge_daemon.camera.base import Camera
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError


def open_camera(settings: CameraConfig, factory: str = "") -> Camera:
    """Return the camera of the settings, not yet open: `with` opens it. Libraries are imported only for their kind.

    Args:
        settings: [camera] of the configuration.
        factory: `module:function` that makes the camera instead; for tests.

    Raises:
        CameraError: the source has a wrong form, or there is no such camera.
    """
    if factory:
        module, _, function = factory.partition(":")
        made: Camera = getattr(importlib.import_module(module), function)(settings)
        return made
    if settings.kind == "files":
        from edge_daemon.camera.files import ReplayCamera

        return ReplayCamera(Path(settings.source))
    raise CameraError(f"there is no camera of the kind {settings.kind} yet", "camera.kind")
