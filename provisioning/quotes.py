"""Checks the quotes of a list before it is parsed: each must close in the line in which it opens.

The csv module would continue into the following lines, and would read a password "secret"x1y as secretx1y.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(r'"(?:[^"]|"")*"(?!")')
_LINE_END = re.compile(r"\r\n|\r|\n")
_TODO = 'a quote that belongs to the cell is written twice, as in "pass""word"'


def problems(text: str, delimiter: str) -> Iterator[tuple[int, int, str]]:
    """Yield the line, the number of the cell (from 0) and its problem with quotes; at most one for each line."""
    for number, line in enumerate(_LINE_END.split(text), 1):
        found = _problem(line, delimiter)
        if found:
            yield number, *found


def _problem(line: str, delimiter: str) -> tuple[int, str] | None:
    at = cell = 0
    while at <= len(line):
        if line.startswith('"', at):
            quoted = _QUOTED.match(line, at)
            if not quoted:
                return cell, f"the quote that opens here is not closed in this line; {_TODO}"
            at = quoted.end()
            if at < len(line) and line[at] != delimiter:
                return cell, f"continues after its closing quote; {_TODO}"
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            if line[at:end].lstrip().startswith('"'):
                return cell, f"has blanks before its quote; {_TODO}"
            at = end
        at, cell = at + 1, cell + 1
    return None
