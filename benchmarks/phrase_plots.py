"""ROC curves and confusion tables of phrases as pictures (SVG 1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Curve = tuple[Floats, Floats]

_SIDE, _LEFT, _TOP, _GAP = 260, 70, 40, 80
_COLOURS = ("#005a9c", "#9a4a00", "#2d7d2d")
_LARGEST = 0.2
"""Share of impostors and of rejected right clips that the plot shows: the range in which a threshold can lie."""
_CELL, _NAME = 110, 130


def roc_picture(plots: Mapping[str, Mapping[str, Curve]]) -> str:
    """Return an SVG document with a plot for each set, and a curve for each system in it."""
    width, height = _LEFT + len(plots) * (_SIDE + _GAP), _TOP + _SIDE + 90
    parts = [_plot(name, curves, _LEFT + i * (_SIDE + _GAP)) for i, (name, curves) in enumerate(plots.items())]
    names = list(next(iter(plots.values())))
    legend = [
        f'<rect x="{_LEFT + 150 * i}" y="{height - 22}" width="24" height="4" fill="{_COLOURS[i]}"/>'
        f'<text x="{_LEFT + 150 * i + 30}" y="{height - 16}">{name.replace("_", " ")}</text>'
        for i, name in enumerate(names)
    ]
    return _document(width, height, [*parts, *legend])


def _plot(title: str, curves: Mapping[str, Curve], left: int) -> str:
    bottom = _TOP + _SIDE
    parts = [f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{title}</text>']
    for step in range(5):
        share, at = _LARGEST * step / 4, _SIDE * step / 4
        parts += [
            f'<path d="M{left} {bottom - at}h{_SIDE}M{left + at} {_TOP}v{_SIDE}" stroke="#ddd"/>',
            f'<text x="{left - 8}" y="{bottom - at + 4}" text-anchor="end">{1 - _LARGEST + share:.2f}</text>',
            f'<text x="{left + at}" y="{bottom + 18}" text-anchor="middle">{share:.2f}</text>',
        ]
    for colour, (false, true) in zip(_COLOURS, curves.values(), strict=False):
        shown = (false <= _LARGEST) & (true >= 1 - _LARGEST)
        points = _corners(false[shown] / _LARGEST, (true[shown] - 1 + _LARGEST) / _LARGEST, left, bottom)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
    up = "right clips that pass"
    middle, side = left + _SIDE / 2, _TOP + _SIDE / 2
    parts += [
        f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">impostors that pass</text>',
        f'<text x="{left - 50}" y="{side}" text-anchor="middle" transform="rotate(-90 {left - 50} {side})">{up}</text>',
        f'<path d="M{left} {_TOP}V{bottom}h{_SIDE}" fill="none" stroke="black"/>',
    ]
    return "\n".join(parts)


def _corners(x: Floats, y: Floats, left: int, bottom: int) -> str:
    """Return the points of a curve; points within a straight segment are left out."""
    if not len(x):
        return ""
    turn = np.ones(len(x), bool)
    turn[1:-1] = (np.diff(y)[:-1] != 0) | (np.diff(y)[1:] != 0)
    return " ".join(f"{left + _SIDE * a:.1f},{bottom - _SIDE * b:.1f}" for a, b in zip(x[turn], y[turn], strict=True))


def confusion_picture(tables: Mapping[str, Sequence[tuple[str, int, int]]]) -> str:
    """Return an SVG document with a table for each set: how many clips of each kind passed and were refused."""
    rows = max(len(table) for table in tables.values())
    one = _NAME + 2 * _CELL + 40
    parts: list[str] = []
    for i, (name, table) in enumerate(tables.items()):
        left = 20 + i * one
        parts.append(f'<text x="{left}" y="24" font-weight="bold">{name}</text>')
        parts += [
            f'<text x="{left + _NAME + _CELL * (j + 0.5)}" y="46" text-anchor="middle">{text}</text>'
            for j, text in enumerate(("accepted", "refused"))
        ]
        for row, (kind, accepted, refused) in enumerate(table):
            parts += _row(left, 56 + 32 * row, kind.replace("_", " "), (accepted, refused))
    return _document(20 + one * len(tables), 72 + 32 * rows, parts)


def _row(left: int, top: int, kind: str, counts: tuple[int, int]) -> list[str]:
    total = max(sum(counts), 1)
    cells = [f'<text x="{left}" y="{top + 20}">{kind}</text>']
    for j, count in enumerate(counts):
        share, x = count / total, left + _NAME + _CELL * j
        ink = "white" if share > 0.5 else "black"
        text = f"{count:,} ({100 * share:.1f} %)"
        cells += [
            f'<rect x="{x}" y="{top}" width="{_CELL - 2}" height="30" fill="#005a9c" fill-opacity="{share:.3f}"/>',
            f'<text x="{x + _CELL / 2}" y="{top + 20}" text-anchor="middle" fill="{ink}">{text}</text>',
        ]
    return cells


def _document(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="13">\n<rect width="{width}" height="{height}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
