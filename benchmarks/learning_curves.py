"""Learning curves as a picture (SVG 1.1): training loss and share of right answers for each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Points = Sequence[Mapping[str, Any]]

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 360, 240, 60, 40, 90
_COLOURS = ("#9a4a00", "#005a9c", "#2d7d2d", "#7a2d7d")


def drawn(points: Points, networks: Sequence[str]) -> str:
    """Return an SVG document: loss and share of right answers, each plotted as a line for each network and seed."""
    plots = [
        _plot(points, networks, "loss", "loss in training", _LEFT),
        _plot(points, networks, "right", "right on digits not trained on", _LEFT + _WIDTH + _GAP),
    ]
    width, height = _LEFT + 2 * _WIDTH + _GAP + 30, _TOP + _HEIGHT + 80
    names = "".join(
        f'<rect x="{_LEFT + 120 * i}" y="{height - 22}" width="24" height="4" fill="{_COLOURS[i]}"/>'
        f'<text x="{_LEFT + 120 * i + 30}" y="{height - 16}">{name}</text>'
        for i, name in enumerate(networks)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="13">\n<rect width="{width}" height="{height}" fill="white"/>\n'
        + "\n".join(plots)
        + f"\n{names}\n</svg>\n"
    )


def _plot(points: Points, networks: Sequence[str], key: str, title: str, left: int) -> str:
    """Return one plot, with its left edge at `left` pixels."""
    values = [float(p[key]) for p in points]
    epochs = max(int(p["epoch"]) for p in points)
    low, high = (0.0, max(values)) if key == "loss" else (min(0.9, *values), 1.0)

    def place(epoch: int, value: float) -> str:
        x = left + _WIDTH * (epoch - 1) / max(1, epochs - 1)
        return f"{x:.1f},{_y(value, low, high):.1f}"

    lines = [
        f'<polyline fill="none" stroke="{_COLOURS[networks.index(name)]}" stroke-width="1.5" points="'
        + " ".join(place(int(p["epoch"]), float(p[key])) for p in points if (p["network"], p["seed"]) == (name, seed))
        + '"/>'
        for name, seed in sorted({(str(p["network"]), int(p["seed"])) for p in points})
    ]
    return "\n".join([*_axes(title, left, epochs, low, high), *lines])


def _axes(title: str, left: int, epochs: int, low: float, high: float) -> list[str]:
    """Return the frame of a plot with values at its left, and the first and last epoch below."""
    bottom = _TOP + _HEIGHT
    marks = [low + (high - low) * step / 4 for step in range(5)]
    return [
        f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{title}</text>',
        *(
            f'<path d="M{left} {_y(m, low, high):.1f}h{_WIDTH}" stroke="#ddd"/>'
            f'<text x="{left - 8}" y="{_y(m, low, high) + 4:.1f}" text-anchor="end">{m:.3g}</text>'
            for m in marks
        ),
        f'<path d="M{left} {_TOP}V{bottom}H{left + _WIDTH}" fill="none" stroke="black"/>',
        f'<text x="{left}" y="{bottom + 20}" text-anchor="middle">1</text>',
        f'<text x="{left + _WIDTH}" y="{bottom + 20}" text-anchor="middle">{epochs}</text>',
        f'<text x="{left + _WIDTH / 2}" y="{bottom + 20}" text-anchor="middle">epoch</text>',
    ]


def _y(value: float, low: float, high: float) -> float:
    """Return the vertical position of a value in the picture."""
    return _TOP + _HEIGHT * (1 - (value - low) / (high - low))
