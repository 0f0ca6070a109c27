"""Text in columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from edge_daemon.plain_text import plain

_WIDEST = 40
_NUMERIC = frozenset("0123456789.,%- ")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, widest: int = _WIDEST) -> str:
    """Return rows under their heads; numbers are right-aligned, and long text is cut at `widest` columns."""
    cells = [[_shown(cell, widest) for cell in row] for row in rows]
    numeric = [bool(cells) and all(set(row[i]) <= _NUMERIC for row in cells) for i in range(len(heads))]
    widths = [max(_columns(row[i]) for row in [list(heads), *cells]) for i in range(len(heads))]
    lines = []
    for row in [list(heads), *cells]:
        padded = [_pad(cell, width, number) for cell, width, number in zip(row, widths, numeric, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _shown(text: str, widest: int) -> str:
    """Return a text for a terminal: without control characters, and cut at `widest`."""
    kept = plain(text)
    return kept if len(kept) <= widest else kept[: widest - 1] + "…"


def _pad(text: str, width: int, to_the_right: bool) -> str:
    space = " " * (width - _columns(text))
    return space + text if to_the_right else text + space


def _columns(text: str) -> int:
    """Return how many terminal columns a text takes: none for combining marks, two for East Asian and emoji."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
