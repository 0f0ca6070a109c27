"""The camera at the door: yields some seconds of frames from its own process, in memory only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from edge_daemon.camera.factory import check_source
from edge_daemon.camera.files import open_files
from edge_daemon.camera.process import CameraProcess
from edge_daemon.camera.streaming import FACTORY
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from edge_daemon.home import Home
from edge_daemon.types import Picture

LEAST_FRAMES_A_SECOND: Final = 15.0
_FILE_FRAMES_A_SECOND: Final = 25
"""Frames per second of a folder or video in place of the camera."""
_DEADLINE_S: Final = 20.0


def door_settings(home: Home) -> CameraConfig:
    """Return the settings of the camera in `checkin.camera`.

    Raises:
        CameraError: none is set, or there is no such camera.
    """
    source = home.config.checkin.camera
    if not source:
        hint = "set [checkin] camera to a device such as /dev/video1"
        raise CameraError("no camera is set for the check-in", "checkin.camera", hint)
    settings = replace(home.config.camera, lens_position=-1.0, upside_down=False)
    if source.startswith("/dev/"):
        settings = replace(settings, kind="v4l2", source=source)
    elif "!" in source:
        settings = replace(settings, kind="gstreamer", source=source)
    else:
        path = home.config_path.parent / source
        if not path.exists():
            hint = "give a device such as /dev/video1, or a pipeline"
            raise CameraError("no such camera, folder or video", f"checkin.camera {source}", hint)
        settings = replace(settings, kind="files", source=str(path.absolute()))
    check_source(settings)
    return settings


def is_rooms_camera(home: Home, settings: CameraConfig) -> bool:
    """Return whether the camera of the check-in is the room's own camera."""
    room = home.config.camera
    return (room.kind, room.source) == (settings.kind, settings.source) or (
        room.kind == settings.kind == "v4l2" and not room.source
    )


class DoorCamera:
    """Records clips. Made by `door_camera`."""

    def __init__(self, camera: CameraProcess, *, has_clock: bool) -> None:
        self._camera, self._has_clock = camera, has_clock
        self._slot = 0

    def clip(self, seconds: float) -> Iterator[Picture]:
        """Yield the frames of this many seconds, each as it arrives.

        Raises:
            CameraError: there is no picture, or fewer than LEAST_FRAMES_A_SECOND; the clip can't be used.
        """
        begin_s, count = time.monotonic(), 0
        wanted = round(seconds * _FILE_FRAMES_A_SECOND)
        while (time.monotonic() - begin_s < seconds) if self._has_clock else (count < wanted):
            yield self._camera.capture(self._slot).picture
            self._slot, count = self._slot + 1, count + 1
        rate = count / max(time.monotonic() - begin_s, 1e-3)
        if self._has_clock and rate < LEAST_FRAMES_A_SECOND:
            what = f"{rate:.0f} frames a second were read, {LEAST_FRAMES_A_SECOND:.0f} are needed"
            raise CameraError(what, "checkin.camera", "use a USB camera, and a computer that runs nothing else")

    def warm_up(self) -> None:
        """Open the camera, so that the first frame of a clip does not wait for it."""
        self._camera.capture(self._slot)
        self._slot += 1


@contextmanager
def door_camera(settings: CameraConfig) -> Iterator[DoorCamera]:
    """Start the camera's own process until the block ends."""
    now = lambda: datetime.now(timezone.utc)  # noqa: E731
    with CameraProcess(settings, now=now, deadline_s=_DEADLINE_S, factory=FACTORY) as camera:
        yield DoorCamera(camera, has_clock=settings.kind != "files")


def frames_of(source: Path) -> Iterator[Picture]:
    """Yield the frames of a folder of pictures or of a video.

    Raises:
        CameraError: the source or a frame can't be read.
    """
    with open_files(source) as camera:
        for slot in range(camera.count):
            yield camera.capture(slot).picture
