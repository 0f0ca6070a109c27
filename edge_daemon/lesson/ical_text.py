"""The text of an iCalendar file (RFC 5545, section 3): read with limits, split into components and properties.

The parser of `icalendar` reports no line numbers, builds objects for every event of a school, and stops at the first
mistake. This module reads a file line by line. It reports a mistake with its line, and a mistake affects one event at
most. Only the events of one room are parsed completely.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_daemon.errors import TimetableError
from edge_daemon.lesson.ical_lines import Note, Source, logical_lines

MAX_BYTES: Final = 10 * 2**20
"""Largest file: a school of 200 rooms with 40 lessons a week each has about 4 MiB."""

_HINT = "export it again; lessons go on by the last file that could be read"
_DEPTH = 8
"""Largest depth of nested components. RFC 5545 needs three; a malicious file could nest millions."""
_WITHIN_CALENDAR = frozenset({"VEVENT", "VTIMEZONE", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"})
_WITHIN_COMPONENT = frozenset({"VALARM", "STANDARD", "DAYLIGHT", "PARTICIPANT", "VLOCATION", "VRESOURCE"})
_NAME = re.compile("[A-Z0-9-]+")
_ESCAPE = re.compile(r"\\([\\;,nN])")
_PARAMETER = re.compile(r';([^=:;"]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')
_NEXT_PARAMETER = re.compile(r";(?=[A-Za-z-]+=)")
_CARET = {"^n": " ", "^N": " ", "^'": '"', "^^": "^"}
"""Escapes in parameters (RFC 6868), for example of a quotation mark, and their meaning."""


@dataclass(frozen=True, slots=True)
class Property:
    """A content line of a calendar: a property with its parameters and its value."""

    name: str
    """Name of the property, in capitals."""
    params: Mapping[str, str]
    """Values of the parameters, without quotes and escapes, by name in capitals."""
    value: str
    """The value as the file writes it, with its escapes."""
    line: int


@dataclass(frozen=True, slots=True)
class Component:
    """An event or a time zone of a calendar, as text."""

    name: str
    line: int
    method: str
    """METHOD of the component's calendar, in capitals."""
    lines: tuple[tuple[int, str], ...]
    """Number and unfolded text of each line. A time zone also has the lines of its nested components; an event does
    not.
    """
    damage: Note | None = None
    """Why the component can't be used; None: it is complete."""

    def properties(self, names: frozenset[str]) -> Iterator[Property]:
        """Yield the properties with these names."""
        for number, text in self.lines:
            name = _head(text).strip().upper()
            if name in names:
                yield _property(name, text, number)


