"""Decides whether a lesson was unusual: how many students were recognised, and how many other faces were there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from edge_daemon_office.shared.types import RegisterFlag, Sighting, Tally

NOT_IN_TIMETABLE: Final[RegisterFlag] = "not_in_timetable"
UNUSUAL: Final[frozenset[RegisterFlag]] = frozenset(("room_empty", "unusual_class", "view_changed", NOT_IN_TIMETABLE))
"""Flags of an unusual lesson. Families are not notified of it before the office confirms that it was held."""
NOT_SEEABLE: Final[frozenset[RegisterFlag]] = frozenset(("view_changed", "too_dark", "too_blurred", "glare", "covered"))
"""Flags of a lesson in which the device could not have seen a student, so that nobody is absent even if it was held."""
FLAG_MEANS: Final[Mapping[RegisterFlag, str]] = MappingProxyType(
    {
        "room_empty": "hardly any faces were there",
        "unusual_class": "many other people were there",
        "view_changed": "the camera's view has changed: check whether the camera was turned",
        "too_dark": "a part of the room is too dark",
        "too_blurred": "the picture is blurred: look at the lens",
        "glare": "a part of the room is lost in glare",
        "covered": "a part of the room may be covered, or is bare behind an empty seat: look at the lens",
        "not_in_timetable": "the timetable called it off, or lost it",
    }
)
"""The meaning of each flag of a register, for a person."""

SMALL_COURSE: Final = 5
"""Course size below which a lesson is unusual only if nobody was recognised."""
_RECOGNISED_SHARE: Final = Fraction(1, 5)
"""A student counts as recognised if seen in at least this share of the captures."""
_RECOGNISED_AT_LEAST: Final = 2
"""A student counts as recognised if also seen in at least this number of captures.

If a lesson has one or two captures, one is enough. Otherwise a single sighting may be somebody else's face that was
mistaken for the student's.
"""
_AS_MANY: Final = Fraction(9, 10)
"""Least number of sightings of other people for each sighting of a student, at which the room counts as shared.

It is below 1, because people sometimes look away.
"""
_FEWEST_OTHERS: Final = 3
"""Least number of other people that can be another class; fewer may be faces on posters."""


def is_unusual(tallies: Sequence[Tally], assessed: Collection[str], captures_taken: int, share: Fraction) -> bool:
    """Return whether too few of the students were recognised to mark anybody absent.

    Args:
        tallies: tallies of the lesson's students.
        assessed: ids of students with consent and template, because the others can't be recognised.
        captures_taken: number of captures.
        share: least share of the students that must be recognised. If 0, no lesson is unusual.
    """
    counted = [t for t in tallies if t.student_id in assessed]
    if not counted or not captures_taken or not share:
        return False
    least = max(_RECOGNISED_SHARE * captures_taken, Fraction(min(_RECOGNISED_AT_LEAST, (captures_taken + 1) // 2)))
    recognised = sum(t.captures_seen >= least for t in counted)
    return recognised == 0 if len(counted) < SMALL_COURSE else recognised < share * len(counted)


def is_shared(
    sightings: Iterable[Sighting],
    student_ids: Collection[str],
    captures_taken: int,
    share: Fraction,
    *,
    assessed: Collection[str] | None = None,
) -> bool:
    """Return whether there were about as many people of another class as students.

    Args:
        sightings: all sightings; an empty student id is an unknown person.
        student_ids: the students of the lesson.
        captures_taken: number of captures.
        share: as for `is_unusual`; fewer other people than this share of the students are not another class.
        assessed: as for `is_unusual`; the device sees the class's other students as strangers. If None, all students
            are assessed.
    """
    if not captures_taken or not share:
        return False
    whose = Counter(s.student_id in student_ids for s in sightings)
    own = 0 if assessed is None else sum(student_id not in assessed for student_id in student_ids)
    others = whose[False] - own * captures_taken
    many = max(Fraction(_FEWEST_OTHERS), share * len(student_ids))
    return others >= many * captures_taken and others >= _AS_MANY * whose[True]


def unusual_flag(
    sightings: Iterable[Sighting], student_ids: Collection[str], captures_taken: int, share: Fraction
) -> RegisterFlag:
    """Return the kind of an unusual lesson: `unusual_class` with many other people, otherwise `room_empty`.

    Args:
        sightings: all sightings; an empty student id is an unknown person.
        student_ids: the students of the lesson.
        captures_taken: number of captures, at least 1.
        share: as for `is_unusual`.
    """
    others = sum(s.student_id not in student_ids for s in sightings)
    many = max(Fraction(_FEWEST_OTHERS), share * len(student_ids))
    return "unusual_class" if others >= many * captures_taken else "room_empty"
