"""Maps a lesson to its section, session and class period, by lines of the page *Ed-Fi* or of a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.keys import read_csv
from edge_daemon_office.interfaces.models import CourseSection

_NEEDED: Final = ("course", "local_course_code", "section_identifier", "session_name", "school_year")
COLUMNS: Final = (*_NEEDED, "class_period", "weekday", "start", "first_day", "last_day")
"""Columns of a line."""
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST: Final = {
    "course": 200,
    "local_course_code": 60,
    "section_identifier": 255,
    "session_name": 60,
    "class_period": 60,
    "school_year": 4,
}
"""Longest texts of Ed-Fi's fields (Data Standard 6.1), and of a course."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of Ed-Fi, with the fields of `sectionReference`."""

    local_course_code: str
    section_identifier: str
    session_name: str
    school_year: int


@dataclass(frozen=True, slots=True)
class MappingRow:
    """A line of the mapping file: which lessons match it, and to which section they belong."""

    section: Section
    class_period: str
    """Class period; empty if events have none."""
    first_day: date
    last_day: date
    weekday: int | None
    """Weekday; 0 is Monday, None matches any."""
    start: time | None
    """Start at the school; None matches any."""

    def fits(self, day: date, start: time) -> bool:
        """Return whether this line matches a lesson."""
        return (
            self.first_day <= day <= self.last_day
            and self.weekday in (None, day.weekday())
            and self.start in (None, start)
        )


class CourseMap:
    """Finds the section of a lesson.

    Args:
        rows: lines of the file, by course.
    """

    def __init__(self, rows: Mapping[str, list[MappingRow]]) -> None:
        self._rows = rows

    def knows(self, course: str) -> bool:
        """Return whether a course has a line."""
        return course in self._rows

    def row(self, course: str, day: date, start: time) -> MappingRow | None:
        """Return the line for a lesson: the most specific of several; None if there is none.

        Args:
            course: the course of the lesson.
            day: the day at the school.
            start: the start at the school, in whole minutes.
        """
        found = [one for one in self._rows.get(course, ()) if one.fits(day, start)]
        return max(found, key=lambda one: (one.start is not None, one.weekday is not None), default=None)


def mapping_of(school: str, path: Path) -> CourseMap:
    """Return the mapping of a school: the page's lines for courses that have some there, the file's for all others.

    Raises:
        OfficeError: there are neither lines nor a file, the file can't be read, or one of its lines is wrong.
    """
    own: dict[str, list[MappingRow]] = {}
    for one in page_lines(school):
        own.setdefault(one.course, []).append(checked_line(f"page Ed-Fi, {one.course}", line_texts(one)))
    return CourseMap({**_read(path), **own}) if own else read_mapping(path)


def read_mapping(path: Path) -> CourseMap:
    """Return the mapping in a file.

    Raises:
        OfficeError: there is no file, it can't be read, or one of its lines is wrong.
    """
    if not path.exists():
        hint = f"fill the page Ed-Fi, or write a CSV file with the columns {', '.join(_NEEDED)} (docs/EXCHANGE.md)"
        raise OfficeError("is not there", str(path), hint)
    return CourseMap(_read(path))


def _read(path: Path) -> dict[str, list[MappingRow]]:
    rows: dict[str, list[MappingRow]] = {}
    for line, row in file_lines(path):
        rows.setdefault(row["course"], []).append(checked_line(f"{path}, line {line}", row))
    return rows


def file_lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return number and columns of each line of the file; none if there is no file; raises OfficeError."""
    return list(read_csv(path, _NEEDED)) if path.exists() else []


def page_lines(school: str) -> list[CourseSection]:
    """Return the lines of the page, in the order in which they are shown."""
    order = ("course", "weekday", "start", "first_day", "line_id")
    return list(CourseSection.objects.filter(school=school).order_by(*order))


def line_texts(line: CourseSection) -> dict[str, str]:
    """Return the texts for a line of the mapping file from a line of the admin page."""
    return {name: "" if (value := getattr(line, name)) is None else str(value) for name in COLUMNS}


def checked_line(where: str, row: Mapping[str, str]) -> MappingRow:
    """Return a line after checking its columns.

    Args:
        where: the place of the line, for the error.
        row: its texts by column.

    Raises:
        OfficeError: a column is empty or wrong.
    """
    for name in _NEEDED:
        if not row.get(name):
            raise OfficeError(f"has no {name}", where, "fill every column that a section needs")
    for name, most in _LONGEST.items():
        if len(row.get(name, "")) > most or not row.get(name, "").isprintable():
            raise OfficeError(
                f"{name} is too long, or has characters that can't be printed", where, f"at most {most} characters"
            )
    if not row["school_year"].isascii() or not row["school_year"].isdigit():
        raise OfficeError(f"{row['school_year']!r} is not a school year", where, "write 2027")
    weekday = row.get("weekday", "").lower()[:3]
    if weekday and weekday not in WEEKDAYS:
        raise OfficeError(f"{row['weekday']!r} is not a weekday", where, f"write {', '.join(WEEKDAYS)}, or nothing")
    first, last = _day(where, row.get("first_day", ""), date.min), _day(where, row.get("last_day", ""), date.max)
    if last < first:
        raise OfficeError("last_day is before first_day", where, "exchange them")
    section = Section(row["local_course_code"], row["section_identifier"], row["session_name"], int(row["school_year"]))
    return MappingRow(
        section,
        row.get("class_period", ""),
        first,
        last,
        WEEKDAYS.index(weekday) if weekday else None,
        _start(where, row.get("start", "")),
    )


def _day(where: str, text: str, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError as error:
        raise OfficeError(f"{text!r} is not a day", where, "write 2026-11-30") from error


def _start(where: str, text: str) -> time | None:
    try:
        return datetime.strptime(text, "%H:%M").time() if text else None  # noqa: DTZ007 - a time of day
    except ValueError as error:
        raise OfficeError(f"{text!r} is not a time", where, "write 08:00") from error
