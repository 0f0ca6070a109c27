"""A few pictures for the audit: from files, or from the camera of the settings."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge_daemon.camera.files import FolderCamera, VideoCamera, open_files
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from edge_daemon.types import Frame

logger = logging.getLogger(__name__)


def take(config: CameraConfig, frames: Path | None, count: int, unreadable: list[str]) -> Iterator[Frame]:
    """Yield up to `count` pictures, spread evenly over a folder or video.

    Args:
        config: names the camera where `frames` is None.
        frames: folder or video.
        count: at least 1.
        unreadable: filled with a line for each picture that could not be had.

    Raises:
        CameraError: there is no such source, or none of its pictures can be had.
    """
    source = open_source(config, frames)
    taken = 0
    with source:
        for slot in _spread(source.count, count):
            try:
                frame = source.capture(slot)
            except CameraError as error:
                unreadable.append(f"{Path(error.where).name}: {error.what}")
                continue
            taken += 1
            yield frame
    if not taken:
        raise CameraError("no picture could be had", str(frames or config.source or config.kind), unreadable[0])


def open_source(config: CameraConfig, frames: Path | None) -> FolderCamera | VideoCamera:
    """Return what gives the pictures."""
    if frames is not None:
        return open_files(frames)
    if config.kind == "files":
        return open_files(Path(config.source))
    raise CameraError("no such camera here", f"camera.kind = {config.kind!r}", "name pictures with --frames")


def _spread(there: int, wanted: int) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, there - 1, min(wanted, there))})
