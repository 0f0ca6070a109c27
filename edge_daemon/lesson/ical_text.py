"""The text of an iCalendar file (RFC 5545, section 3): read with limits, unfolded, cut into components.

The parser of `icalendar` knows no line numbers and builds objects for every event of a school. Here a file is gone
through line by line, so that a mistake is named by its line, and only the events of one room are ever parsed.
"""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon.errors import TimetableError

MAX_BYTES: Final = 10 * 2**20
"""A school of 200 rooms with a week of 40 lessons each has about 4 MiB."""

_TODO = "export it again; lessons go on by the last file that could be read"
_DEPTH = 8
"""RFC 5545 nests three deep; the limit keeps a made-up file from growing the stack."""
_ESCAPE = re.compile(r"\\([\\;,nN])")
_PARAMETER = re.compile(r';([^=:;"]+)=("[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*')


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read."""

    path: Path
    data: bytes


@dataclass(frozen=True, slots=True)
class Property:
    """A content line."""

    name: str
    """In capitals."""
    params: Mapping[str, str]
    """Names in capitals; of several values of a parameter the first."""
    value: str
    """As it stands, escapes and all."""
    line: int


@dataclass(frozen=True, slots=True)
class Component:
    """An event or time zone of a calendar, as text."""

    name: str
    line: int
    method: str
    """METHOD of its calendar, in capitals."""
    lines: tuple[tuple[int, str], ...]
    """Number and unfolded text. What is nested is left out, but for time zones, which have it with BEGIN and END."""

    def properties(self, names: frozenset[str]) -> Iterator[Property]:
        """Yield the properties of these names."""
        for number, text in self.lines:
            name = re.split("[;:]", text, maxsplit=1)[0].strip().upper()
            if name in names:
                yield _property(name, text, number)


def read_source(path: Path) -> Source:
    """Read a calendar file.

    Raises:
        TimetableError: it can't be read, is no plain file, or is larger than `MAX_BYTES`.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise TimetableError("is not a file", str(path), "name an .ics file")
        if found.st_size > MAX_BYTES:
            raise _too_large(path)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as e:
        raise TimetableError(f"can't be read: {e.strerror}", str(path), "check the path and its rights") from e
    if len(data) > MAX_BYTES:  # it grew meanwhile
        raise _too_large(path)
    return Source(path, data)


def components(source: Source, wanted: frozenset[str]) -> Iterator[Component]:
    """Yield the components of these names right within the calendars of a file, in its order.

    Raises:
        TimetableError: the file holds no calendar, is cut off, nests wrongly, or is not UTF-8, with the line.
    """
    stack: list[tuple[str, int]] = []
    method, found, kept = "", False, list[tuple[int, str]]()
    for number, text in _logical_lines(source):
        word, _, name = text.partition(":")
        word, name = word.strip().upper(), name.strip().upper()
        if word == "END":
            _check_end(source, number, name, stack)
        if word not in ("BEGIN", "END") and len(stack) == 1 and word == "METHOD":
            method = name
        inside = len(stack) > 1 and stack[1][0] in wanted
        if inside and (stack[1][0] == "VTIMEZONE" or (len(stack) == 2 and word not in ("BEGIN", "END"))):
            kept.append((number, text))
        if word == "END":
            _, began = stack.pop()
            if inside and len(stack) == 1:
                yield Component(name, began, method, tuple(kept))
        elif word == "BEGIN":
            _check_begin(source, number, name, stack)
            stack.append((name, number))
            found = True
            if len(stack) == 1:
                method = ""
            elif len(stack) == 2:
                kept = [(number, text)] if name == "VTIMEZONE" else []
        elif not stack:
            raise _no_calendar(source, number)
    if stack:
        name, began = stack[-1]
        where = f"{source.path}, line {began}"
        raise TimetableError(f"the file is cut off: this {name} has no end", where, _TODO)
    if not found:
        raise TimetableError("is empty", str(source.path), _TODO)


def plain_text(value: str) -> str:
    """Return a TEXT value (RFC 5545, section 3.3.11) on one line, without control characters."""
    text = _ESCAPE.sub(lambda match: " " if match[1] in "nN" else match[1], value)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _logical_lines(source: Source) -> Iterator[tuple[int, str]]:
    """Yield unfolded lines that are not blank, with the number of their first one.

    A fold may cut a letter of several bytes in two, so bytes are joined before they are decoded.
    """
    data = source.data.removeprefix(b"\xef\xbb\xbf")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise TimetableError("is UTF-16", str(source.path), "save it as UTF-8")
    first, parts = 0, list[bytes]()
    for number, raw in enumerate(io.BytesIO(data), 1):
        line = raw.rstrip(b"\r\n")
        if line[:1] in (b" ", b"\t") and parts:
            parts.append(line[1:])
            continue
        if parts:
            yield first, _decoded(b"".join(parts), source, first)
        first, parts = number, [line] if line.strip() else []
    if parts:
        yield first, _decoded(b"".join(parts), source, first)


def _decoded(line: bytes, source: Source, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as e:
        where = f"{source.path}, line {number}"
        raise TimetableError(f"is not UTF-8 (byte 0x{line[e.start]:02x})", where, "save it as UTF-8") from e


def _check_begin(source: Source, number: int, name: str, stack: list[tuple[str, int]]) -> None:
    if (name == "VCALENDAR") != (not stack):
        raise _no_calendar(source, number) if not stack else _misplaced(source, number, f"BEGIN:{name}", stack)
    if len(stack) >= _DEPTH:
        raise _misplaced(source, number, f"BEGIN:{name}", stack)


def _check_end(source: Source, number: int, name: str, stack: list[tuple[str, int]]) -> None:
    if not stack:
        raise _no_calendar(source, number)
    if stack[-1][0] != name:
        raise _misplaced(source, number, f"END:{name}", stack)


def _misplaced(source: Source, number: int, what: str, stack: list[tuple[str, int]]) -> TimetableError:
    name, began = stack[-1]
    where = f"{source.path}, line {number}"
    return TimetableError(f"{what[:40]} within the {name[:40]} of line {began}", where, _TODO)


def _no_calendar(source: Source, number: int) -> TimetableError:
    return TimetableError("expected BEGIN:VCALENDAR here", f"{source.path}, line {number}", "is this an .ics file?")


def _too_large(path: Path) -> TimetableError:
    return TimetableError(f"is larger than {MAX_BYTES >> 20} MiB", str(path), "export fewer years or rooms")


def _property(name: str, text: str, number: int) -> Property:
    """Split a content line; what can't be split has no value, which its reader will name."""
    params: dict[str, str] = {}
    at = len(re.split("[;:]", text, maxsplit=1)[0])
    while match := _PARAMETER.match(text, at):
        params[match[1].strip().upper()] = match[2].strip('"')
        at = match.end()
    return Property(name, params, text[at + 1 :] if text[at : at + 1] == ":" else "", number)
