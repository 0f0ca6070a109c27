"""The track that gets a left-over face, and the cases in which a face changes its track."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_daemon.attendance.evidence.tracks import make_track, track_seat
from tests.attendance.evidence.made_faces import blocks, vectors_with


def _tracks(cosines: np.ndarray, slots: list[int]) -> list[list[int]]:
    """Return the captures of each track; faces are numbered in the order of time."""
    order = sorted(range(len(slots)), key=lambda i: slots[i])
    tracks = track_seat(0, range(len(order)), [slots[i] for i in order], vectors_with(cosines)[order])
    return sorted([slots[order[m]] for m in track.members] for track in tracks)


def _with_loose(sizes: list[int], to_each: list[float], within: float = 0.6, between: float = 0.0) -> np.ndarray:
    """Return cosines of groups, and of a last face that has these mean cosines to each of them."""
    cosines = blocks([*sizes, 1], within, between)
    for group, cosine in enumerate(to_each):
        own = slice(sum(sizes[:group]), sum(sizes[: group + 1]))
        cosines[-1, own] = cosines[own, -1] = cosine
    return cosines


@pytest.mark.parametrize(("cosine", "joins"), [(0.30, True), (0.105, True), (0.095, False), (-0.3, False)])
def test_a_face_within_a_track_joins_it_unless_it_contradicts(cosine, joins):
    found = _tracks(_with_loose([4], [cosine]), [0, 1, 3, 4, 2])
    assert found == ([[0, 1, 2, 3, 4]] if joins else [[0, 1, 3, 4], [2]])


@pytest.mark.parametrize("slots", [[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]], ids=["after", "before"])
@pytest.mark.parametrize(("cosine", "joins"), [(0.30, True), (0.245, True), (0.235, False), (0.15, False)])
def test_a_face_before_or_after_a_track_joins_it_by_its_own_similarity(slots, cosine, joins):
    assert len(_tracks(_with_loose([4], [cosine]), slots)) == (1 if joins else 2)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (0.34, 0.25, [[0, 1, 2, 3], [4, 5, 6]]),
        (0.25, 0.34, [[0, 1, 2], [3, 4, 5, 6]]),
        (0.235, 0.10, [[0, 1, 2], [3], [4, 5, 6]]),  # on both sides somebody else: no help from the time
        (0.0, 0.245, [[0, 1, 2], [3, 4, 5, 6]]),
        (0.245, 0.0, [[0, 1, 2, 3], [4, 5, 6]]),
    ],
)
def test_a_face_between_two_tracks_joins_the_one_that_it_is_more_like(first, second, found):
    assert _tracks(_with_loose([3, 3], [first, second]), [0, 1, 2, 4, 5, 6, 3]) == found


def test_only_the_tracks_next_in_time_are_asked():
    """Face 6 is like the first track, but that one ended before the second began."""
    assert _tracks(_with_loose([3, 3], [0.34, 0.0]), [0, 1, 2, 3, 4, 5, 6]) == [[0, 1, 2], [3, 4, 5], [6]]
    assert _tracks(_with_loose([3, 3], [0.0, 0.34]), [1, 2, 3, 4, 5, 6, 0]) == [[0], [1, 2, 3], [4, 5, 6]]


def test_three_faces_are_a_track_of_their_own_and_two_join_another():
    """A pair in the middle of a track is like it with a mean cosine of 0.2."""
    assert _tracks(blocks([4, 2], 0.6, 0.2), [0, 1, 4, 5, 2, 3]) == [[0, 1, 2, 3, 4, 5]]
    assert _tracks(blocks([4, 3], 0.6, 0.2), [0, 1, 5, 6, 2, 3, 4]) == [[0, 1, 5, 6], [2, 3, 4]]


def test_a_pair_that_joins_no_track_stays_a_pair():
    assert _tracks(blocks([4, 2], 0.6, 0.0), [0, 1, 4, 5, 2, 3]) == [[0, 1, 4, 5], [2, 3]]


def test_without_any_track_loose_faces_stay_alone():
    assert _tracks(np.eye(3), [0, 1, 2]) == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("to_second", "stays"), [(0.555, False), (0.565, True)], ids=["moves to its neighbours", "is too unlike them"]
)
def test_two_neighbours_in_time_add_eight_percent_each(to_second, stays):
    """The grouping gave a face in the first track (0.40) to the second one. It has 0.40 + 2 x 0.08 = 0.56."""
    cosines = _with_loose([4, 4], [0.40, to_second], within=0.8)
    found = _tracks(cosines, [0, 1, 3, 4, 5, 6, 7, 8, 2])
    assert found == ([[0, 1, 3, 4], [2, 5, 6, 7, 8]] if stays else [[0, 1, 2, 3, 4], [5, 6, 7, 8]])


@pytest.mark.parametrize(("to_second", "stays"), [(0.475, False), (0.485, True)])
def test_a_face_at_the_end_has_one_neighbour(to_second, stays):
    """The first face of all, next to the first track: 0.40 + 0.08 = 0.48."""
    found = _tracks(_with_loose([4, 4], [0.40, to_second], within=0.8), [1, 2, 3, 4, 5, 6, 7, 8, 0])
    assert found == ([[0, 5, 6, 7, 8], [1, 2, 3, 4]] if stays else [[0, 1, 2, 3, 4], [5, 6, 7, 8]])
    found = _tracks(_with_loose([4, 4], [to_second, 0.40], within=0.8), [0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert found == ([[0, 1, 2, 3, 8], [4, 5, 6, 7]] if stays else [[0, 1, 2, 3], [4, 5, 6, 7, 8]])


def test_the_first_face_of_all_is_a_neighbour_too():
    """The second face in time, between the first and the third of the first track: 0.40 + 2 x 0.08 = 0.56."""
    found = _tracks(_with_loose([4, 4], [0.40, 0.555], within=0.8), [0, 2, 3, 4, 5, 6, 7, 8, 1])
    assert found == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_face_between_two_tracks_has_a_neighbour_of_each_and_its_similarity_decides():
    for first, second, found in (
        (0.50, 0.45, [[0, 1, 2, 3, 4], [5, 6, 7, 8]]),
        (0.45, 0.50, [[0, 1, 2, 3], [4, 5, 6, 7, 8]]),
    ):
        cosines = _with_loose([4, 4], [first, second], within=0.8)
        assert _tracks(cosines, [0, 1, 2, 3, 5, 6, 7, 8, 4]) == found


def test_a_track_keeps_the_numbers_of_its_lesson_and_the_mean_of_its_faces():
    vectors = vectors_with(np.array([[1, 0.5, 0.2], [0.5, 1, 0.8], [0.2, 0.8, 1]]))
    track = make_track(7, [0, 1, 2], [10, 20, 30], vectors)
    assert (track.seat, track.members) == (7, (10, 20, 30))
    assert track.similarity == pytest.approx(0.5)
    assert track.centre == pytest.approx(vectors.mean(axis=0))
    pair = make_track(7, [0, 2], [10, 20, 30], vectors)
    assert (pair.members, pair.similarity) == ((10, 30), pytest.approx(0.2))


def test_a_single_face_has_no_similarity_to_itself():
    vectors = vectors_with(np.array([[1, 0.5], [0.5, 1]]))
    track = make_track(0, [1], [4, 5], vectors)
    assert track.members == (5,)
    assert math.isnan(track.similarity)
    assert track.centre == pytest.approx(vectors[1])


def test_the_tracks_of_a_seat_have_its_number_and_the_numbers_of_the_lesson():
    tracks = track_seat(3, [11, 22, 33, 44, 55, 66], range(6), vectors_with(blocks([3, 3], 0.8, 0.0)))
    assert [(one.seat, one.members) for one in tracks] == [(3, (11, 22, 33)), (3, (44, 55, 66))]
    assert [one.similarity for one in tracks] == pytest.approx([0.8, 0.8])
