"""Which tracks are of one person, seated here and there during a lesson."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.attendance.evidence.identities import exclude, familiarity, unite
from tests.attendance.evidence.made_faces import track, turned

FIRST = [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("shared", "a", "b", "excluded"),
    [(0, 20, 20, False), (3, 20, 20, False), (4, 20, 20, True), (3, 20, 90, False), (4, 20, 90, True), (1, 6, 6, True)],
)
def test_more_than_fifteen_percent_of_the_shorter_track_in_the_same_captures_excludes(shared, a, b, excluded):
    one, two = frozenset(range(a)), frozenset(range(a - shared, a - shared + b))
    assert exclude(one, two) is exclude(two, one) is excluded


def test_familiarity_is_the_cosine_freed_of_noise():
    tracks = [track(FIRST, range(3)), track(turned(0.7), range(3, 20)), track([0, 0, 1], [20])]
    expected = np.array([[1, 0.7, 0], [0.7, 1, 0], [0, 0, 1]])
    assert familiarity(tracks) == pytest.approx(expected, abs=1e-6)


def _united(cosine: float, first: int = 4, second: int = 4, *, seats=(0, 1), slots=None) -> bool:
    """Return whether two tracks are united, for a familiarity and numbers of faces."""
    tracks = [track(FIRST, range(first), seats[0]), track(turned(cosine), range(first, first + second), seats[1])]
    groups = unite(tracks, slots or [frozenset(range(first)), frozenset(range(first, first + second))])
    assert groups in ([[0, 1]], [[0], [1]])
    return len(groups) == 1


@pytest.mark.parametrize(("cosine", "united"), [(0.99, True), (0.8201, True), (0.8199, False), (0.4, False)])
@pytest.mark.parametrize("seats", [(0, 1), (0, 0)])
def test_two_tracks_are_one_person_from_a_familiarity_of_82_percent_on(cosine, united, seats):
    assert _united(cosine, seats=seats) == united


def _alternating(a: str, b: str) -> list[frozenset[int]]:
    return [frozenset(map(int, a.split())), frozenset(map(int, b.split()))]


@pytest.mark.parametrize(
    ("slots", "seats", "cosine", "united"),
    [
        (("0 2 4", "1 3 5"), (0, 0), 0.36, True),  # five changes
        (("0 2 4", "1 3 5"), (0, 0), 0.34, False),
        (("0 1 4", "2 3 5"), (0, 0), 0.80, False),  # three
        (("0 4 8", "1 2 6"), (0, 0), 0.36, True),  # four
        (("0 2 4", "1 3 5"), (0, 1), 0.80, False),  # at two seats
    ],
)
def test_four_changes_at_one_seat_make_35_percent_enough(slots, seats, cosine, united):
    assert _united(cosine, 3, 3, seats=seats, slots=_alternating(*slots)) == united


def _blocks(length: int, changes: int) -> list[frozenset[int]]:
    """Return the captures of two tracks that relieve each other after a number of captures."""
    slots = range(length * (changes + 1))
    return [frozenset(s for s in slots if s // length % 2 == turn) for turn in (0, 1)]


@pytest.mark.parametrize(
    ("slots", "seats", "united"),
    [
        (_alternating("0 2 4 6", "1 3 5"), (0, 0), True),  # six changes
        (_alternating("0 2 4", "1 3 5"), (0, 0), False),  # five
        (_alternating("0 2 4 6", "1 3 5"), (0, 1), False),  # at two seats
        (_blocks(2, 7), (0, 0), True),  # seven changes; eight on average in a random order
        (_blocks(2, 6), (0, 0), True),
        (_blocks(3, 6), (0, 0), True),  # six; 10.3 on average
        (_blocks(4, 6), (0, 0), False),  # six; 13.7 on average
    ],
)
@pytest.mark.parametrize("cosine", [0.3, -0.5])
def test_two_tracks_that_are_mixed_at_one_seat_are_one_person_however_unlike(slots, seats, united, cosine):
    first, second = map(len, slots)
    assert _united(cosine, first, second, seats=seats, slots=slots) == united


@pytest.mark.parametrize(("first", "second", "united"), [(3, 3, True), (2, 9, False), (9, 2, False), (1, 1, False)])
def test_a_track_of_a_face_or_two_is_united_with_no_other(first, second, united):
    assert _united(0.95, first, second) == united


@pytest.mark.parametrize(("shared", "united"), [(3, True), (4, False)])
def test_tracks_that_share_too_many_captures_are_two_persons_however_alike(shared, united):
    slots = [frozenset(range(20)), frozenset(range(20 - shared, 40 - shared))]
    assert _united(0.99, 20, 20, slots=slots) == united


def test_a_person_takes_a_track_only_if_none_of_his_excludes_it():
    """The second is the first's best match; the third shares its captures with the second."""
    tracks = [track(FIRST, range(4), 0), track(turned(0.95), range(4, 8), 1), track(turned(0.90), range(8, 12), 2)]
    apart = [frozenset(range(4)), frozenset(range(4, 8)), frozenset(range(8, 12))]
    assert unite(tracks, apart) == [[0, 1, 2]]
    # The second and the third are the most familiar pair of all; where they share captures the first decides.
    together = [frozenset(range(4)), frozenset(range(4, 8)), frozenset(range(4, 8))]
    assert unite(tracks, together) == [[0, 1], [2]]


def test_the_most_familiar_pair_is_united_first():
    """The first is 0.90 like the third and 0.85 like the second; these two share all captures."""
    tracks = [track(FIRST, range(4), 0), track(turned(0.85), range(4, 8), 1), track(turned(-0.90), range(8, 12), 2)]
    tracks[2] = track([0.90, -((1 - 0.81) ** 0.5), 0], range(8, 12), 2)
    slots = [frozenset(range(4)), frozenset(range(4, 8)), frozenset(range(4, 8))]
    assert unite(tracks, slots) == [[0, 2], [1]]
    assert unite(tracks[::-1], slots[::-1]) == [[0, 2], [1]]


def test_a_pair_that_is_too_unlike_ends_no_search():
    """Two tracks in turns at one seat need less than the pair that comes before them."""
    slots = [frozenset({20, 21, 22}), frozenset({30, 31, 32}), frozenset({0, 2, 4}), frozenset({1, 3, 5})]
    tracks = [
        track([1, 0, 0, 0], range(3), 0),
        track([0.5, 0.75**0.5, 0, 0], range(3, 6), 1),
        track([0, 0, 1, 0], range(6, 9), 2),
        track([0, 0, 0.4, 0.84**0.5], range(9, 12), 2),
    ]
    assert unite(tracks, slots) == [[0], [1], [2, 3]]


def test_groups_that_were_united_are_united_as_a_whole():
    """Two pairs, 0.98 within; between them only one pair of tracks is above the limit, and all four become one."""
    angles = [0, 11, 40, 51]  # degrees: neighbours 0.98, the middle pair 0.875, the outer pairs below 0.82
    tracks = [
        track([np.cos(np.radians(a)), np.sin(np.radians(a)), 0], range(4 * n, 4 * n + 4), n)
        for n, a in enumerate(angles)
    ]
    slots = [frozenset(range(4 * n, 4 * n + 4)) for n in range(4)]
    assert unite(tracks, slots) == [[0, 1, 2, 3]]
    # The last one sat beside the first: then no part of the two groups may be united.
    slots[3] = slots[0]
    assert unite(tracks, slots) == [[0, 1], [2, 3]]
