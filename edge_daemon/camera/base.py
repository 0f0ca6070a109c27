"""What a camera is to the rest of the program."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from edge_daemon.types import Frame


class Camera(Protocol):
    """A source of pictures, open between `__enter__` and `__exit__`.

    Whatever keeps one picture from being had is a CameraError of `capture`: that capture is missed, the next is tried.
    """

    def __enter__(self) -> Camera:
        """Open the source; raises CameraError when there is none."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the source back."""
        ...

    def capture(self, slot: int) -> Frame:
        """Take the picture for a slot of the capture plan, 0-based; raises CameraError when it is missed."""
        ...
