"""Holds a list as a table: its rows, and remarks on guesses and on rows that were left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

_MOST_IN_FULL: Final = 1500
"""Largest length of the problems that a message quotes in full, in characters; `errors.py` limits the message.

For the other problems only the lines are named.
"""


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


def named(problems: Sequence[Remark]) -> str:
    """Return problems as one text: the first ones in full, then the lines of all others.

    Args:
        problems: problems in the order of their files and lines; at least one.
    """
    shown, length = 0, 0
    while shown < len(problems) and (shown == 0 or length + len(str(problems[shown])) <= _MOST_IN_FULL):
        length += len(str(problems[shown])) + 2
        shown += 1
    texts, rest = [str(one) for one in problems[:shown]], problems[shown:]
    if rest:
        texts.append(f"and {len(rest)} more: {'; '.join(_places(rest))}")
    return ", ".join(texts)


def _places(remarks: Sequence[Remark]) -> Iterator[str]:
    """Yield the lines of each file, lines in a row as a range: `users.csv, lines 4-9, 12`."""
    for file, group in groupby(remarks, key=lambda one: one.file):
        lines = sorted({one.line for one in group})
        runs = [list(run) for _, run in groupby(enumerate(lines), key=lambda pair: pair[1] - pair[0])]
        spans = [f"{run[0][1]}-{run[-1][1]}" if len(run) > 1 else f"{run[0][1]}" for run in runs]
        yield ", ".join(filter(None, (file, f"line{'s' if len(lines) > 1 else ''} {', '.join(spans)}")))
