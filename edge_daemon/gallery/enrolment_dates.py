"""The dates of a student's enrolment in a course. The day of the lesson decides, not the day of the import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, tzinfo
from typing import Final, Protocol

from edge_daemon.types import EnrolmentPeriod

_FORMS: Final = {"month first": "%m/%d/%Y", "day first": "%d/%m/%Y"}


class Enrolled(Protocol):
    """A student with courses and their dates."""

    @property
    def courses(self) -> tuple[str, ...]:
        """The student's courses; empty if the student belongs to every course."""

    @property
    def periods(self) -> tuple[EnrolmentPeriod, ...]:
        """First and last days of the enrolment in those courses that have dates."""


def is_expected(student: Enrolled, course: str, day: date) -> bool:
    """Return whether a student belongs to a lesson.

    Args:
        student: the student from the roster. One without courses belongs to every lesson.
        course: course of the lesson. If it is empty, everybody who is enrolled that day belongs to the lesson.
        day: day of the lesson, in the school's time zone.
    """
    courses = _courses_on(student, day)
    if not student.courses:
        return True
    return bool(courses) if not course else course in courses


def _courses_on(student: Enrolled, day: date) -> frozenset[str]:
    dated = {period.course for period in student.periods}
    current = {period.course for period in student.periods if _holds(period, day)}
    return frozenset(course for course in student.courses if course not in dated or course in current)


def _holds(period: EnrolmentPeriod, day: date) -> bool:
    return (period.begin is None or period.begin <= day) and (period.end is None or day < period.end)


def slash_order(values: Sequence[str]) -> str:
    """Return the order of day and month that dates such as 08/25/2026 show; empty if they show neither or both."""
    firsts: set[str] = set()
    for value in values:
        parts = value.split(" ")[0].split("/")
        if len(parts) == 3 and all(part.isdecimal() for part in parts):
            first, second = int(parts[0]), int(parts[1])
            firsts |= {"month first"} if second > 12 else {"day first"} if first > 12 else set()
    return next(iter(firsts)) if len(firsts) == 1 else ""


def school_date(value: str, zone: tzinfo, order: str = "") -> date | None:
    """Return the day of a date or an instant; None if it can't be read.

    Args:
        value: ISO 8601, `25.08.2026`, or with slashes if `order` is known. Midnight in UTC means the day as written
            because many programs write days like this.
        zone: the school's time zone, for other instants.
        order: order of days and months between slashes, from `slash_order`.
    """
    text = value.strip()
    try:
        if "/" in text:
            return datetime.strptime(text.split(" ")[0], _FORMS[order]).date()  # noqa: DTZ007 - a day has no zone
        if "." in text[:3]:
            return datetime.strptime(text.split(" ")[0], "%d.%m.%Y").date()  # noqa: DTZ007
        if len(text) <= 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(_full(text))
    except (ValueError, KeyError):
        return None
    if moment.tzinfo is None or moment.time() == time():
        return moment.date()
    return moment.astimezone(zone).date()


def _full(text: str) -> str:
    """Return an instant in the form that Python 3.10 reads: `+00:00` for Z, and six digits of fractional seconds."""
    text = text.replace(" ", "T", 1).replace(",", ".")
    if text[-1:] in "Zz":
        text = text[:-1] + "+00:00"
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return f"{head}.{digits[:6]:0<6}{tail[len(digits) :]}"
