"""Formats text in columns."""

from __future__ import annotations

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

from edge_daemon.plain_text import plain

WIDEST = 40
_NUMERIC = frozenset("0123456789.,%- ")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, widest: int = WIDEST) -> str:
    """Return rows under their column headings; numbers are right-aligned, and long text is cut at `widest` columns.

    A terminal that is too narrow for the table gets a paragraph for each row instead.
    """
    cells = [[_shown(cell, widest) for cell in row] for row in rows]
    numeric = [bool(cells) and all(set(row[i]) <= _NUMERIC for row in cells) for i in range(len(heads))]
    widths = [max(_columns(row[i]) for row in [list(heads), *cells]) for i in range(len(heads))]
    lines = []
    for row in [list(heads), *cells]:
        padded = [_pad(cell, width, number) for cell, width, number in zip(row, widths, numeric, strict=True)]
        lines.append("  ".join(padded).rstrip())
    width = terminal_columns()
    if width and max(map(_columns, lines)) > width and cells:
        return "\n".join(_paragraph(heads, row, width) for row in cells)
    return "\n".join(lines)


def terminal_columns() -> int:
    """Return the width of the terminal in columns, or 0 if the output goes to a file or to another program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _paragraph(heads: Sequence[str], row: Sequence[str], width: int) -> str:
    """Return a row as pairs of heading and cell, as many on a line as fit; empty cells are left out."""
    pairs = [f"{head} {cell}".strip() for head, cell in zip(heads, row, strict=True) if cell]
    lines: list[str] = []
    for pair in pairs:
        if lines and _columns(lines[-1]) + 2 + _columns(pair) <= width:
            lines[-1] += f"  {pair}"
        else:
            indent = "  " if lines else ""
            lines += textwrap.wrap(pair, width, initial_indent=indent, subsequent_indent="    ")
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