def read_source(path: Path) -> Source:
    """Read a calendar file.

    Raises:
        TimetableError: the file can't be read, is not a regular file, or is larger than `MAX_BYTES`.
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
    if len(data) > MAX_BYTES:  # the file grew in the meantime
        raise _too_large(path)
    return Source(path, data)


def components(source: Source, wanted: frozenset[str], notes: list[Note] | None = None) -> Iterator[Component]:
    """Yield the components with these names that are direct children of the file's calendars, in file order.

    If a component has no end, or has a nested component without an end, its `damage` says so.

    Args:
        source: the file.
        wanted: names in capitals.
        notes: receives, at the end of the file, notes about the file as a whole.

    Raises:
        TimetableError: the file has no calendar, or is truncated within a component; the error names the line.
    """
    notes = [] if notes is None else notes
    scan = _Scan(source, wanted)
    for number, text in logical_lines(source, notes):
        yield from scan.line(number, text.lstrip("\ufeff"))
    scan.end(notes)


@dataclass(slots=True)
class _Open:
    """A component that has begun and not yet ended."""

    name: str
    line: int
    lines: list[tuple[int, str]] = field(default_factory=list)
    damage: Note | None = None


@dataclass(slots=True)
class _Scan:
    """Scans the lines of a file and finds where components begin and end."""

    source: Source
    wanted: frozenset[str]
    stack: list[_Open] = field(default_factory=list)
    method: str = ""
    found: bool = False
    outside: list[int] = field(default_factory=list)
    """Numbers of lines outside of any calendar."""
    stray_ends: list[tuple[int, str]] = field(default_factory=list)
    """Number of each line that ends a component that has not begun, and the component's name."""
    unclosed: list[int] = field(default_factory=list)
    """Numbers of the lines at which calendars without an end begin."""

    def line(self, number: int, text: str) -> Iterator[Component]:
        if len(self.stack) > 1 and text[:1] not in "BbEe \t":  # most lines
            self.stack[-1].lines.append((number, text))
            return
        word, _, name = text.partition(":")
        word, name = word.strip().upper(), name.strip().upper()
        # A line break in a description leaves lines such as "Begin: at page 3", which are text.
        if word == "BEGIN" and _NAME.fullmatch(name):
            yield from self._begin(number, name, text)
        elif word == "END" and name == "VCALENDAR" and self.stack:
            yield from self._close_to(1)
            self.stack.clear()
        elif word == "END" and (depth := self._depth_of(name)):
            yield from self._end(number, text, depth)
        elif not self.stack:
            self.outside.append(number)
        elif len(self.stack) == 1:
            self.method = name if word == "METHOD" else self.method
            if word == "END" and name in self.wanted:
                self.stray_ends.append((number, name))
        else:
            self.stack[-1].lines.append((number, text))

    def end(self, notes: list[Note]) -> None:
        """Add notes about calendars without an end, and about lines outside of any calendar.

        Raises:
            TimetableError: the file has no calendar, or ends within a component.
        """
        if len(self.stack) > 1:
            name, began = self.stack[-1].name, self.stack[-1].line
            where = f"{self.source.path}, line {began}"
            raise TimetableError(f"the file is truncated: this {name[:40]} has no end", where, _HINT)
        if not self.found and not self.outside:
            raise TimetableError("is empty", str(self.source.path), _HINT)
        if not self.found:
            where = f"{self.source.path}, line {self.outside[0]}"
            raise TimetableError("expected BEGIN:VCALENDAR here", where, "is this an .ics file?")
        if self.outside:
            more = f", and {len(self.outside) - 1} lines more" if len(self.outside) > 1 else ""
            notes.append(Note(self.outside[0], f"is outside of the calendar{more}; ignored"))
        for number, name in self.stray_ends[:1]:
            more = f", and {len(self.stray_ends) - 1} more" if len(self.stray_ends) > 1 else ""
            notes.append(Note(number, f"ends a {name} that has no BEGIN:{name}{more}; the lines before it are ignored"))
        for began in (*self.unclosed, *(one.line for one in self.stack)):
            notes.append(Note(began, "has no END:VCALENDAR; check that the file is complete"))

    def _begin(self, number: int, name: str, text: str) -> Iterator[Component]:
        if name == "VCALENDAR":
            if self.stack:
                self.unclosed.append(self.stack[0].line)
                yield from self._close_to(1)
            self.stack, self.method, self.found = [_Open(name, number)], "", True
        elif not self.stack:
            self.outside.append(number)
        elif len(self.stack) == 1:
            self.stack.append(_Open(name, number, [(number, text)] if name == "VTIMEZONE" else []))
        elif name in _WITHIN_CALENDAR:  # the previous component has no end
            yield from self._close_to(1)
            self.stack.append(_Open(name, number, [(number, text)] if name == "VTIMEZONE" else []))
        elif len(self.stack) < _DEPTH:
            self.stack.append(_Open(name, number, [(number, text)]))
        else:
            self.stack[1].damage = Note(number, f"nests more than {_DEPTH} deep")

    def _end(self, number: int, text: str, depth: int) -> Iterator[Component]:
        """Close the open component at a depth, and everything open within it."""
        while len(self.stack) > depth + 1:
            self._unclosed_nested()
        ended = self.stack.pop()
        if depth > 1:
            if self.stack[1].name == "VTIMEZONE":
                self.stack[-1].lines += [*ended.lines, (number, text)]
            return
        if ended.name == "VTIMEZONE":
            ended.lines.append((number, text))
        yield from self._made(ended)

    def _unclosed_nested(self) -> None:
        """Close nested components without an end. The lines of one with an unknown name become text of its parent."""
        nested = self.stack.pop()
        if nested.name in _WITHIN_COMPONENT:
            self.stack[1].damage = Note(nested.line, f"its {nested.name} has no end")
        else:
            self.stack[-1].lines += nested.lines[1:]

    def _close_to(self, depth: int) -> Iterator[Component]:
        """Close every component below this depth that has no END, and mark it as damaged."""
        if len(self.stack) > depth:
            broken = self.stack[depth]
            while len(self.stack) > depth + 1:
                self._unclosed_nested()
            broken.damage = Note(broken.line, f"has no END:{broken.name[:40]}")
            self.stack.pop()
            yield from self._made(broken)

    def _made(self, ended: _Open) -> Iterator[Component]:
        if ended.name in self.wanted:
            yield Component(ended.name, ended.line, self.method, tuple(ended.lines), ended.damage)

    def _depth_of(self, name: str) -> int:
        """Return the depth of the open component with this name; 0: none is open."""
        return next((at for at in range(len(self.stack) - 1, 0, -1) if self.stack[at].name == name), 0)


def plain_text(value: str, line_break: str = " ") -> str:
    """Return a TEXT value (RFC 5545, section 3.3.11) on one line, without control characters.

    Args:
        value: the text as written in the file.
        line_break: replaces a line break in the text.
    """
    text = _ESCAPE.sub(lambda match: line_break if match[1] in "nN" else match[1], value)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def parameter_text(value: str) -> str:
    """Return a parameter's value without quotes, escapes and extra blanks.

    RFC 5545 allows no escapes in parameters. Some programs still write them in a TZID parameter, because the property
    TZID of a VTIMEZONE may have them.
    """
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        text = text[1:-1]
    return plain_text(re.sub(r"\^[nN'^]", lambda match: _CARET[match[0]], text))


def _head(text: str) -> str:
    """Return the text before the first semicolon or colon."""
    end = text.find(":")
    head = text if end < 0 else text[:end]
    end = head.find(";")
    return head if end < 0 else head[:end]


def _property(name: str, text: str, number: int) -> Property:
    """Split a content line. If that is impossible, the value is empty, and the code that reads it reports this."""
    params: dict[str, str] = {}
    at = len(_head(text))
    while match := _PARAMETER.match(text, at):
        params[match[1].strip().upper()] = parameter_text(match[2])
        at = match.end()
    value = text[at + 1 :] if text[at : at + 1] == ":" else ""
    if ";TZID=" in text.upper() and not re.match(r"\s*[0-9]{4}", value):
        return _with_loose_zone(name, text, number)
    return Property(name, params, value, number)


def _with_loose_zone(name: str, text: str, number: int) -> Property:
    """Split a line whose TZID parameter has colons and no quotes, such as (UTC+01:00) Amsterdam, Berlin.

    The value is the text after the last colon.
    """
    head, colon, value = text.rpartition(":")
    given = (one.partition("=") for one in _NEXT_PARAMETER.split(head)[1:])
    params = {key.strip().upper(): parameter_text(parameter) for key, _, parameter in given}
    return Property(name, params, value if colon else "", number)


def _too_large(path: Path) -> TimetableError:
    return TimetableError(f"is larger than {MAX_BYTES >> 20} MiB", str(path), "export fewer years or rooms")
