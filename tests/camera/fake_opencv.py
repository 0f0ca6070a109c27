"""cv2.VideoCapture without a device: pictures wait in buffers, and a late reader gets old ones.

A V4L2 driver fills as many buffers as it was given, and fills a buffer again when it is given back (Linux Media
userspace API, "Streaming I/O"). A GStreamer appsink with one buffer takes the next picture as soon as that was fetched.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np


class Scene:
    """What the camera looks at, and whether its cable is in."""

    def __init__(self) -> None:
        self.picture = np.full((48, 64, 3), 90, np.uint8)
        self.attached = True
        self.opened_by: FakeCapture | None = None
        self.refused_properties: set[int] = set()
        self.properties: dict[int, float] = {}
        self.spoilt = False


class FakeCapture:
    """One device, open unless somebody else has it."""

    def __init__(self, scene: Scene, buffers: int, refills_at_once: bool) -> None:
        self._scene, self._buffers, self._refills_at_once = scene, buffers, refills_at_once
        self._filled: deque[np.ndarray] | None = None
        self._held: np.ndarray | None = None
        self._open = scene.attached and scene.opened_by is None
        if self._open:
            scene.opened_by = self

    def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
        return self._open

    def set(self, which: int, value: float) -> bool:
        if which in self._scene.refused_properties:
            return False
        self._scene.properties[which] = value
        return True

    def grab(self) -> bool:
        if not self._open or not self._scene.attached:
            return False
        if self._filled is None:
            self._filled = deque(self._scene.picture.copy() for _ in range(self._buffers))
        elif not self._refills_at_once:
            self._filled.append(self._scene.picture.copy())
        self._held = self._filled.popleft()
        if self._refills_at_once:
            self._filled.append(self._scene.picture.copy())
        return True

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        if self._held is None or self._scene.spoilt:
            return False, None
        return True, self._held.copy()

    def release(self) -> None:
        self._open = False
        if self._scene.opened_by is self:
            self._scene.opened_by = None


def install(monkeypatch, scene: Scene, backend: int, buffers: int, refills_at_once: bool = False) -> None:
    """Put the fake in the place of cv2.VideoCapture; another backend than `backend` opens nothing, as in OpenCV."""

    def capture(source: object, api: int = cv2.CAP_ANY) -> FakeCapture:
        made = FakeCapture(scene, buffers, refills_at_once)
        if api != backend:
            made.release()
        return made

    monkeypatch.setattr(cv2, "VideoCapture", capture)
    registered = [*cv2.videoio_registry.getBackends(), backend]
    monkeypatch.setattr(cv2.videoio_registry, "getBackends", lambda: registered)
