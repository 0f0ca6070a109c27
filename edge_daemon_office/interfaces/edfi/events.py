"""The events that should be in the Ed-Fi system, made from marks and excuses."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from edge_daemon_office.home import School
from edge_daemon_office.interfaces.edfi.mapping import CourseMap, Section
from edge_daemon_office.interfaces.marks import stated_marks
from edge_daemon_office.interfaces.settings import EDFI_CATEGORIES, EdFiSettings


@dataclass(frozen=True, slots=True)
class WantedEvent:
    """An event of one student, day, section and category; several lessons become its class periods."""

    student_id: str
    day: date
    section: Section
    category: str
    class_periods: frozenset[str] = frozenset()

    def key(self) -> str:
        """Return the SHA-256 of the fields that Ed-Fi uses as the key."""
        parts = [self.student_id, str(self.day), *self.order(), self.category]
        return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()

    def order(self) -> list[str]:
        """Return the fields that identify the section, as text, in the order of the key."""
        one = self.section
        return [one.local_course_code, one.section_identifier, one.session_name, str(one.school_year)]

    def body(self, school_id: int) -> dict[str, Any]:
        """Return the event in the format of `studentSectionAttendanceEvents`."""
        found: dict[str, Any] = {
            "attendanceEventCategoryDescriptor": self.category,
            "eventDate": str(self.day),
            "sectionReference": {
                "localCourseCode": self.section.local_course_code,
                "schoolId": school_id,
                "schoolYear": self.section.school_year,
                "sectionIdentifier": self.section.section_identifier,
                "sessionName": self.section.session_name,
            },
            "studentReference": {"studentUniqueId": self.student_id},
        }
        if self.class_periods:
            found["classPeriods"] = [
                {"classPeriodReference": {"classPeriodName": name, "schoolId": school_id}}
                for name in sorted(self.class_periods)
            ]
        return found


@dataclass(slots=True)
class WantedEvents:
    """The events that the Ed-Fi system should have for a period."""

    events: dict[str, WantedEvent] = field(default_factory=dict)
    unmapped: Counter[str] = field(default_factory=Counter)
    """Number of marks of courses without a matching line, by course and time."""


def wanted_events(school: School, edfi: EdFiSettings, courses: CourseMap, first: date, last: date) -> WantedEvents:
    """Return the events of a period. Presences, doubtful marks and students not assessed give none."""
    found = WantedEvents()
    periods: dict[tuple[str, date, Section, str], set[str]] = {}
    for one in stated_marks(school.school, first, last):
        if one.state not in EDFI_CATEGORIES:
            continue
        mark = one.mark
        start = mark.start.astimezone(school.zone).time().replace(second=0, microsecond=0)
        row = courses.row(mark.course, mark.day, start)
        if row is None:
            found.unmapped[f"{mark.course or '(all students)'}, {start:%H:%M}"] += 1
            continue
        name = (mark.student_id, mark.day, row.section, edfi.categories[one.state])
        periods.setdefault(name, set()).update({row.class_period} - {""})
    for (student_id, day, section, category), names in periods.items():
        event = WantedEvent(student_id, day, section, category, frozenset(names))
        found.events[event.key()] = event
    return found
