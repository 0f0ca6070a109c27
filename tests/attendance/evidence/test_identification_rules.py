"""From pooled similarities to names: the cohort, the thresholds, margins, contradictions, one place at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edge_daemon.attendance.evidence.thresholds import NOBODY, Thresholds
from edge_daemon.attendance.evidence.track_identification import identify_tracks, score
from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.types import Candidate
from tests.attendance.evidence.made_faces import TYPICAL, face, track, turned

NOISE = TYPICAL**0.5
"""Share of a similarity that remains after noise in the tracks of these tests; see `made_faces.track`."""
STUDENTS = [f"S{n}" for n in range(8)]


class Lesson:
    """Tracks with the similarities of their faces to every student, without noise."""

    def __init__(self) -> None:
        self.faces: list[Candidate] = []
        self.tracks: list[Track] = []

    def add(
        self,
        slots: Sequence[int],
        pooled: Sequence[float],
        direction: Sequence[float] = (1, 0, 0),
        *,
        seat: int | None = None,
        width_px: float = 56.0,
    ) -> Lesson:
        similarities = [NOISE * value for value in [*pooled, *[0.0] * (len(STUDENTS) - len(pooled))]]
        members = range(len(self.faces), len(self.faces) + len(slots))
        self.tracks.append(track(direction, members, len(self.tracks) if seat is None else seat))
        self.faces += [face(slot, width_px=width_px, similarities=similarities) for slot in slots]
        return self

    def identities(self, look_alikes: Sequence[tuple[str, str]] = ()) -> list[int]:
        return identify_tracks(self.tracks, self.faces, STUDENTS, look_alikes, Thresholds())


def _score(pooled: Sequence[float]) -> list[float]:
    similarities = [NOISE * value for value in pooled]
    return list(score([track((1, 0, 0), [0, 1])], [face(slot, similarities=similarities) for slot in (0, 1)]))


def test_half_the_mean_similarity_of_the_five_nearest_other_students_is_subtracted():
    pooled = [0.9, 0.1, 0.5, 0.3, 0.2, 0.4, 0.05, -0.2]
    of_others = 0.5 + 0.4 + 0.3 + 0.2 + 0.1
    top_six = 0.9 + of_others
    expected = [
        *(0.9 - 0.5 * of_others / 5, 0.1 - 0.5 * (0.9 + 0.5 + 0.4 + 0.3 + 0.2) / 5),
        *(value - 0.5 * (top_six - value) / 5 for value in (0.5, 0.3, 0.2, 0.4)),
        *(value - 0.5 * (0.9 + 0.5 + 0.4 + 0.3 + 0.2) / 5 for value in (0.05, -0.2)),
    ]
    assert _score(pooled) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("students", [2, 3, 5, 6])
def test_in_a_small_class_the_mean_is_over_all_other_students(students):
    pooled = [0.8 - 0.1 * n for n in range(students)]
    expected = [value - 0.5 * (sum(pooled) - value) / (students - 1) for value in pooled]
    assert _score(pooled) == pytest.approx(expected, abs=1e-6)


def test_without_other_students_nothing_is_subtracted():
    assert _score([0.7]) == pytest.approx([0.7])


def test_tracks_weigh_by_their_faces():
    faces = [face(slot, similarities=[NOISE * value]) for slot, value in enumerate([0.8] * 3 + [0.4])]
    tracks = [track((1, 0, 0), range(3)), track((1, 0, 0), [3])]
    assert score(tracks, faces) == pytest.approx([0.7])


@pytest.mark.parametrize("width_px", [26.0, 40.0, 50.0, 90.0])
@pytest.mark.parametrize("count", [1, 2, 9, 30])
@pytest.mark.parametrize(("above", "name"), [(0.002, 0), (-0.002, NOBODY)])
def test_a_track_is_the_student_from_its_threshold_on(width_px, count, above, name):
    pooled = [Thresholds().threshold(width_px, count) + above]
    assert Lesson().add(range(count), pooled, width_px=width_px).identities() == [name]


def test_the_threshold_of_a_track_follows_the_mean_width_of_its_faces():
    """The track has one face of 26 px and one of 40 px. For faces of 33 px the threshold is 0.429 + 0.045."""
    for pooled, name in ((0.478, 0), (0.470, NOBODY)):
        lesson = Lesson().add([0, 1], [pooled], width_px=26.0)
        lesson.faces[1] = face(1, width_px=40.0, similarities=lesson.faces[1].similarities)
        assert lesson.identities() == [name]


@pytest.mark.parametrize(("rival", "name"), [(0.600 - 0.0355, NOBODY), (0.600 - 0.0375, 0)])
def test_a_lead_under_four_percent_is_no_name(rival, name):
    """A score is 1.1 of the difference to the rival, who is in the cohort: 0.04 of it are 0.0364."""
    assert Lesson().add(range(9), [0.600, rival]).identities() == [name]


@pytest.mark.parametrize(("rival", "name"), [(0.600 - 0.089, NOBODY), (0.600 - 0.093, 0)])
@pytest.mark.parametrize("pair", [("S0", "S1")])
def test_between_look_alikes_the_margin_is_ten_percent(rival, name, pair):
    assert Lesson().add(range(9), [0.600, rival]).identities([pair]) == [name]
    assert Lesson().add(range(9), [0.600, rival]).identities([("S0", "S2")]) == [0]
    swapped = Lesson().add(range(9), [rival, 0.600]).identities([pair])
    assert swapped == [NOBODY if name == NOBODY else 1]


@pytest.mark.parametrize(("slots", "name"), [([8, 20, 21], 0), ([9, 20, 21], NOBODY)])
def test_a_rival_who_is_elsewhere_in_one_of_the_captures_is_no_rival(slots, name):
    lesson = Lesson().add(range(9), [0.600, 0.590]).add(slots, [0.0, 0.9], (0, 1, 0))
    assert lesson.identities() == [name, 1]


def test_the_second_rival_counts_as_well_as_the_first():
    """The best rival sits elsewhere, the next one is not in the room."""
    lesson = Lesson().add(range(9), [0.700, 0.695, 0.690]).add(range(9), [0.0, 0.9], (0, 1, 0))
    assert lesson.identities() == [NOBODY, 1]


def test_a_student_is_at_one_place_in_the_same_captures_and_the_clearer_claim_wins():
    assert Lesson().add(range(9), [0.60]).add(range(9), [0.65], (0, 1, 0)).identities() == [NOBODY, 0]
    # More faces are a stronger claim than a little more similarity.
    assert Lesson().add(range(18), [0.60]).add(range(9), [0.62], (0, 1, 0)).identities() == [0, NOBODY]


def test_a_name_that_is_taken_leaves_the_second_choice():
    lesson = Lesson().add(range(9), [0.60, 0.0]).add(range(9), [0.80, 0.70], (0, 1, 0))
    assert lesson.identities() == [0, 1]  # together they bring the most


def test_a_student_who_moves_is_named_at_every_seat():
    lesson = Lesson()
    for n in range(4):
        lesson.add(range(9 * n, 9 * n + 9), [0.6], turned(1 - 0.1 * n))
    assert lesson.identities() == [0] * 4


@pytest.mark.parametrize(
    ("count", "familiarity", "names"),
    [
        *((5, 0.41, [0, 0]), (5, 0.39, [0, NOBODY]), (3, 0.39, [0, NOBODY]), (2, 0.30, [0, 0])),
        *((6, 0.76, [0, 0]), (6, 0.74, [0, NOBODY]), (5, 0.74, [0, 0])),
    ],
)
def test_two_tracks_that_are_unlike_each_other_are_not_one_student(count, familiarity, names):
    """At 0.40 with three faces each, at 0.75 with six; a track of a face or two contradicts nothing."""
    lesson = Lesson().add(range(count), [0.70]).add(range(50, 50 + count), [0.65], turned(familiarity))
    assert lesson.identities() == names


def _vector_at(degrees: float) -> list[float]:
    return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0]


def test_of_a_person_at_two_seats_the_track_with_the_most_faces_says_what_contradicts():
    """The larger track is 0.42 familiar to the other person, the smaller one, 25 degrees away, not at all."""
    lesson = (
        Lesson()
        .add(range(5), [0.70], _vector_at(0))
        .add(range(10, 13), [0.70], _vector_at(25))
        .add(range(20, 25), [0.65], _vector_at(-65))
    )
    assert lesson.identities() == [0, 0, 0]
    lesson = (
        Lesson()
        .add(range(5), [0.70], _vector_at(0))
        .add(range(10, 13), [0.70], _vector_at(-25))
        .add(range(20, 25), [0.65], _vector_at(-70))
    )
    assert lesson.identities() == [0, 0, NOBODY]  # 0.34 to the larger one, 0.71 to the smaller one


def test_a_claim_weighs_by_what_is_above_the_threshold_and_by_the_root_of_its_faces():
    """(0.60 - 0.425 + 0.05) of nine faces is 0.675, (0.50 - 0.421 + 0.05) of sixteen 0.517."""
    assert Lesson().add(range(9), [0.60]).add(range(16), [0.50], (0, 1, 0)).identities() == [0, NOBODY]
    assert Lesson().add(range(9), [0.60]).add(range(16), [0.58], (0, 1, 0)).identities() == [NOBODY, 0]


def test_a_doubtful_name_is_taken_back_behind_somebody_unknown():
    lesson = Lesson().add(range(9), [0.10]).add(range(20, 29), [0.600, 0.590], (0, 1, 0))
    assert lesson.identities() == [NOBODY, NOBODY]


def test_the_shorter_of_two_tracks_says_what_contradicts():
    lesson = Lesson().add(range(20), [0.70]).add(range(50, 55), [0.70], turned(0.5))
    assert lesson.identities() == [0, 0]
    assert lesson.add(range(60, 66), [0.70], turned(-0.5)).identities() == [0, 0, NOBODY]


def test_a_student_who_is_named_at_one_seat_is_named_at_the_next_one_with_less_evidence():
    """The tracks are united by familiarity; together they stay below the threshold, but the first alone is above it."""
    lesson = Lesson().add(range(4), [0.60]).add(range(10, 30), [0.30], turned(0.9))
    assert lesson.identities() == [0, 0]
    assert Lesson().add(range(3), [0.65]).add(range(10, 30), [0.30], turned(0.9)).identities() == [0, 0]
    # A face or two do not name a whole person.
    lesson = Lesson().add(range(2), [0.90]).add(range(10, 30), [0.30], turned(0.9))
    assert lesson.identities() == [0, NOBODY]


def test_two_seats_together_can_reach_the_threshold_that_each_misses():
    """0.60 and 0.34 of the same number of faces are 0.47, which 0.415 + 0.045 lets pass."""
    lesson = Lesson().add(range(3), [0.44]).add(range(10, 13), [0.44], turned(0.9))
    assert lesson.identities() == [0, 0]  # 0.415 + 0.09 / 6; each alone lacks 0.005
    assert Lesson().add(range(3), [0.44]).identities() == [NOBODY]


def test_a_seat_between_two_tracks_of_a_student_needs_little():
    for pooled, name in ((0.13, 0), (0.11, NOBODY)):
        lesson = Lesson().add([*range(9), *range(12, 20)], [0.7], seat=3)
        lesson.add([9, 10, 11], [pooled], turned(0.6), seat=3)
        assert lesson.identities() == [0, name]


def test_a_track_that_alternates_with_a_student_in_a_seat_is_the_same_student():
    """Two faces that resemble somebody else a little more; with four changes, 0.35 of familiarity is enough."""
    for familiarity, name in ((0.36, 0), (0.34, NOBODY)):
        lesson = Lesson().add([0, 2, 4, 5, 6], [0.7], seat=3).add([1, 3], [0.2, 0.25], turned(familiarity), seat=3)
        assert lesson.identities() == [0, name]


def test_a_seat_gives_no_name_to_a_face_that_contradicts_its_owner():
    for familiarity, name in ((0.76, 0), (0.74, NOBODY)):
        lesson = Lesson().add([*range(9), *range(15, 24)], [0.7], seat=3)
        lesson.add(range(9, 15), [0.2], turned(familiarity), seat=3)
        assert lesson.identities() == [0, name]


def test_a_seat_gives_no_name_to_a_student_who_is_elsewhere():
    lesson = Lesson().add([*range(9), *range(12, 20)], [0.7], seat=3).add([9, 10, 11], [0.2], turned(0.6), seat=3)
    lesson.add([9, 10, 11], [0.6], turned(0.6), seat=4)
    assert lesson.identities() == [0, NOBODY, 0]


def test_a_class_that_is_far_away_gets_a_second_look():
    """Ten faces of 30 px that lack 0.01 of the threshold, among five others in the same captures."""
    below = Thresholds().threshold(30.0, 10) - 0.01
    others = np.eye(7)
    for captures, name in ((10, 0), (9, NOBODY)):
        lesson = Lesson().add(range(captures), [below], others[0], width_px=30.0)
        for number in range(1, 6):
            pooled = [0.0] * 8
            pooled[number] = 0.8
            lesson.add(range(captures), pooled, others[number], width_px=30.0)
        assert lesson.identities() == [name, 1, 2, 3, 4, 5]
