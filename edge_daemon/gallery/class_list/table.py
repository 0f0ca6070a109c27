"""A list as a table: its rows, and what had to be guessed or left out while it was read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a list that a person should know."""

    text: str
    line: int = 0
    """Line of the file or row of the sheet; 0: the whole list."""
    guessed: bool = True
    """The list was read in a way that a person should confirm; False: it is only odd."""
    file: str = ""
    """Name of the file, where several files make one list."""

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.file, f"line {self.line}" if self.line else "")))
        return f"{where}: {self.text}" if where else self.text


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row that is not blank."""

    line: int
    """On which it starts, from 1."""
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a list in its order."""

    rows: tuple[TableRow, ...]
    form: str
    """How it was written, in words: `CSV, ';' between the cells`."""
    remarks: tuple[Remark, ...] = ()
    damaged: tuple[Remark, ...] = ()
    """Rows that can't be read; they are not among `rows`."""


def in_order(remarks: list[Remark]) -> tuple[Remark, ...]:
    """Return remarks in the order of their files and lines."""
    return tuple(sorted(remarks, key=lambda remark: (remark.file, remark.line)))
