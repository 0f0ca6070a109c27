"""The audit as a picture: seats in the colours of their rows, and a panel with figures and advice below."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge_daemon.app.audit.expected_accuracy import LEAST_PX
from edge_daemon.app.audit.room_audit import Audit
from edge_daemon.app.audit.seat_rows import RatedSeat, SeatRow
from edge_daemon.types import Box, Picture
from edge_daemon.vision import drawing
from edge_daemon.vision.drawing import Colour, Text

_COLOURS: tuple[Colour, ...] = (
    (0, 159, 230),
    (178, 114, 0),
    (115, 158, 0),
    (167, 121, 204),
    (233, 180, 86),
    (66, 228, 240),
    (0, 94, 213),
    (150, 150, 150),
    (70, 70, 130),
    (190, 235, 190),
)
"""Colours in BGR, used in turn. The first seven, by Okabe and Ito, are distinguishable with any colour vision."""
_PAPER, _INK, _ALARM = (250, 250, 250), (30, 30, 30), (40, 40, 200)
_LETTERS = 75
"""Width of the picture divided by the height of a capital letter. The text is then readable on a phone."""


def draw(audit: Audit, *, show_faces: bool) -> Picture:
    """Return the picture with the most faces, with the seats drawn on it and a panel below.

    Args:
        audit: the findings; their picture is not changed.
        show_faces: True leaves faces as they are; otherwise everything that may be a face is blanked.
    """
    picture = audit.shown.picture.copy()
    if not show_faces:
        for box in (*audit.shown.suspected, *(s.seat.box for row in audit.rows for s in row.seats)):
            drawing.blank(picture, box)
    high_px = picture.shape[1] / _LETTERS
    if show_faces:
        _draw_points(picture, audit)
    _draw_seats(picture, audit.rows, high_px)
    return np.vstack([picture, _panel(audit, picture.shape[1], high_px)])


def png(picture: Picture) -> bytes:
    """Return a picture as a PNG file."""
    done, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    if not done:
        raise ValueError("OpenCV can't make a PNG of this")
    return data.tobytes()


def _draw_seats(picture: Picture, rows: Sequence[SeatRow], high_px: float) -> None:
    """Draw all boxes, then put each label where it covers boxes and other labels least."""
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


def _draw_points(picture: Picture, audit: Audit) -> None:
    """Draw the 68 standard points of each face in the picture that the audit shows."""
    for row in audit.rows:
        for look in (look for seat in row.seats for look in seat.seat.looks):
            if look.picture == audit.shown.index and look.face.landmarks is not None:
                radius = max(round(look.face.box.w / 90), 1)
                drawing.points(picture, look.face.landmarks, _colour(row), radius)


def _words(seat: RatedSeat) -> tuple[str, ...]:
    return f"{seat.expected.hit:.0%}", f"{seat.seat.width_px:.0f}px"


def _colour(row: SeatRow) -> Colour:
    return _COLOURS[(row.number - 1) % len(_COLOURS)]


def _panel(audit: Audit, width: int, high_px: float) -> Picture:
    """Return a panel with the rows in their colours, and the advice."""
    step, margin = round(1.9 * high_px), round(high_px)
    advice = [
        (line, number == 0)
        for counted, advice in enumerate(audit.advice, 1)
        for number, line in enumerate(
            drawing.wrapped(f"{counted}. {advice.text}", width - 2 * margin - 2 * high_px, high_px)
        )
    ]
    table = [HEADS, *map(row_cells, reversed(audit.rows))] if audit.rows else []
    panel = np.full((step * (1 + len(table) + len(advice)) + 3 * margin, width, 3), _PAPER, np.uint8)
    drawing.write(panel, Text((_headline(audit),), high_px), margin, margin, _INK)
    for number, cells in enumerate(table, 1):
        top = margin + number * step
        if number > 1:
            colour = _colour(audit.rows[len(audit.rows) - number + 1])
            corner = (margin, top + round(0.35 * high_px))
            opposite = (margin + round(1.3 * high_px), top + round(1.65 * high_px))
            cv2.rectangle(panel, corner, opposite, colour, -1)
        for column, cell in enumerate(cells):
            drawing.write(panel, Text((cell,), high_px), margin + high_px * (2 + 8.7 * column), top, _INK)
    for number, (line, first) in enumerate(advice, 1 + len(table)):
        left = margin + (0 if first else 2 * high_px)
        drawing.write(panel, Text((line,), high_px), left, 2 * margin + number * step, _INK)
    return panel


def _headline(audit: Audit) -> str:
    seats = "1 seat" if audit.seats == 1 else f"{audit.seats} seats"
    pictures = "1 picture" if audit.pictures == 1 else f"{audit.pictures} pictures"
    return f"{seats} with a face in {pictures}; at each: hit rate of one capture, width of the face"


HEADS = ("row", "seats", "face", "sharp", "light", "away", "hit rate", "register")


def row_cells(row: SeatRow) -> tuple[str, ...]:
    """Return the cells of a row, in the order of `HEADS`."""
    return (
        f"{row.number}",
        f"{len(row.seats)}",
        f"{row.width_px:.0f} px",
        f"{row.sharpness:.2f}",
        f"{row.luma:.0f}",
        f"{row.distance_m:.0f} m",
        f"{row.hit:.0%}",
        f"{row.register:.0%}",
    )
