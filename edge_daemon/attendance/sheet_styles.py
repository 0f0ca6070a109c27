"""Makes the formats of cells in workbooks, and the text that a cell can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge_daemon.attendance.sheet_heads import DATE, MOMENT, TIME, HeadStyles, head_styles
from edge_daemon.plain_text import without_overrides

_MOST_CHARACTERS = 32_767
"""Excel's limit for the number of characters in a cell."""
_WHEN = (DATE, TIME, MOMENT)
_LINE, _INK, _QUIET, _HEAD = "#D5DAE0", "#1F2933", "#6B7682", "#24405C"

COLOURS: Final[Mapping[str, tuple[str, str, str]]] = {
    "P": ("#E3F3E6", "#1E6B34", "present"),
    "A": ("#FBE0DD", "#A32A1E", "absent"),
    "?": ("#FFF1CC", "#8A5A00", "to confirm (P? and A?: the device has doubts)"),
    "–": ("#ECEEF1", "#5B6470", "not assessed"),
}
"""Maps a mark to its background colour, its text colour and its meaning."""


@dataclass(frozen=True, slots=True)
class Styles:
    """The cell formats of a workbook, each named after the part of a page that uses it."""

    title: Any
    quiet: Any
    quiet_lines: Any
    head: Any
    head_left: Any
    head_lesson: HeadStyles
    text: Any
    mark: Any
    mark_look: Any
    mark_corrected: Any
    count: Any
    percent: Any
    foot: Any
    foot_percent: Any
    foot_text: Any
    by_mark: Mapping[str, Any]
    by_letter: Mapping[str, Any]
    dates: Mapping[str, Any]
    """By number format: DATE, TIME, MOMENT."""
    number: Any
    signed: Any


def safe(text: str) -> str:
    """Return text that a cell can hold: shortened, with valid characters, without overrides of direction."""
    return without_overrides(text)[:_MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def make_styles(book: Any) -> Styles:
    """Add the formats to a workbook and return them."""
    base = {"font_name": "Calibri", "font_size": 11, "font_color": _INK, "valign": "vcenter"}
    line = {"bottom": 1, "bottom_color": _LINE}
    head = {**base, "bold": True, "font_size": 10, "font_color": "#FFFFFF", "bg_color": _HEAD, "align": "center"}
    head = {**head, "text_wrap": True}
    mark = {**base, "align": "center", "border": 1, "border_color": _LINE}
    foot = {**base, "align": "center", "bg_color": "#F4F6F8", "top": 1, "top_color": _LINE}
    return Styles(
        title=book.add_format({**base, "bold": True, "font_size": 16, "font_color": _HEAD}),
        quiet=book.add_format({**base, "font_size": 9, "font_color": _QUIET}),
        quiet_lines=book.add_format({**base, "font_size": 9, "font_color": _QUIET, "text_wrap": True}),
        head=book.add_format(head),
        head_left=book.add_format({**head, "align": "left", "valign": "bottom"}),
        head_lesson=head_styles(book, head, {**head, "italic": True, "bg_color": "#6E7F91"}),
        text=book.add_format({**base, **line, "align": "left"}),
        mark=book.add_format(mark),
        mark_look=book.add_format({**mark, "italic": True, "border": 8, "border_color": "#B7791F"}),
        mark_corrected=book.add_format({**mark, "bold": True, "underline": 1, "border": 2, "border_color": "#24405C"}),
        count=book.add_format({**base, **line, "align": "center", "num_format": "0;;"}),
        percent=book.add_format({**base, **line, "align": "center", "num_format": "0%"}),
        foot=book.add_format({**foot, "bold": True}),
        foot_percent=book.add_format({**foot, "num_format": "0%"}),
        foot_text=book.add_format({**foot, "align": "left", "bold": True}),
        by_mark={
            mark: book.add_format({"bg_color": ground, "font_color": ink}) for mark, (ground, ink, _) in COLOURS.items()
        },
        by_letter={
            mark: book.add_format({**base, "font_size": 9, "bold": True, "font_color": ink})
            for mark, (_, ink, _) in COLOURS.items()
        },
        dates={form: book.add_format({**base, **line, "align": "left", "num_format": form}) for form in _WHEN},
        number=book.add_format({**base, **line, "align": "center"}),
        signed=book.add_format({**base, **line, "align": "center", "num_format": "+0;-0;0"}),
    )
