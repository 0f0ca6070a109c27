"""Converts the bytes of an iCalendar file to unfolded lines of text (RFC 5545, section 3.1), and notes irregularities.

A line with bytes that are not UTF-8, or with a different line ending, is read all the same, so that no lesson is lost.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon.errors import TimetableError

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_OTHER_ENCODING: Final = "cp1252"
"""Encoding that is assumed for lines that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Source:
    """The path of a file, and the bytes that were read from it."""

    path: Path
    data: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """An irregularity of a line, and how it was handled."""

    line: int
    why: str


def logical_lines(source: Source, notes: list[Note]) -> Iterator[tuple[int, str]]:
    """Yield the unfolded lines that are not blank, each with the number of its first line.

    A long line is folded into several, possibly within a character, so bytes are joined before they are decoded.

    Args:
        source: the file.
        notes: receives a note if lines are not UTF-8.

    Raises:
        TimetableError: the file is UTF-16.
    """
    data = source.data
    while data.startswith(_BYTE_ORDER_MARK):  # two programs in a row may each have written one
        data = data[len(_BYTE_ORDER_MARK) :]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise TimetableError("is UTF-16", str(source.path), "save it as UTF-8")
    undecoded: list[tuple[int, int]] = []
    first, parts = 0, list[bytes]()
    for number, line in _physical_lines(data):
        if line[:1] in (b" ", b"\t") and parts:
            parts.append(line[1:])
            continue
        if parts:
            yield first, _decoded(b"".join(parts), first, undecoded)
        first, parts = number, [line] if line.strip() else []
    if parts:
        yield first, _decoded(b"".join(parts), first, undecoded)
    if undecoded:
        (number, byte), others = undecoded[0], len(undecoded) - 1
        more = f", and {others} lines more" if others else ""
        notes.append(Note(number, f"is not UTF-8 (byte 0x{byte:02x}){more}; read as Windows-1252"))


def _physical_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield lines with their number. A line ends with LF, CR LF, CR CR LF or CR alone."""
    number = 0
    for raw in io.BytesIO(data):
        for line in raw.rstrip(b"\r\n").split(b"\r"):
            number += 1
            yield number, line


def _decoded(line: bytes, number: int, undecoded: list[tuple[int, int]]) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as e:
        undecoded.append((number, line[e.start]))
        return line.decode(_OTHER_ENCODING, errors="replace")
