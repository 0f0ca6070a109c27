"""The mean of all enrolled students is subtracted before a face is compared with each of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edge_daemon.gallery.match import OWN_WEIGHT, TYPICAL_AGREEMENT, Matcher
from edge_daemon.types import StudentTemplates

SIZE = 192
SHARED = np.eye(SIZE)[0]
"""The direction that all students share: the camera, the light, the age of a class."""


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _own_direction(number: int) -> np.ndarray:
    """The direction that only this student has."""
    return np.eye(SIZE)[1 + number]


def _photograph(number: int, shared: float = 1.0) -> np.ndarray:
    return _unit(shared * SHARED + _own_direction(number))


def _matcher(photographs: Sequence[Sequence[np.ndarray]], width_px: float = 100.0) -> Matcher:
    return Matcher(
        [
            StudentTemplates(f"s{n}", np.array(own, np.float32), np.full(len(own), width_px, np.float32))
            for n, own in enumerate(photographs)
        ]
    )


def _class_of(students: int) -> Matcher:
    return _matcher([[_photograph(n)] for n in range(students)])


def _similarities(matcher: Matcher, face: np.ndarray) -> np.ndarray:
    return matcher.similarities(np.array([_unit(face)], np.float32), np.array([100.0], np.float32))[0]


def _by_hand(students: int, face: np.ndarray, student: int, share: float) -> float:
    """Return the cosine after a share of the class's mean is subtracted, corrected for a single photograph."""
    common = share * np.mean([_photograph(n) for n in range(students)], axis=0)
    cosine = _unit(_unit(face) - common) @ _unit(_photograph(student) - common)
    return cosine / np.sqrt(TYPICAL_AGREEMENT)


def test_a_face_with_only_the_common_part_resembles_no_student():
    assert _by_hand(60, SHARED, 0, share=0.0) > 0.85  # without it the stranger would be like everybody
    assert np.abs(_similarities(_class_of(60), SHARED)).max() < 0.3


def test_a_student_stands_out_more_where_the_common_part_is_off():
    found = _similarities(_class_of(60), _photograph(3))
    assert found[3] == pytest.approx(1 / np.sqrt(TYPICAL_AGREEMENT), abs=1e-4)
    assert np.abs(np.delete(found, 3)).max() < 0.15  # 0.62 without it


@pytest.mark.parametrize(
    ("students", "share"), [(1, 0), (2, 0), (OWN_WEIGHT, 0), (7, 1 / 7), (8, 1 / 4), (12, 1 / 2), (30, 0.8), (60, 0.9)]
)
def test_the_share_that_is_taken_off_grows_with_the_class(students, share):
    face = SHARED + 0.8 * _own_direction(0) + 0.3 * _own_direction(1)
    found = _similarities(_class_of(students), face)
    expected = [_by_hand(students, face, student, share) for student in range(students)]
    assert found == pytest.approx(expected, abs=1e-5)


def test_each_student_has_one_voice_in_the_mean_however_many_the_photographs():
    many = [[_photograph(0)] * 25, *([_photograph(n)] for n in range(1, 12))]
    assert _similarities(_matcher(many), _own_direction(5))[5] == pytest.approx(
        _similarities(_class_of(12), _own_direction(5))[5], abs=1e-5
    )


def test_each_width_has_a_common_part_of_its_own():
    """Small pictures have more in common than large ones: the blur."""
    widths = np.array([30, 100], np.float32)
    students = [
        StudentTemplates(f"s{n}", np.array([_photograph(n, 3.0), _own_direction(n)], np.float32), widths)
        for n in range(12)
    ]
    matcher = Matcher(students)
    face = np.array([_photograph(4, 3.0)] * 2, np.float32)
    small, large = matcher.similarities(face, widths)
    off_small = 0.5 * np.mean([_photograph(n, 3.0) for n in range(12)], axis=0)
    off_large = 0.5 * np.mean([_own_direction(n) for n in range(12)], axis=0)
    for found, common, photograph in ((small, off_small, _photograph(0, 3.0)), (large, off_large, _own_direction(0))):
        cosine = _unit(_photograph(4, 3.0) - common) @ _unit(photograph - common)
        assert found[0] == pytest.approx(cosine / np.sqrt(TYPICAL_AGREEMENT), abs=1e-5)


def test_a_table_of_faces_is_each_face_for_itself():
    """Five faces of different widths, students with photographs of three widths."""
    random = np.random.default_rng(8)
    widths = np.array([26, 40, 100], np.float32)
    students = [
        StudentTemplates(
            f"s{n}", np.stack([_unit(random.normal(size=SIZE)) for _ in widths]).astype(np.float32), widths
        )
        for n in range(9)
    ]
    matcher = Matcher(students)
    faces = np.stack([_unit(random.normal(size=SIZE)) for _ in range(5)]).astype(np.float32)
    faces_px = np.array([20, 30, 50, 90, 200], np.float32)
    table = matcher.similarities(faces, faces_px)
    assert (table.shape, table.dtype) == ((5, 9), np.float32)
    for row, (face, width_px) in enumerate(zip(faces, faces_px, strict=True)):
        alone = matcher.similarities(face[None], width_px[None])
        assert table[row] == pytest.approx(alone[0], abs=1e-6)


def test_an_empty_table_is_of_the_same_kind():
    assert Matcher([]).similarities(np.zeros((2, SIZE), np.float32), np.ones(2, np.float32)).dtype == np.float32
    assert _class_of(3).similarities(np.zeros((0, SIZE), np.float32), np.zeros(0, np.float32)).dtype == np.float32
