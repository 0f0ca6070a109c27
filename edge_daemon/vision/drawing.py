"""Draws on pictures: boxes with labels, unrecognisable faces, lines of text. Coordinates are pixels, colours BGR.

The module draws letters with OpenCV's strokes, which need no font on the device and support only ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Box, Picture

Colour = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_DUPLEX
_CAP_PX = 22
"""Height of a capital letter in pixels, at OpenCV's font scale 1."""
_PLAIN = str.maketrans({"°": " deg", "×": "x", "–": "-", "—": "-", "…": "...", "·": "-"})
_CELLS = 5
"""Number of squares across a blanked face, too few to recognise a person."""


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of text and the space that they need."""

    lines: tuple[str, ...]
    high_px: float
    """Height of a capital letter."""

    @property
    def scale(self) -> float:
        """Scale of the letters for OpenCV."""
        return self.high_px / _CAP_PX

    @property
    def thickness(self) -> int:
        """Thickness of the strokes, px."""
        return max(round(self.high_px / 13), 1)

    @property
    def step_px(self) -> int:
        """Distance from one line to the next, px."""
        return round(1.65 * self.high_px)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) with a margin around the text, px."""
        widths = [cv2.getTextSize(plain(line), _FONT, self.scale, self.thickness)[0][0] for line in self.lines]
        rim = round(0.7 * self.high_px)
        return max(widths, default=0) + rim, self.step_px * (len(self.lines) - 1) + round(self.high_px) + rim


def plain(text: str) -> str:
    """Return the text with only the characters that the strokes can draw."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode()


def write(picture: Picture, text: Text, left: float, top: float, colour: Colour) -> None:
    """Write lines of text; (left, top) is the corner of their margin."""
    x, y = round(left + 0.35 * text.high_px), round(top + 1.35 * text.high_px)
    for number, line in enumerate(text.lines):
        place = (x, y + number * text.step_px)
        cv2.putText(picture, plain(line), place, _FONT, text.scale, colour, text.thickness, cv2.LINE_AA)


def frame(picture: Picture, box: Box, colour: Colour, thickness: int) -> None:
    """Draw the outline of a box."""
    corner, opposite = (round(box.x), round(box.y)), (round(box.x + box.w), round(box.y + box.h))
    cv2.rectangle(picture, corner, opposite, colour, thickness, cv2.LINE_AA)


def points(picture: Picture, places: NDArray[np.float32], colour: Colour, radius: int) -> None:
    """Draw points (n, 2) as filled circles."""
    for x, y in places:
        cv2.circle(picture, (round(float(x)), round(float(y))), radius, colour, -1, cv2.LINE_AA)


def label(picture: Picture, text: Text, left: float, top: float, colour: Colour) -> None:
    """Write text on a filled box, in black or white, whichever is readable."""
    width, height = text.size
    cv2.rectangle(picture, (round(left), round(top)), (round(left) + width, round(top) + height), colour, -1)
    write(picture, text, left, top, ink(colour))


def ink(colour: Colour) -> Colour:
    """Return black or white, whichever is more readable on a colour."""
    blue, green, red = colour
    return (0, 0, 0) if 0.114 * blue + 0.587 * green + 0.299 * red > 140 else (255, 255, 255)


def blank(picture: Picture, box: Box) -> None:
    """Overwrite a face with hair and chin in the picture by a few squares, each in the mean colour of its area."""
    height, width = picture.shape[:2]
    left, right = (int(np.clip(x, 0, width)) for x in (box.x - 0.2 * box.w, box.x + 1.2 * box.w))
    top, bottom = (int(np.clip(y, 0, height)) for y in (box.y - 0.25 * box.h, box.y + 1.15 * box.h))
    part = picture[top:bottom, left:right]
    if part.size:
        few = cv2.resize(part, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
        part[:] = cv2.resize(few, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)


def free_place(size: tuple[int, int], box: Box, taken: Sequence[Box], picture: Picture) -> tuple[float, float]:
    """Return (left, top) for a label of a box, above, below or beside it, where the label covers other boxes least."""
    width, height = size
    middle, left, right = box.x + box.w / 2 - width / 2, box.x + box.w - width, box.x
    above, below = box.y - height, box.y + box.h
    places = [(x, y) for y in (above, below) for x in (middle, right, left)]
    places += [(x, y) for x in (box.x + box.w, box.x - width) for y in (box.y, box.y + box.h - height)]
    rows, columns = picture.shape[:2]

    def inside(place: tuple[float, float]) -> tuple[float, float]:
        return float(np.clip(place[0], 0, max(columns - width, 0))), float(np.clip(place[1], 0, max(rows - height, 0)))

    def covered(place: tuple[float, float]) -> float:
        return sum(_common(Box(*place, width, height), other) for other in [*taken, box])

    return min(map(inside, places), key=covered)


def wrapped(text: str, width_px: float, high_px: float) -> list[str]:
    """Break text into lines that fit into a width. A single word that is too long has its own line."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and Text((longer,), high_px).size[0] <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _common(a: Box, b: Box) -> float:
    wide = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    high = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(wide, 0.0) * max(high, 0.0)
