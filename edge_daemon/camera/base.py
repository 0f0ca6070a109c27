"""The interface of a camera to the rest of the program."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from edge_daemon.types import Frame

WARM_UP_S = 2.0
"""Seconds from `prepare` to the picture, in which exposure and white balance settle."""


class Camera(Protocol):
    """A source of pictures, open between `__enter__` and `__exit__`.

    If a picture can't be taken, `capture` raises a CameraError. This capture is then missed, and the next one is tried.
    """

    @property
    def lens_position(self) -> float | None:
        """Lens position at the last picture, in dioptres; None for a lens without a motor."""
        ...

    def __enter__(self) -> Camera:
        """Open the source; raises CameraError if there is none."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the source."""
        ...

    def prepare(self) -> None:
        """Start the sensor. Call it `WARM_UP_S` before the picture; calling it twice or not at all is allowed."""
        ...

    def capture(self, slot: int) -> Frame:
        """Take the picture for a slot of the capture plan, 0-based; raises CameraError if that fails.

        The exposure begins after the call, so the picture never comes from an old buffer. Its memory belongs to the
        caller.
        """
        ...
