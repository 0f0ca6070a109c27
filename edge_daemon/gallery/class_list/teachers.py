"""The column `teacher_email` of a class list: the teachers of a row's courses.

The cell has one address for all courses of the row, or one for each course in their order, separated by `;`. Commas
separate several teachers of one course.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from edge_daemon.gallery.class_list.cells import one_address

COLUMN: Final = "teacher_email"
MOST: Final = 5
"""Largest number of teachers of one course."""
_COURSES = re.compile(r"[;\r\n]")
_TEACHERS = re.compile(r",")

Teachers = Mapping[str, tuple[str, ...]]
"""Addresses by course. The empty course holds the teachers of a student without courses."""


def understood(cell: str, courses: Sequence[str]) -> tuple[Teachers, str]:
    """Return the teachers of a row's courses, and a remark on the cell.

    Args:
        cell: the cell as the list has it.
        courses: the row's courses. If there are none, the student belongs to every lesson.
    """
    parts = [part.strip() for part in _COURSES.split(cell)]
    if not any(parts):
        return {}, ""
    if len(parts) == 1:
        parts *= max(1, len(courses))
    elif len(parts) != len(courses):
        return {}, f"has {len(parts)} entries for {len(courses)} courses; it is left out"
    found, odd = {}, ""
    for course, part in zip(courses or ("",), parts, strict=True):
        read = [one_address(one.strip()) for one in _TEACHERS.split(part) if one.strip()]
        odd = odd or next((what for _, what in read if what), "")
        addresses = tuple(dict.fromkeys(address for address, _ in read if address))[:MOST]
        if addresses:
            found[course] = addresses
    return found, odd


def as_text(teachers: Teachers, courses: Sequence[str]) -> str:
    """Return the text of a cell from which `understood` reads these teachers; empty if there are none."""
    parts = [",".join(teachers.get(course, ())) for course in courses or ("",)]
    if not any(parts):
        return ""
    return parts[0] if len(set(parts)) == 1 else ";".join(parts)


def joined(one: Teachers, other: Teachers) -> Teachers:
    """Return the teachers of two rows, combined for each course."""
    return {
        course: tuple(dict.fromkeys((*one.get(course, ()), *other.get(course, ()))))[:MOST]
        for course in dict.fromkeys((*one, *other))
    }
