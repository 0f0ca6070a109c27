"""The audit as a picture: seats in the colours of their rows, and beneath it what there is to know and to do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np

from edge_daemon.app import drawing
from edge_daemon.app.audit.expect import LEAST_PX
from edge_daemon.app.audit.room import Audit
from edge_daemon.app.audit.rows import JudgedSeat, Row
from edge_daemon.app.drawing import Colour, Text
from edge_daemon.types import Box, Picture

_COLOURS: tuple[Colour, ...] = (
    (0, 159, 230),
    (178, 114, 0),
    (115, 158, 0),
    (167, 121, 204),
    (233, 180, 86),
    (66, 228, 240),
    (0, 94, 213),
)
"""Okabe and Ito's, which people with any colour vision tell apart; BGR, used in turn."""
_PAPER, _INK, _ALARM = (250, 250, 250), (30, 30, 30), (40, 40, 200)
_LETTERS = 75
"""Letters of a capital's height that go into the picture's width: to be read on a phone."""


def draw(audit: Audit, *, show_faces: bool) -> Picture:
    """Return the picture with most faces, drawn on, and a panel beneath it.

    Args:
        audit: what was found; its picture is not changed.
        show_faces: leave faces as they are; otherwise everything that may be a face is blanked.
    """
    picture = audit.shown.picture.copy()
    if not show_faces:
        for box in (*audit.shown.suspected, *(s.seat.box for row in audit.rows for s in row.seats)):
            drawing.blank(picture, box)
    high_px = picture.shape[1] / _LETTERS
    _draw_seats(picture, audit.rows, high_px)
    return np.vstack([picture, _panel(audit, picture.shape[1], high_px)])


def _draw_seats(picture: Picture, rows: Sequence[Row], high_px: float) -> None:
    """Draw all boxes, then the labels, each where it hides least."""
    boxes = [s.seat.box for row in rows for s in row.seats]
    thickness = max(round(high_px / 9), 2)
    for row in rows:
        for seat in row.seats:
            weak = seat.seat.width_px < LEAST_PX
            drawing.frame(picture, seat.seat.box, _ALARM if weak else _colour(row), thickness)
    taken = list(boxes)
    for row in reversed(rows):
        for seat in row.seats:
            text = Text(_words(seat), high_px)
            left, top = drawing.free_place(text.size, seat.seat.box, taken, picture)
            drawing.label(picture, text, left, top, _colour(row))
            taken.append(Box(left, top, *text.size))


def _words(seat: JudgedSeat) -> tuple[str, ...]:
    return f"{seat.expected.hit:.0%}", f"{seat.seat.width_px:.0f}px"


def _colour(row: Row) -> Colour:
    return _COLOURS[(row.number - 1) % len(_COLOURS)]


def _panel(audit: Audit, width: int, high_px: float) -> Picture:
    """Return the rows in their colours, and the advice."""
    lines: list[tuple[str, Colour | None]] = [(line, None) for line in _headline(audit)]
    lines += [(row_line(row), _colour(row)) for row in reversed(audit.rows)]
    margin = round(high_px)
    letters = _fitting(width - 2 * margin, high_px)
    for number, advice in enumerate(audit.advice, 1):
        lines += [(line, None) for line in textwrap.wrap(f"{number}. {advice.text}", letters, subsequent_indent="   ")]
    step = round(1.9 * high_px)
    panel = np.full((step * len(lines) + 2 * margin, width, 3), _PAPER, np.uint8)
    for number, (line, colour) in enumerate(lines):
        left, top = margin, margin + number * step
        if colour is not None:
            side = round(1.4 * high_px)
            cv2.rectangle(panel, (left, top + side // 4), (left + side, top + side // 4 + side), colour, -1)
            left += 2 * side
        drawing.write(panel, Text((line,), high_px), left, top, _INK)
    return panel


def _headline(audit: Audit) -> list[str]:
    where = f"{audit.seats} seats with a face in {audit.pictures} pictures"
    return [f"{where}; in each box: share of captures that will count, width of the face"]


def row_line(row: Row) -> str:
    """Return a row in a few words."""
    seats = "1 seat" if len(row.seats) == 1 else f"{len(row.seats)} seats"
    return f"row {row.number}: {seats}, {row.width_px:.0f} px, about {row.distance_m:.1f} m away: {row.hit:.0%}"


def _fitting(width_px: int, high_px: float) -> int:
    """Return how many letters fit into a line."""
    letter = Text(("n" * 100,), high_px).size[0] / 100
    return int(width_px / letter)
