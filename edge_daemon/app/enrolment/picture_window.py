"""Shows the last picture in a window, if there is a screen; without one only the terminal guides the user."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Final

import cv2
import numpy as np

from edge_daemon.types import Face, Picture

_TITLE: Final = "edge-daemon enrol capture"
_SIDE_PX: Final = 720
_GREEN, _RED = (80, 200, 80), (60, 60, 230)


class PictureWindow:
    """Shows pictures, mirrored left to right, until the window is closed; no picture is kept."""

    def __init__(self) -> None:
        self.is_open = False

    def __enter__(self) -> PictureWindow:
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return self
        try:
            cv2.namedWindow(_TITLE, cv2.WINDOW_AUTOSIZE)
            self.is_open = True
        except (cv2.error, AttributeError):  # OpenCV without screen support, like the headless package
            self.is_open = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_open:
            cv2.destroyAllWindows()
            self.is_open = False

    def show(self, picture: Picture, face: Face | None, word: str) -> None:
        """Show a picture with its face framed and a text below it; does nothing without a window."""
        if self.is_open:
            cv2.imshow(_TITLE, annotated(picture, face, word))
            cv2.waitKey(1)


def annotated(picture: Picture, face: Face | None, word: str) -> Picture:
    """Return a picture for the window: mirrored, its face framed, with a line of text below."""
    scale = _SIDE_PX / max(picture.shape[:2])
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    shown = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    colour = _RED if face is None else _GREEN
    if face is not None:
        corners = (face.box.x, face.box.y, face.box.x + face.box.w, face.box.y + face.box.h)
        left, top, right, bottom = (round(value * scale) for value in corners)
        cv2.rectangle(shown, (left, top), (right, bottom), colour, 2)
    mirrored = np.ascontiguousarray(shown[:, ::-1])
    footer = np.full((36, width, 3), 24, np.uint8)
    text = word.encode("ascii", "replace").decode()  # OpenCV's font has only ASCII
    cv2.putText(footer, text[:80], (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    result: Picture = np.vstack([mirrored, footer]).astype(np.uint8, copy=False)
    return result
