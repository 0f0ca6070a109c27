"""The parts of a message that are not running text: counts, lists of students, and facts, as text and as HTML.

The HTML works in mail programs and on phones: it uses only tables and inline styles, and loads nothing.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from edge_daemon.plain_text import plain

WIDTH: Final = 72
"""Largest number of characters in a line of text."""

Tone = Literal["good", "bad", "doubt", "quiet"]

_TONES: Final[Mapping[Tone, tuple[str, str]]] = {
    "good": ("#E3F3E6", "#1E6B34"),
    "bad": ("#FBE0DD", "#A32A1E"),
    "doubt": ("#FFF1CC", "#8A5A00"),
    "quiet": ("#ECEEF1", "#5B6470"),
}
"""Background and text colour of each tone, as for the spreadsheet's marks."""
_LINE, _INK, _QUIET = "#E1E5EA", "#1F2933", "#5B6470"


class Block(Protocol):
    """A part of a message."""

    def text(self) -> str:
        """Return the block as lines of text; empty if there is nothing to show."""

    def html(self) -> str:
        """Return the block as HTML; empty if there is nothing to show."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A count with its label."""

    label: str
    count: int
    tone: Tone


@dataclass(frozen=True, slots=True)
class Figures:
    """A row of counts."""

    figures: tuple[Figure, ...]

    def text(self) -> str:
        """Return the counts as one line."""
        return _wrapped(", ".join(f"{one.label}: {one.count}" for one in self.figures))

    def html(self) -> str:
        """Return the counts as coloured fields."""
        if not self.figures:
            return ""
        width = 100 // len(self.figures)
        cells = []
        for one in self.figures:
            ground, ink = _TONES[one.tone if one.count else "quiet"]
            cells.append(
                f'<td width="{width}%" valign="top" style="background:{ground};color:{ink};border-radius:8px;'
                f'padding:10px 4px;text-align:center"><div style="font-size:24px;font-weight:700;line-height:28px">'
                f'{one.count}</div><div style="font-size:12px;line-height:16px">{escaped(one.label)}</div></td>'
            )
        style = "border-collapse:separate;border-spacing:6px 0;width:calc(100% + 12px);margin:0 0 16px -6px"
        return _table(f"<tr>{''.join(cells)}</tr>", f"{style};table-layout:fixed")


@dataclass(frozen=True, slots=True)
class FactRow:
    """An entry of a list: a subject, a mark, and a note."""

    main: str
    small: str
    note: str
    mark: str = ""
    tone: Tone = "quiet"


@dataclass(frozen=True, slots=True)
class Rows:
    """A list with a title. If it has no entries, the title is not shown either."""

    title: str
    rows: tuple[FactRow, ...]

    def text(self) -> str:
        """Return the list with its title in capitals and the notes below the entries."""
        lines = []
        for row in self.rows:
            small = f" ({shown(row.small)})" if row.small else ""
            mark = f": {row.mark}" if row.mark else ""
            lines.append(_wrapped(f"- {shown(row.main)}{small}{mark}", "  "))
            lines += [_wrapped(f"  {shown(row.note)}", "  ")] if row.note else []
        return "\n".join([self.title.upper(), *lines]) if self.rows else ""

    def html(self) -> str:
        """Return the list as a table: subject on the left, mark on the right, note below."""
        if not self.rows:
            return ""
        head = f'<h2 style="font-size:15px;line-height:20px;margin:20px 0 4px;color:{_INK}">{escaped(self.title)}</h2>'
        return head + _table("".join(self._row(row) for row in self.rows), "margin:0 0 16px")

    def _row(self, row: FactRow) -> str:
        small = f' <span style="color:{_QUIET};font-size:13px">{escaped(row.small)}</span>' if row.small else ""
        note = (
            f'<div style="color:{_QUIET};font-size:13px;line-height:18px">{escaped(row.note)}</div>' if row.note else ""
        )
        ground, ink = _TONES[row.tone]
        mark = (
            f'<span style="background:{ground};color:{ink};border-radius:10px;padding:2px 9px;font-size:13px;'
            f'white-space:nowrap">{escaped(row.mark)}</span>'
            if row.mark
            else ""
        )
        style = f"border-top:1px solid {_LINE};padding:8px 0;vertical-align:top;overflow-wrap:anywhere"
        return (
            f'<tr><td style="{style}">{escaped(row.main)}{small}{note}</td>'
            f'<td align="right" style="{style};padding-left:8px">{mark}</td></tr>'
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of facts, each with a name and a value."""

    facts: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """Return one line for each fact, aligned."""
        width = max((len(label) for label, _ in self.facts), default=0) + 2
        return "\n".join(_wrapped(f"{label + ':':{width}}{shown(value)}", " " * width) for label, value in self.facts)

    def html(self) -> str:
        """Return a plain table."""
        if not self.facts:
            return ""
        rows = "".join(
            f'<tr><td style="color:{_QUIET};padding:2px 12px 2px 0;vertical-align:top">{escaped(label)}</td>'
            f'<td style="padding:2px 0;overflow-wrap:anywhere">{escaped(value)}</td></tr>'
            for label, value in self.facts
        )
        return _table(rows, "margin:12px 0 16px;font-size:14px;line-height:20px", "auto")


def escaped(text: str) -> str:
    """Return text escaped for HTML. Characters that could reorder a line are made visible."""
    return html.escape(shown(text), quote=True)


def shown(text: str) -> str:
    """Return text as one line without control and format characters, so that no name can move other words."""
    return " ".join(plain(text).split())


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _table(rows: str, style: str, width: str = "100%") -> str:
    return (
        f'<table role="presentation" cellpadding="0" border="0" width="{width}"'
        f' style="width:{width};border-collapse:collapse;{style}">{rows}</table>'
    )
