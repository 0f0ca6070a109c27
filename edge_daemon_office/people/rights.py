"""What each role may see and do. A page that a role may not see gets a 404, like a page of another school."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from edge_daemon_office.people.models import ALL_COURSES, Account

SEE_REGISTERS: Final = "see_registers"
SEE_ROOMS: Final = "see_rooms"
SEE_AUDIT: Final = "see_audit"
SEE_STUDENT_FILE: Final = "see_student_file"
CORRECT: Final = "correct"
EXCUSE: Final = "excuse"
MAP_COURSES: Final = "map_courses"

RIGHTS: Final[Mapping[str, frozenset[str]]] = {
    "teacher": frozenset((SEE_REGISTERS, CORRECT)),
    "office": frozenset((SEE_REGISTERS, SEE_ROOMS, SEE_AUDIT, SEE_STUDENT_FILE, CORRECT, EXCUSE, MAP_COURSES)),
    "head": frozenset((SEE_REGISTERS, SEE_ROOMS, SEE_AUDIT, MAP_COURSES)),
    "technician": frozenset((SEE_ROOMS,)),
    "dpo": frozenset((SEE_AUDIT, SEE_ROOMS, SEE_STUDENT_FILE)),
}
"""The rights of each role. The technician sees no names. The data protection officer sees no register of a day."""

START: Final[Mapping[str, str]] = {
    **dict.fromkeys(("teacher", "office", "head"), "today"),
    "technician": "rooms",
    "dpo": "audit",
}
"""First page of each role."""


def may(account: Account, right: str) -> bool:
    """Return whether an account has a right."""
    return right in RIGHTS.get(account.role, frozenset())


def courses_of(account: Account) -> frozenset[str] | None:
    """Return the courses that an account may see; None for all of its school."""
    if account.role != "teacher":
        return None
    taught = frozenset(account.taught.values_list("course", flat=True))
    return None if ALL_COURSES in taught else taught


def own(account: Account) -> dict[str, Any]:
    """Return the filter for the lessons, marks and tallies that an account may see."""
    courses = courses_of(account)
    mine: dict[str, Any] = {"school": account.school}
    return mine if courses is None else {**mine, "course__in": courses}
