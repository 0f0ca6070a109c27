"""Reading the roster, a CSV file that an office exports."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_daemon.errors import RosterError
from edge_daemon.types import Student

COLUMNS = ("student_id", "name", "email", "guardian_email", "consent")

_MAX_BYTES = 64 * 2**20
_SHOWN_PROBLEMS = 5
_TODO = "correct the roster and import it again; nothing was changed"
CONSENT = {
    **dict.fromkeys(("yes", "y", "true", "t", "1"), True),
    # Nothing written means that nobody has agreed.
    **dict.fromkeys(("no", "n", "false", "f", "0", ""), False),
}
"""What an office writes for consent, in small letters."""


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One student of the roster, with the columns that only the office needs."""

    student: Student
    extra: Mapping[str, str]
    line: int = field(default=0, compare=False)
    """Of the file, where it is known."""


def read_roster(path: Path) -> list[RosterRow]:
    """Return the students of a roster in its order.

    The file is UTF-8 (a byte order mark is allowed), comma separated, with the columns of `COLUMNS` in any order and
    optionally `courses` (`;` between them); further columns are kept. An empty consent means no.

    Raises:
        RosterError: the file can't be read, or any row is wrong; one line lists the first problems and counts the rest.
    """
    return roster_of(csv_text(path), path)


def roster_of(text: str, path: Path) -> list[RosterRow]:
    """As `read_roster`, of a text; `path` names it in errors."""
    records = list(csv_records(text, path))
    if not records:
        raise RosterError("is empty", str(path), "export the roster again, with a header line")
    header = _header(records[0][1], path)
    problems: list[str] = []
    rows: list[RosterRow] = []
    lines: dict[str, int] = {}
    for line, cells in records[1:]:
        parsed = _row(cells, header, line)
        if isinstance(parsed, str):
            problems.append(f"line {line}: {parsed}")
            continue
        first = lines.setdefault(parsed.student.student_id, line)
        if first != line:
            problems.append(f"line {line}: student_id {parsed.student.student_id!r} is already on line {first}")
        rows.append(parsed)
    refuse(problems, path)
    if not rows:
        raise RosterError("has no students", str(path), _TODO)
    return rows


def csv_text(path: Path) -> str:
    """Return the text of a CSV file.

    Raises:
        RosterError: it can't be read, is too large, or is not UTF-8, with the place.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RosterError(f"is larger than {_MAX_BYTES >> 20} MiB", str(path), "is this the roster?")
        data = path.read_bytes()
    except OSError as error:
        raise RosterError(f"can't be read ({error.strerror})", str(path), "check the path and its rights") from error
    return decoded(data, path)


def decoded(data: bytes, path: Path) -> str:
    """Return the text of a CSV file that was read; raises RosterError where it is not UTF-8, with the place."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise RosterError("is UTF-16", str(path), "save it as 'CSV UTF-8' and import it again") from error
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise RosterError(
            f"is not UTF-8 (byte 0x{data[error.start]:02x})",
            f"{path}, line {line}, byte {column}",
            "save it as 'CSV UTF-8' and import it again",
        ) from error


def csv_records(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which a record starts, and its cells; blank lines are skipped.

    Raises:
        RosterError: it is not CSV, with the line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise RosterError(f"is not CSV ({error})", f"{path}, line {line}", _TODO) from error


def _header(cells: list[str], path: Path) -> list[str]:
    header = [cell.strip() for cell in cells]
    known = {name: name.lower() for name in header if name.lower() in (*COLUMNS, "courses")}
    header = [known.get(name, name) for name in header]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        separator = next((sign for sign in ";\t" if sign in cells[0]), None)
        hint = f"separate the columns by commas, not by {separator!r}" if separator else _TODO
        raise RosterError(f"the columns {', '.join(missing)} are missing", f"{path}, line 1", hint)
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise RosterError(f"the column {doubled[0]!r} is there twice", f"{path}, line 1", _TODO)
    return header


def _row(cells: list[str], header: list[str], line: int) -> RosterRow | str:
    """Return the row, or what is wrong with it."""
    if len(cells) != len(header):
        return f"{len(cells)} fields where the header has {len(header)}"
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name}
    student_id = row.pop("student_id")
    if not student_id:
        return "the student_id is empty"
    if any(unicodedata.category(sign) == "Cc" for sign in student_id):
        return f"the student_id {student_id!r} has a control character"
    if {".", ".."} & set(student_id.split("/")):
        return f"the student_id {student_id!r} can't name a folder of photographs"
    spoilt = [name for name, cell in row.items() if any(unicodedata.category(sign) == "Cc" for sign in cell)]
    if spoilt:
        return f"the {spoilt[0]} has a control character"
    consent = CONSENT.get(row["consent"].lower())
    if consent is None:
        return f"consent is {row['consent']!r}, expected yes or no"
    del row["consent"]
    courses = tuple(course.strip() for course in row.pop("courses", "").split(";") if course.strip())
    student = Student(student_id, row.pop("name"), row.pop("email"), row.pop("guardian_email"), consent, courses)
    return RosterRow(student, row, line)


def refuse(problems: list[str], path: Path) -> None:
    """Raise a RosterError with the first problems, if there are any."""
    if not problems:
        return
    shown = problems[:_SHOWN_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    raise RosterError(", ".join(shown), str(path), _TODO)
