"""Holds a list as a table: its rows, and remarks on guesses and on rows that were left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """Information about a list that a person should see."""

    text: str
    line: int = 0
    """Line of the file or row of the sheet; 0 for the whole list."""
    guessed: bool = True
    """Whether a person should confirm a guess. If False, the remark only reports an irregularity."""
    file: str = ""
    """Name of the file, if several files form one list."""

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.file, f"line {self.line}" if self.line else "")))
        return f"{where}: {self.text}" if where else self.text


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row that is not blank."""

    line: int
    """First line of the row, counted from 1."""
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a list in its order."""

    rows: tuple[TableRow, ...]
    form: str
    """The form of the file, in words: `CSV, ';' between the cells`."""
    remarks: tuple[Remark, ...] = ()
    damaged: tuple[Remark, ...] = ()
    """Rows that can't be read; they are not in `rows`."""


def in_order(remarks: list[Remark]) -> tuple[Remark, ...]:
    """Return remarks in the order of their files and lines."""
    return tuple(sorted(remarks, key=lambda remark: (remark.file, remark.line)))
