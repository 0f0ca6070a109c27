"""Cameras that behave badly on demand, for tests of the camera process: `camera.source` names a file with the mood.

Loaded inside the camera process by `factory="tests.camera.broken:camera"`.
"""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from edge_daemon.types import Frame

FACTORY = "tests.camera.broken:camera"
HEIGHT_PX, WIDTH_PX = 60, 80


def camera(settings: CameraConfig) -> BrokenCamera:
    return BrokenCamera(Path(settings.source))


class BrokenCamera:
    """Mood, read at each call: `good` or what the methods below look for."""

    lens_position = 0.5

    def __init__(self, mood: Path) -> None:
        self._mood, self._random = mood, np.random.default_rng()

    def __enter__(self) -> BrokenCamera:
        log(self._mood, "open")
        mood = self._mood.read_text()
        if mood == "no-open":
            raise CameraError("there is no camera", "camera.source", "is its cable in?")
        if mood == "hang-open":
            time.sleep(3600)
        return self

    def __exit__(self, *_: object) -> None:
        log(self._mood, "close")

    def prepare(self) -> None:
        log(self._mood, "prepare")

    def capture(self, slot: int) -> Frame:
        mood = self._mood.read_text()
        if mood == "refuse":
            raise CameraError("the camera gives no pictures", "/dev/video0", "is its cable in?")
        if mood == "raise":
            raise RuntimeError("buffer went away\nwith a second line")
        if mood == "hang":
            time.sleep(3600)
        if mood == "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        picture = self._random.integers(60, 160, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        if mood == "black":
            picture //= 64
        elif mood == "white":
            picture |= 254
        elif mood == "frozen":
            picture[:] = np.arange(WIDTH_PX)[:, None]
        return Frame(slot, str(slot + 1), picture, datetime.now(timezone.utc))


def log(mood: Path, event: str) -> None:
    with mood.with_suffix(".log").open("a") as file:
        file.write(f"{event} {os.getpid()}\n")
