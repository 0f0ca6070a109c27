"""Charts as SVG: plain shapes, with colours from the style sheet. Each has a description in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from django.utils.formats import date_format, get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from edge_daemon_office.room_audit import AuditRow

_SLOT, _HEIGHT = 4, 14
"""Width and height of one capture in the strip, in units of the SVG."""
_WIDE, _TALL = 600, 140
_SEAT_WIDE, _SEAT_TALL, _GAP = 52, 34, 8
"""Size of a seat, and the distance between two, in units of the SVG."""
_GOOD = 0.75
"""Hit rate from which a seat counts as well seen."""
_FAIR = 0.5
"""Hit rate from which a seat is seen often enough for most rules."""


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


def rate_line(rates: Sequence[tuple[str, float]], words: str, *, is_rtl: bool = False) -> SafeString | str:
    """Return a line of rates (0 to 1) over time with labels; empty for fewer than two rates.

    Args:
        rates: label and rate, in order of time.
        words: description of the chart.
        is_rtl: True: time runs from right to left, as the language is read.
    """
    if len(rates) < 2:
        return ""
    step = (_WIDE - 66) / (len(rates) - 1)
    points = [
        (_WIDE - 46 - n * step if is_rtl else 46 + n * step, 10 + (1 - rate) * (_TALL - 40))
        for n, (_, rate) in enumerate(rates)
    ]
    left, right, at, anchor = (20, _WIDE - 46, _WIDE - 40, "start") if is_rtl else (46, _WIDE - 20, 40, "end")
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
            '<line x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="{}">{} %</text>',
            *(left, right, y, y, at, y + 4, anchor, share),
        )
        for share, y in ((100, 10), (50, 10 + (_TALL - 40) / 2), (0, _TALL - 30))
    )
    return format_html(
        '<svg class="chart" role="img" aria-label="{}" direction="ltr" viewBox="0 0 {} {}">{}<polyline points="{}"/>'
        "{}{}</svg>",
        *(words, _WIDE, _TALL, SafeString(grid), line, SafeString(dots), SafeString(labels)),
    )


def day_and_month(day: date) -> str:
    """Return a day without its year, in the shortest form that the language uses: `16 Nov`, `16.11.`."""
    return date_format(day, re.sub(r"[\s/-]*Y", "", get_format("SHORT_DATE_FORMAT")).strip("/- "))


def seats(rows: Sequence[AuditRow], words: str, row_words: str) -> SafeString:
    """Return the seats of a room as the camera sees them, each with its expected hit rate; the nearest row is lowest.

    The picture is not mirrored for languages that run from right to left, because the room is not.

    Args:
        rows: the rows, the nearest first.
        words: description of the chart.
        row_words: the label of a row, with `%s` for its number.
    """
    most = max(len(row.hit_rates) for row in rows)
    wide, tall = 70 + most * (_SEAT_WIDE + _GAP), len(rows) * (_SEAT_TALL + _GAP)
    parts = []
    for number, row in enumerate(rows):
        y = tall - (number + 1) * (_SEAT_TALL + _GAP) + _GAP / 2
        middle = y + _SEAT_TALL / 2 + 4
        parts.append(format_html('<text x="0" y="{}">{}</text>', middle, row_words % row.row))
        begin = 70 + (most - len(row.hit_rates)) * (_SEAT_WIDE + _GAP) / 2
        for place, rate in enumerate(row.hit_rates):
            x = begin + place * (_SEAT_WIDE + _GAP)
            kind = "good" if rate >= _GOOD else "fair" if rate >= _FAIR else "poor"
            parts.append(
                format_html(
                    '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="4"/>'
                    '<text x="{}" y="{}" text-anchor="middle">{} %</text>',
                    *(kind, x, y, _SEAT_WIDE, _SEAT_TALL, x + _SEAT_WIDE / 2, middle, round(100 * rate)),
                )
            )
    return format_html(
        '<svg class="chart seats" role="img" aria-label="{}" direction="ltr" viewBox="0 0 {} {}" width="{}">{}</svg>',
        *(words, wide, tall, wide, SafeString("".join(parts))),
    )
