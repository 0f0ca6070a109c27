"""Takes a few pictures for the audit, from files or from the camera of the settings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from edge_daemon.camera.factory import check_source
from edge_daemon.camera.files import open_files
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from edge_daemon.types import Frame

WARM_UP_S = 2.0
"""Seconds that the audit waits before each picture. People move a little between two pictures in this time."""
_OPENING_DEADLINE_S = 20.0
_IN_VAIN = 2
"""The audit stops with an error after this many failed pictures if no picture was good before."""


@dataclass(slots=True)
class AuditCaptures:
    """Findings made while the audit's pictures are taken: the unreadable pictures, and the focus of the camera."""

    unreadable: list[str] = field(default_factory=list)
    """A line for each picture that could not be read."""
    from_camera: bool = False
    lens_position: float | None = None
    """The focus that the camera found, in dioptres; None for files and for a lens without a motor."""


def take(config: CameraConfig, frames: Path | None, count: int, taking: AuditCaptures) -> Iterator[Frame]:
    """Yield up to `count` pictures, spread evenly over a folder or video, or one after another from the camera.

    Args:
        config: names the camera if `frames` is None.
        frames: folder or video, None for the camera.
        count: at least 1.
        taking: receives the unreadable pictures and the lens position while pictures are taken.

    Raises:
        CameraError: there is no such source, or it gives no picture.
    """
    if frames is None:
        check_source(config)
    taking.from_camera = frames is None
    source = Path(config.source) if frames is None and config.kind == "files" else frames
    some = False
    for frame in _from_files(source, count, taking) if source else _from_camera(config, count, taking):
        some = True
        yield frame
    if not some:
        raise CameraError(f"no picture could be taken ({taking.unreadable[0]})", str(source or f"camera {config.kind}"))


def _from_files(source: Path, count: int, taking: AuditCaptures) -> Iterator[Frame]:
    with open_files(source) as camera:
        for slot in sorted({round(i) for i in np.linspace(0, camera.count - 1, min(count, camera.count))}):
            try:
                frame = camera.capture(slot)
            except CameraError as error:
                where = Path(error.where).name
                taking.unreadable.append(f"{where} {error.what}")
                continue
            yield frame


def _from_camera(config: CameraConfig, count: int, taking: AuditCaptures) -> Iterator[Frame]:
    """Yield pictures from the camera, focused anew: the lens position in the settings may be for another place."""
    afresh = replace(config, lens_position=-1.0)
    taken = 0
    with CameraProcess(afresh, now=lambda: datetime.now(timezone.utc), deadline_s=_OPENING_DEADLINE_S) as camera:
        for slot in range(count):
            camera.prepare(slot)
            time.sleep(WARM_UP_S)
            try:
                frame = camera.capture(slot)
            except CameraError as error:
                taking.unreadable.append(f"picture {slot + 1}: {error.line()}")
                if not taken and len(taking.unreadable) >= _IN_VAIN:
                    return
                continue
            taken += 1
            taking.lens_position = camera.lens_position
            yield frame
