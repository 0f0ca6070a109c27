"""Maps a lesson to its section, session and class period, with a CSV file that the school writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.keys import read_csv

_NEEDED: Final = ("course", "local_course_code", "section_identifier", "session_name", "school_year")
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Section:
    """A section of Ed-Fi, with the fields of `sectionReference`."""

    local_course_code: str
    section_identifier: str
    session_name: str
    school_year: int


@dataclass(frozen=True, slots=True)
class MappingRow:
    """A line of the file: the lessons that it matches, and where they belong."""

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

    def row(self, course: str, day: date, start: time) -> MappingRow | None:
        """Return the line for a lesson: the most specific of several; None if there is none.

        Args:
            course: the course of the lesson.
            day: the day at the school.
            start: the start at the school, in whole minutes.
        """
        found = [one for one in self._rows.get(course, ()) if one.fits(day, start)]
        return max(found, key=lambda one: (one.start is not None, one.weekday is not None), default=None)


def read_mapping(path: Path) -> CourseMap:
    """Return the mapping in a file.

    Raises:
        OfficeError: there is no file, it can't be read, or one of its lines is wrong.
    """
    if not path.exists():
        hint = f"write a CSV file with the columns {', '.join(_NEEDED)} (docs/OFFICE.md)"
        raise OfficeError("is not there", str(path), hint)
    rows: dict[str, list[MappingRow]] = {}
    for line, row in read_csv(path, _NEEDED):
        rows.setdefault(row["course"], []).append(_row(f"{path}, line {line}", row))
    return CourseMap(rows)


def _row(where: str, row: Mapping[str, str]) -> MappingRow:
    for name in _NEEDED:
        if not row.get(name):
            raise OfficeError(f"has no {name}", where, "fill every column that a section needs")
    if not row["school_year"].isascii() or not row["school_year"].isdigit():
        raise OfficeError(f"{row['school_year']!r} is no school year", where, "write 2027")
    weekday = row.get("weekday", "").lower()[:3]
    if weekday and weekday not in _WEEKDAYS:
        raise OfficeError(f"{row['weekday']!r} is no weekday", where, f"write {', '.join(_WEEKDAYS)}, or nothing")
    section = Section(
        row["local_course_code"], row["section_identifier"], row["session_name"], int(row["school_year"][:6])
    )
    return MappingRow(
        section,
        row.get("class_period", ""),
        _day(where, row.get("first_day", ""), date.min),
        _day(where, row.get("last_day", ""), date.max),
        _WEEKDAYS.index(weekday) if weekday else None,
        _start(where, row.get("start", "")),
    )


def _day(where: str, text: str, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError as error:
        raise OfficeError(f"{text!r} is no day", where, "write 2026-11-30") from error


def _start(where: str, text: str) -> time | None:
    try:
        return datetime.strptime(text, "%H:%M").time() if text else None  # noqa: DTZ007 - a time of day
    except ValueError as error:
        raise OfficeError(f"{text!r} is no time", where, "write 08:00") from error
