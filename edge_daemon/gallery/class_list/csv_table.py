"""Reads CSV from many programs: four separators, `sep=` lines, stray quotation marks. Damage affects only its row.

It follows RFC 4180 where possible. A line that is not valid CSV is read alone, and reported if that fails too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from edge_daemon.gallery.class_list.table import Remark, Table, TableRow, in_order

SEPARATORS: Final = ",;\t|"
_NAMES: Final = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}
_SEP_LINE: Final = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*', re.IGNORECASE)
_HEAD_LINES: Final = 20
"""Number of lines that are searched for the header, because titles may precede it."""
_SWALLOWED: Final = 3
"""If a cell with line breaks has at least this many separators, its quotation mark is not closed."""


def csv_table(text: str, known: Callable[[str], bool], remarks: Sequence[Remark] = ()) -> Table:
    """Return the rows of a CSV text, without blank rows.

    Args:
        text: the whole file.
        known: returns whether a cell is a column name; the separator that gives the most column names is used.
        remarks: remarks from the decoder.
    """
    # csv of Python 3.10 can't read NUL. The replacement is a control character, which no cell may have either.
    lines = list(io.StringIO(text.replace("\0", "\x01"), newline=""))
    first = 0
    separator = ""
    while first < len(lines) and not lines[first].strip():
        first += 1
    separator_line = _SEP_LINE.fullmatch(lines[first].strip("\r\n ")) if first < len(lines) else None
    if separator_line:
        separator = separator_line.group(1)
        first += 1
    separator = separator or _separator(lines[first : first + _HEAD_LINES], known)
    rows, more, damaged = _rows(lines, first, separator)
    notes = list(remarks)
    if separator != ",":
        notes.append(Remark(f"the cells are separated by {_NAMES.get(separator, repr(separator))}"))
    form = f"CSV, {_NAMES.get(separator, repr(separator))} between the cells"
    return Table(tuple(rows), form, in_order(notes + more), in_order(damaged))


def _separator(head: Sequence[str], known: Callable[[str], bool]) -> str:
    """Return the separator that gives the most known column names; without any, the most frequent separator."""

    def score(separator: str) -> tuple[int, int]:
        try:
            rows = list(csv.reader(iter(head), delimiter=separator, skipinitialspace=True))
        except csv.Error:
            rows = [line.split(separator) for line in head]
        return max(((sum(map(known, row)), len(row)) for row in rows), default=(0, 0))

    return max(SEPARATORS, key=lambda separator: (*score(separator), -SEPARATORS.index(separator)))


class _Lines:
    """The lines of a file as an iterator for the csv module, with a position that can be reset."""

    def __init__(self, lines: Sequence[str], at: int) -> None:
        self._lines, self.at = lines, at

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._lines):
            raise StopIteration
        self.at += 1
        return self._lines[self.at - 1]


def _rows(lines: Sequence[str], first: int, separator: str) -> tuple[list[TableRow], list[Remark], list[Remark]]:
    rows: list[TableRow] = []
    remarks: list[Remark] = []
    damaged: list[Remark] = []
    source = _Lines(lines, first)
    reader = csv.reader(source, delimiter=separator, strict=True, skipinitialspace=True)
    while True:
        start = source.at
        try:
            cells: list[str] | None = next(reader)
            problem = _swallowed(cells or [], separator)
        except StopIteration:
            break
        except csv.Error as error:
            problem, cells = str(error), None
        if problem:
            # The record may have absorbed good lines, so only its first line is in doubt.
            source.at = start + 1
            reader = csv.reader(source, delimiter=separator, strict=True, skipinitialspace=True)
            cells = _alone(lines[start], separator)
            if cells is None:
                damaged.append(Remark(f"is not CSV ({problem})", start + 1))
                continue
            remarks.append(Remark("quotation marks are not as CSV has them; the line was read by itself", start + 1))
        if cells and any(cell.strip() for cell in cells):
            rows.append(TableRow(start + 1, tuple(cells)))
    return rows, remarks, damaged


def _swallowed(cells: Sequence[str], separator: str) -> str:
    swallowed = any(("\n" in cell or "\r" in cell) and cell.count(separator) >= _SWALLOWED for cell in cells)
    return "a quotation mark is not closed" if swallowed else ""


def _alone(line: str, separator: str) -> list[str] | None:
    """Return the cells of one line in another dialect: blanks after a quoted cell, \\" for a quote, or no quoting."""
    line = line.rstrip("\r\n")
    trimmed = re.sub(rf'"[ \t]+(?={re.escape(separator)}|$)', '"', line)
    dialects: tuple[tuple[str, dict[str, object]], ...] = (
        (trimmed, {"skipinitialspace": True}),
        (line, {"skipinitialspace": True, "escapechar": "\\", "doublequote": False}),
        (line, {"skipinitialspace": False}),
    )
    for text, dialect in dialects:
        try:
            found = list(csv.reader([text], delimiter=separator, strict=True, **dialect))  # type: ignore[arg-type]
        except csv.Error:
            continue
        return found[0] if len(found) == 1 else None
    return None
