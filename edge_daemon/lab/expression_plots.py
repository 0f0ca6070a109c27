"""Pictures about a training: curve, confusion and distribution of the labels as SVG 1.1, samples as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX
from edge_daemon.lab.expression_figures import HeadFigures
from edge_daemon.lab.expression_output import notice_panel
from edge_daemon.lab.fer_pictures import LabelledPictures
from edge_daemon.types import Picture
from edge_daemon.vision import drawing

_COLOURS = ("#9a4a00", "#2d7d2d", "#005a9c")
_WIDTH, _HEIGHT, _LEFT, _TOP = 560, 280, 60, 40
_CELL, _ROW, _NAME = 62, 28, 80
_SAMPLES_A_LABEL, _NAME_PX, _INK = 8, 90, (20, 20, 20)


def curve_picture(curve: Sequence[Sequence[float]], heads: Sequence[str] = HEADS) -> str:
    """Return the accuracy of each head after each epoch as SVG.

    Args:
        curve: lines of `CURVE_HEADS`: epoch, seconds, loss, then the accuracy of each head.
        heads: names of the heads.
    """
    epochs, top = max(int(line[0]) for line in curve), 0.8
    bottom = _TOP + _HEIGHT
    parts = [_text(_LEFT, _TOP - 14, "accuracy after each epoch, averaged weights", bold=True)]
    for step in range(5):
        y = bottom - _HEIGHT * step / 4
        parts.append(f'<path d="M{_LEFT} {y:.1f}h{_WIDTH}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{top * step / 4:.1f}", anchor="end"))
    for k, head in enumerate(heads):
        points = " ".join(
            f"{_LEFT + _WIDTH * (line[0] - 1) / max(epochs - 1, 1):.1f},{bottom - _HEIGHT * line[3 + k] / top:.1f}"
            for line in curve
        )
        parts.append(f'<polyline fill="none" stroke="{_COLOURS[k]}" stroke-width="2" points="{points}"/>')
        parts.append(f'<rect x="{_LEFT + 150 * k}" y="{bottom + 46}" width="24" height="4" fill="{_COLOURS[k]}"/>')
        parts.append(_text(_LEFT + 150 * k + 30, bottom + 52, head))
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}h{_WIDTH}" fill="none" stroke="black"/>')
    parts += [_text(_LEFT, bottom + 20, "1"), _text(_LEFT + _WIDTH, bottom + 20, str(epochs), anchor="end")]
    parts.append(_text(_LEFT + _WIDTH / 2, bottom + 20, "epoch", anchor="middle"))
    return _document(_LEFT + _WIDTH + 30, bottom + 70, parts)


def confusion_picture(by_head: Mapping[str, HeadFigures]) -> str:
    """Return a confusion matrix for each head as SVG; a cell's colour is its share of the row."""
    one = _NAME + len(CLASSES) * _CELL + 40
    parts: list[str] = []
    for k, (head, found) in enumerate(by_head.items()):
        left = 20 + k * one
        parts.append(_text(left, 24, f"{head}: rows are labels of the data set", bold=True))
        for column, label in enumerate(CLASSES):
            parts.append(_text(left + _NAME + _CELL * (column + 0.5), 48, label, anchor="middle"))
        for row, (label, counts) in enumerate(zip(CLASSES, found.confusion, strict=True)):
            parts += _confusion_row(left, 58 + _ROW * row, label, counts)
    return _document(20 + one * len(by_head), 74 + _ROW * len(CLASSES), parts)


def _confusion_row(left: int, top: int, label: str, counts: NDArray[np.int64]) -> list[str]:
    parts = [_text(left, top + 19, label)]
    for column, count in enumerate(counts):
        share, x = count / max(counts.sum(), 1), left + _NAME + _CELL * column
        size = f'width="{_CELL - 2}" height="{_ROW - 2}"'
        parts.append(f'<rect x="{x}" y="{top}" {size} fill="#005a9c" fill-opacity="{share:.3f}"/>')
        ink = "white" if share > 0.5 else "black"
        parts.append(_text(x + _CELL / 2, top + 19, f"{count:,}", anchor="middle", ink=ink))
    return parts


def distribution_picture(splits: Mapping[str, LabelledPictures]) -> str:
    """Return the number of pictures of each label as SVG, with bars for each split."""
    parts = [_text(_LEFT, 24, "pictures of each label", bold=True)]
    counts = {name: np.bincount(one.labels, minlength=len(CLASSES)) for name, one in splits.items()}
    most = max(int(one.max()) for one in counts.values())
    row = 18 * len(splits) + 12
    for k, label in enumerate(CLASSES):
        parts.append(_text(_LEFT + 20, 54 + row * k, label, anchor="end"))
        for j, (name, one) in enumerate(counts.items()):
            y, width = 42 + row * k + 18 * j, 420 * int(one[k]) / max(most, 1)
            parts.append(f'<rect x="{_LEFT + 30}" y="{y}" width="{width:.1f}" height="15" fill="{_COLOURS[j]}"/>')
            parts.append(_text(_LEFT + 36 + width, y + 12, f"{name} {one[k]:,}"))
    return _document(_LEFT + _WIDTH + 60, 50 + row * len(CLASSES), parts)


def samples_picture(pictures: LabelledPictures) -> Picture:
    """Return samples of each label, spread evenly over its pictures, with the notice beneath them."""
    side = 2 * SIDE_PX
    sheet = np.full((side * len(CLASSES), _NAME_PX + side * _SAMPLES_A_LABEL, 3), 250, np.uint8)
    for k, label in enumerate(CLASSES):
        drawing.write(sheet, drawing.Text((label,), 10.0), 0, k * side + SIDE_PX - 10, _INK)
        found = np.flatnonzero(pictures.labels == k)
        chosen = found[np.linspace(0, len(found) - 1, min(len(found), _SAMPLES_A_LABEL)).round().astype(int)]
        for column, number in enumerate(chosen):
            enlarged = pictures.pictures[number].repeat(2, 0).repeat(2, 1)
            left = _NAME_PX + side * column
            sheet[k * side : (k + 1) * side, left : left + side] = enlarged[..., None]
    return np.asarray(np.vstack([sheet, notice_panel(sheet.shape[1])]), np.uint8)


def _text(x: float, y: float, text: str, *, anchor: str = "start", ink: str = "black", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}"{weight}>{text}</text>'


def _document(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="13">\n<rect width="{width}" height="{height}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
