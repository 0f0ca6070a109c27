"""Whether a lesson was as usual: how many of the students were recognised, and how many other faces were there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from typing import Final

from edge_daemon_office.shared.types import RegisterFlag, Sighting, Tally

NOT_IN_TIMETABLE: Final[RegisterFlag] = "not_in_timetable"
UNUSUAL: Final[frozenset[RegisterFlag]] = frozenset(("room_empty", "unusual_class", "view_changed", NOT_IN_TIMETABLE))
"""Nothing goes to families before the office has said that such a lesson was held."""
NOT_SEEABLE: Final[frozenset[RegisterFlag]] = frozenset(("view_changed", "too_dark", "too_blurred", "glare", "covered"))
"""The device could not have seen somebody: that the lesson was held makes nobody absent."""

SMALL_COURSE: Final = 5
"""With fewer students the lesson is unusual where nobody was recognised."""
_RECOGNISED_SHARE: Final = Fraction(1, 5)
_RECOGNISED_AT_LEAST: Final = 2
"""A student counts as recognised from this share of the captures on, and from so many (of one or two captures: from one
on): faces of another class are mistaken now and then."""
_AS_MANY: Final = Fraction(9, 10)
"""Students look away now and then."""
_FEWEST_OTHERS: Final = 3
"""Posters on a wall are no class."""


def is_unusual(tallies: Sequence[Tally], assessed: Collection[str], captures_taken: int, share: Fraction) -> bool:
    """Return whether too few of the students were recognised to call anybody absent.

    Args:
        tallies: of the students of the lesson.
        assessed: ids of those with consent and template; nobody can recognise the others.
        captures_taken: of the lesson.
        share: least share of them that has to be recognised; 0: no lesson is unusual.
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
    """Return whether about as many people of another class were there as students.

    Args:
        sightings: everybody who was seen; an empty student id is somebody unknown.
        student_ids: the students of the lesson.
        captures_taken: of the lesson.
        share: as in `is_unusual`; with fewer others than this share of the students there is no other class.
        assessed: as in `is_unusual`; the others of the class are strangers to the device. None: all students.
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
    """Return what an unusual lesson looks like: hardly any faces, or many of other people.

    Args:
        sightings: everybody who was seen; an empty student id is somebody unknown.
        student_ids: the students of the lesson.
        captures_taken: of the lesson; at least 1.
        share: as in `is_unusual`.
    """
    others = sum(s.student_id not in student_ids for s in sightings)
    many = max(Fraction(_FEWEST_OTHERS), share * len(student_ids))
    return "unusual_class" if others >= many * captures_taken else "room_empty"
