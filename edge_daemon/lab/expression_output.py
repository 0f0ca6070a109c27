"""Output of an expression run: annotated pictures, tables, JSON. Each contains the notice of `law.py`."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_classes import CLASSES, HEADS
from edge_daemon.lab.expression_faces import ExpressionFace, FacesOfPicture, word
from edge_daemon.lab.expression_model import Probabilities
from edge_daemon.lab.law import NOTICE, SHORT_NOTICE
from edge_daemon.types import Picture
from edge_daemon.vision import drawing

FACES_TABLE, TRACKS_TABLE = "expression.csv", "tracks.csv"
_COLOUR: drawing.Colour = (178, 114, 0)
_PAPER, _INK = (250, 250, 250), (40, 40, 200)
_LEAST_LETTER_PX = 9.0
_NUMBERS = tuple(f"{head}_{label}" for head in HEADS for label in CLASSES)


def annotated(one: FacesOfPicture) -> Picture:
    """Return a picture with a word at each face, and the notice beneath it; the original is not changed."""
    drawn = _enlarged(one.picture)
    scale = drawn.shape[1] / one.picture.shape[1]
    for face in one.faces:
        label, probability = word(face.probabilities)
        box = type(face.box)(*(scale * side for side in (face.box.x, face.box.y, face.box.w, face.box.h)))
        high_px = max(box.w / 8, _LEAST_LETTER_PX)
        drawing.frame(drawn, box, _COLOUR, max(round(high_px / 6), 1))
        text = drawing.Text((f"{label} {probability:.2f}",), high_px)
        drawing.label(drawn, text, box.x, max(box.y - text.size[1], 0), _COLOUR)
    return np.asarray(np.vstack([drawn, notice_panel(drawn.shape[1])]), np.uint8)


def _enlarged(picture: Picture) -> Picture:
    """Return a copy in which the notice can be read: at least 320 px wide."""
    factor = max(1, round(320 / picture.shape[1]))
    if factor == 1:
        return np.array(picture)
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST), np.uint8)


def notice_panel(width_px: int) -> Picture:
    """Return the notice as a panel to put beneath a picture, `width_px` wide."""
    high_px = max(width_px / 60, _LEAST_LETTER_PX)
    lines = tuple(drawing.wrapped(SHORT_NOTICE, width_px - high_px, high_px))
    text = drawing.Text(lines, high_px)
    panel = np.full((text.size[1] + round(0.5 * high_px), width_px, 3), _PAPER, np.uint8)
    drawing.write(panel, text, 0, 0, _INK)
    return panel


def faces_table(faces: Iterable[ExpressionFace]) -> bytes:
    """Return a line for each face as CSV, with the notice in each."""
    heads = ("picture", "track", "x", "y", "w", "h", "label", *_NUMBERS, "notice")
    return _csv([heads, *(_face_row(face) for face in faces)])


def tracks_table(tracks: Mapping[int, Probabilities]) -> bytes:
    """Return a line for each track of a video as CSV: the mean over its frames, by each head."""
    heads = ("track", *(f"label_{head}" for head in HEADS), *_NUMBERS, "notice")
    rows = (
        (track, *(word(mean, head)[0] for head in HEADS), *_numbers(mean), NOTICE) for track, mean in tracks.items()
    )
    return _csv([heads, *rows])


def to_json(pictures: int, faces: Iterable[ExpressionFace], tracks: Mapping[int, Probabilities]) -> dict[str, object]:
    """Return the document that `lab expression --json` prints; other programs read it."""
    return {
        "notice": NOTICE,
        "pictures": pictures,
        "faces": [
            {
                "picture": face.picture,
                "track": face.track or None,
                **{key: round(getattr(face.box, key), 1) for key in "xywh"},
                "label": word(face.probabilities)[0],
                "probabilities": _by_head(face.probabilities),
            }
            for face in faces
        ],
        "tracks": [
            {"track": track, "label": word(mean)[0], "probabilities": _by_head(mean)} for track, mean in tracks.items()
        ],
    }


def write_file(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read.

    Raises:
        LabError: the file can't be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise LabError(f"can't be written: {error.strerror}", str(path)) from error


def png(picture: Picture) -> bytes:
    """Return a picture as a PNG file."""
    done, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    if not done:
        raise ValueError("OpenCV can't make a PNG of this")
    return data.tobytes()


def _face_row(face: ExpressionFace) -> Iterator[object]:
    box = face.box
    yield from (face.picture, face.track or "", *(f"{side:.1f}" for side in (box.x, box.y, box.w, box.h)))
    yield from (word(face.probabilities)[0], *_numbers(face.probabilities), NOTICE)


def _numbers(probabilities: Probabilities) -> list[str]:
    return [f"{p:.4f}" for p in probabilities.reshape(-1)]


def _by_head(probabilities: Probabilities) -> dict[str, dict[str, float]]:
    return {
        head: {label: round(float(p), 4) for label, p in zip(CLASSES, row, strict=True)}
        for head, row in zip(HEADS, probabilities, strict=True)
    }


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")
