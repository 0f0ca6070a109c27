"""The probability of having been there, from whom the people in the room may be."""

from __future__ import annotations

import pytest

from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.presence import PossibleStudent, presence_probabilities
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from tests.attendance.evidence.room import Room
from tests.attendance.evidence.test_match_probability import WEIGHTS


def part(probability, first, last, student_id="a"):
    return PossibleStudent(student_id, probability, frozenset(range(first, last)))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], 0.0),
        ([part(0.9, 0, 20)], 0.9),
        ([part(0.9, 0, 9)], 0.0),
        ([part(0.9, 0, 6), part(0.5, 6, 12)], 0.45),  # neither alone is enough
        ([part(0.9, 0, 12), part(0.5, 12, 24)], 0.95),  # either is
        ([part(0.9, 0, 6), part(0.5, 0, 6)], 0.0),  # the same captures count once
    ],
)
def test_a_presence_is_as_probable_as_the_parts_that_make_it(parts, expected):
    found = presence_probabilities([*parts, part(1.0, 0, 40, "b")], ["a", "b"], needed=10)
    assert found["a"] == pytest.approx(expected)
    assert found["b"] == 1


def test_many_short_parts_are_no_burden_and_count_as_one():
    assert presence_probabilities([part(0.5, k, k + 1) for k in range(200)], ["a"], needed=10)["a"] == 0.5


def test_a_student_who_is_seen_in_many_places_is_as_probable_as_the_places():
    parts = [part(1.0, 0, 30), *(part(0.9, 30 + k, 31 + k) for k in range(12))]
    assert presence_probabilities(parts, ["a"], needed=40)["a"] == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("lengths", "chances", "expected"),
    [
        ((3, 3, 3, 3, 3, 2), (0.5, 0.5, 0.5, 0.5, 0.5, 0.9), 0.5**5 * 0.9),  # six are computed one by one
        ((3, 3, 3, 3, 3, 2, 1), (0.5, 0.5, 0.5, 0.5, 0.5, 0.9, 0.3), 0.5**5 * 0.7),  # the last two are joined
        ((3, 3, 3, 3, 3, 1, 0), (0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 0.1), 0.5**5 * 0.8),
    ],
)
def test_from_the_sixth_person_on_the_shortest_count_as_one(lengths, chances, expected):
    """Everybody is needed: the joined ones are as probable as their mean, weighted by their captures."""
    ends = [sum(lengths[: k + 1]) for k in range(len(lengths))]
    parts = [part(chance, end - n, end) for chance, n, end in zip(chances, lengths, ends, strict=True)]
    assert presence_probabilities(parts, ["a"], needed=ends[-1])["a"] == pytest.approx(expected)


def test_no_presence_is_more_than_certain():
    """These products add up to a little more than 1 in floating point."""
    parts = [part(chance, k, k + 1) for k, chance in enumerate((0.1, 0.1, 0.2))]
    assert presence_probabilities(parts, ["a"], needed=0)["a"] == 1.0


def test_named_people_are_probable_and_absent_ones_are_not():
    room = Room()
    for seat, student in enumerate(room.ids[:8]):
        room.sits(student, range(40), seat)
    found = resolve_lesson(room.faces, room.ids, match=MatchProbability(WEIGHTS))
    probabilities = presence_probabilities(found.possible, room.ids, needed=16)
    assert min(probabilities[one] for one in room.ids[:8]) > 0.9
    assert max(probabilities[one] for one in room.ids[8:]) < 0.1
