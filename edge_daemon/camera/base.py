"""What a camera is to the rest of the program."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from edge_daemon.types import Frame

WARM_UP_S = 2.0
"""From `prepare` to the instant of the picture: exposure and white balance settle in this time."""


class Camera(Protocol):
    """A source of pictures, open between `__enter__` and `__exit__`.

    Whatever keeps one picture from being had is a CameraError of `capture`: that capture is missed, the next is tried.
    """

    @property
    def lens_position(self) -> float | None:
        """Where the lens stood at the last picture, in dioptres; None where no motor moves it."""
        ...

    def __enter__(self) -> Camera:
        """Open the source; raises CameraError when there is none."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the source back."""
        ...

    def prepare(self) -> None:
        """Wake the sensor, WARM_UP_S before a picture is wanted; may be called twice, or not at all."""
        ...

    def capture(self, slot: int) -> Frame:
        """Take the picture for a slot of the capture plan, 0-based; raises CameraError when it is missed.

        The picture is exposed after the call, never one that was waiting in a buffer; its memory is the caller's.
        """
        ...
