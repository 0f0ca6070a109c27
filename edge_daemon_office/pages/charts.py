"""Charts as SVG: plain shapes, with colours from the style sheet. Each has a description in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

_SLOT, _HEIGHT = 4, 14
"""Width and height of one capture in the strip, in units of the SVG."""
_WIDE, _TALL = 600, 140


def strip(
    captures: int, seen: Collection[int], facing: Collection[int], missed: Collection[int], words: str
) -> SafeString:
    """Return a student's captures as a strip: full for facing, half for seen, a line for not seen, a dot for not taken.

    Args:
        captures: number of slots in the plan.
        seen: slots in which the student was seen.
        facing: slots in which the student faced the class.
        missed: slots without a picture.
        words: description of the strip for readers who don't see it.
    """
    paths = {"facing": "", "seen": "", "unseen": "", "missed": ""}
    for slot in range(captures):
        x = slot * _SLOT
        if slot in missed:
            paths["missed"] += f"M{x} 12h2v2h-2z"
        elif slot in facing:
            paths["facing"] += f"M{x} 0h3v14h-3z"
        elif slot in seen:
            paths["seen"] += f"M{x} 7h3v7h-3z"
        else:
            paths["unseen"] += f"M{x} 13h3v1h-3z"
    return format_html(
        '<svg class="strip" role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">'
        '<path class="facing" d="{}"/><path class="seen" d="{}"/><path class="unseen" d="{}"/>'
        '<path class="missed" d="{}"/></svg>',
        *(words, max(captures * _SLOT, 1), _HEIGHT),
        *(paths[name] for name in ("facing", "seen", "unseen", "missed")),
    )


def rate_line(rates: Sequence[tuple[str, float]], words: str) -> SafeString | str:
    """Return a line of rates (0 to 1) over time with labels; empty for fewer than two rates.

    Args:
        rates: label and rate, in order of time.
        words: description of the chart.
    """
    if len(rates) < 2:
        return ""
    step = (_WIDE - 60) / (len(rates) - 1)
    points = [(40 + n * step, 10 + (1 - rate) * (_TALL - 40)) for n, (_, rate) in enumerate(rates)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    every = max(1, len(rates) // 8)
    labels = "".join(
        format_html('<text x="{}" y="{}" text-anchor="middle">{}</text>', f"{x:.1f}", _TALL - 8, label)
        for n, ((x, _), (label, _)) in enumerate(zip(points, rates, strict=True))
        if n % every == 0
    )
    dots = "".join(format_html('<circle cx="{}" cy="{}" r="3"/>', f"{x:.1f}", f"{y:.1f}") for x, y in points)
    grid = "".join(
        format_html(
            '<line x1="40" x2="{}" y1="{}" y2="{}"/><text x="34" y="{}" text-anchor="end">{} %</text>',
            *(_WIDE - 20, y, y, y + 4, share),
        )
        for share, y in ((100, 10), (50, 10 + (_TALL - 40) / 2), (0, _TALL - 30))
    )
    return format_html(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}">{}<polyline points="{}"/>{}{}</svg>',
        *(words, _WIDE, _TALL, SafeString(grid), line, SafeString(dots), SafeString(labels)),
    )
