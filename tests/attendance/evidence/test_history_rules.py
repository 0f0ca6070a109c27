"""Exact thresholds for a track without a name, by the history of its seat, and for the second pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edge_daemon.attendance.evidence.seat_history import seat_thresholds
from edge_daemon.attendance.evidence.second_pass import FAR_PX, second_look
from edge_daemon.attendance.evidence.thresholds import NOBODY, Thresholds
from tests.attendance.evidence.made_faces import track

ASKED = Thresholds()
NEVER = float("inf")


def _thresholds(
    unknown: Sequence[int],
    *named: tuple[int, Sequence[int]],
    best: int = 0,
    seats: Sequence[int] = (0, 0, 0),
    familiarity: float = 0.0,
) -> list[float]:
    """Return the threshold of each of three students for the unknown track; other tracks are (student, captures)."""
    slots = [frozenset(unknown), *(frozenset(own) for _, own in named)]
    tracks = [track((1, 0, 0), sorted(own), seat) for own, seat in zip(slots, seats, strict=False)]
    scores = np.zeros((len(tracks), 3))
    scores[0, best] = 0.3
    alike = np.full((len(tracks),) * 2, familiarity)
    students = [NOBODY, *(student for student, _ in named)]
    found = seat_thresholds(tracks, students, slots, scores, alike, ASKED)
    assert np.isposinf(found[1:]).all()  # a track with a name needs none
    return list(found[0])


BETWEEN, BESIDE = ASKED.between_threshold, ASKED.beside_threshold


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ([(0, [*range(5), *range(7, 10)])], BETWEEN),  # before and after
        ([(0, [0, 1]), (0, [8, 9])], BETWEEN),  # the same in two tracks
        ([(0, range(5))], BESIDE),  # before only
        ([(0, range(7, 10))], BESIDE),  # after only
        ([(0, range(5)), (1, range(7, 10))], BESIDE),  # another one after
        ([(1, range(5)), (0, range(7, 10))], BESIDE),
        ([(1, range(5)), (2, range(7, 10))], NEVER),
        ([(1, range(5))], NEVER),
        ([(0, range(3)), (1, [3, 4])], NEVER),  # the last before is another one
        ([(1, [9]), (0, [7, 8])], BESIDE),  # the first after is the student
        ([(0, [9]), (1, [7, 8])], NEVER),
        ([], NEVER),
    ],
)
def test_the_owner_of_a_seat_just_before_and_after_lowers_the_threshold(named, expected):
    assert _thresholds([5, 6], *named) == [expected, NEVER, NEVER]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ([(0, [4, 6, 8])], BETWEEN),  # within and around
        ([(0, [6])], BESIDE),  # a single capture within
        ([(0, [4, 8]), (1, [6])], BESIDE),
        ([(1, [6])], NEVER),
    ],
)
def test_captures_within_a_track_count_as_well(named, expected):
    assert _thresholds([5, 7], *named) == [expected, NEVER, NEVER]


def test_only_the_student_whom_the_track_resembles_most_is_meant():
    assert _thresholds([5, 6], (0, [4, 7]), best=1) == [NEVER] * 3
    assert _thresholds([5, 6], (1, [4, 7]), best=1) == [NEVER, BETWEEN, NEVER]


def test_another_seat_says_nothing():
    assert _thresholds([5, 6], (0, [4, 7]), seats=(0, 1)) == [NEVER] * 3
    assert _thresholds([5, 6], (0, [4]), (0, [7]), seats=(0, 0, 1)) == [BESIDE, NEVER, NEVER]


@pytest.mark.parametrize(
    ("own", "familiarity", "expected"),
    [
        ([1, 3, 5], 0.36, BETWEEN),
        ([1, 3, 5], 0.35, BETWEEN),
        ([1, 3, 5], 0.34, NEVER),
        ([1, 3], 0.36, BETWEEN),  # four changes
        ([1, 9], 0.36, NEVER),  # three
    ],
)
def test_two_people_do_not_take_turns_in_a_chair(own, familiarity, expected):
    """This holds even if the track resembles another student most: the third column is that of the seat's owner."""
    found = _thresholds(own, (2, [0, 2, 4]), best=0, familiarity=familiarity)
    assert found == [NEVER, NEVER, expected]


# --- the second look ---

TOGETHER = [frozenset(range(20))] * 7
SCORES = np.array(
    [
        [0.40, 0.10, 0.05],
        [0.30, 0.02, 0.00],
        [0.20, 0.04, 0.00],
        [0.10, 0.06, 0.00],
        [0.05, 0.08, 0.00],
        [0.00, 0.10, 0.00],
        [-0.90, 0.00, 0.00],
    ]
)


def _second_look(
    widths_px: float = 30.0, faces: int = 10, slots: Sequence[frozenset[int]] = TOGETHER, scores: np.ndarray = SCORES
) -> np.ndarray:
    count = len(scores)
    return second_look(scores, [0.44] * count, [widths_px] * count, [faces] * count, slots)


def test_a_second_look_weighs_the_room_and_the_lead():
    """The best five of six others have 0.13 with the first student on the average; the lead over 0.10 is 0.30."""
    found = _second_look()[0]
    others = [(0.30 + 0.20 + 0.10 + 0.05 + 0.00) / 5, (0.02 + 0.04 + 0.06 + 0.08 + 0.10) / 5, 0.0]
    leads = [0.40 - 0.10, 0.10 - 0.40, 0.05 - 0.40]
    expected = [SCORES[0, s] - 0.5 * others[s] + 0.4 * leads[s] - (0.44 - 0.03) for s in range(3)]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("widths_px", "taken"), [(FAR_PX - 0.1, True), (FAR_PX, False), (80.0, False)])
def test_only_faces_under_forty_pixels_get_a_second_look(widths_px, taken):
    assert np.isfinite(_second_look(widths_px)).all() == taken


@pytest.mark.parametrize(("faces", "taken"), [(10, True), (9, False)])
def test_ten_faces_are_needed_for_a_second_look(faces, taken):
    assert np.isfinite(_second_look(faces=faces)).all() == taken


@pytest.mark.parametrize(("others", "taken"), [(5, True), (4, False)])
def test_five_others_in_the_same_captures_are_needed(others, taken):
    elsewhere = [frozenset(range(100 * k, 100 * k + 20)) for k in range(1, 7 - others)]
    found = _second_look(slots=[*TOGETHER[: others + 1], *elsewhere])
    assert np.isfinite(found[0]).all() == taken
    assert np.isneginf(found[others + 1 :]).all()


def test_tracks_at_other_times_do_not_change_the_second_look():
    slots = [*TOGETHER[:6], frozenset(range(100, 120))]
    scores = SCORES.copy()
    scores[6] = 0.9
    assert _second_look(slots=slots, scores=scores)[0] == pytest.approx(_second_look()[0])


def test_two_students_are_enough_for_a_second_look_and_one_is_not():
    assert np.isfinite(_second_look(scores=SCORES[:, :2])).all()
    assert np.isneginf(_second_look(scores=SCORES[:, :1])).all()
