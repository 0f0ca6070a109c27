"""Comparing faces with templates."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.gallery.match import Matcher, _photographs
from edge_daemon.types import CoveredTemplates, StudentTemplates

RANDOM = np.random.default_rng(3)


def _unit(*rows: np.ndarray) -> np.ndarray:
    stack = np.stack(rows).astype(np.float32)
    return stack / np.linalg.norm(stack, axis=1, keepdims=True)


def _student(student_id: str, near: np.ndarray, far: np.ndarray) -> StudentTemplates:
    return StudentTemplates(student_id, _unit(near, near, far, far), np.array([100, 100, 30, 30], np.float32))


A_NEAR, A_FAR, B_NEAR, B_FAR = RANDOM.normal(size=(4, 192))
MATCHER = Matcher([_student("a", A_NEAR, A_FAR), _student("b", B_NEAR, B_FAR)])


def _similarity(vector: np.ndarray, width_px: float) -> np.ndarray:
    return MATCHER.similarities(_unit(vector), np.array([width_px], np.float32))[0]


def test_a_face_is_compared_with_the_templates_of_its_own_size():
    assert _similarity(A_FAR, 30)[0] > 0.99
    assert _similarity(A_FAR, 100)[0] < 0.5
    assert _similarity(A_NEAR, 100)[0] > 0.99


def test_between_two_sizes_both_count_in_proportion():
    middle = _similarity(A_NEAR, np.sqrt(30 * 100))[0]
    assert middle == pytest.approx((_similarity(A_NEAR, 30)[0] + _similarity(A_NEAR, 100)[0]) / 2, abs=1e-3)


def test_sizes_beyond_the_templates_take_the_nearest():
    assert _similarity(A_FAR, 12) == pytest.approx(_similarity(A_FAR, 30))
    assert _similarity(A_NEAR, 900) == pytest.approx(_similarity(A_NEAR, 100))


def test_the_order_is_that_of_the_students():
    assert MATCHER.student_ids == ("a", "b")
    assert _similarity(B_NEAR, 100)[1] > 0.99


def test_unlike_photographs_do_not_make_their_owner_harder_to_know():
    """The cosine to the mean of noisy photographs is lower; the correction brings both owners near 1."""
    person = RANDOM.normal(size=192) / np.sqrt(192)
    noisy = [person + RANDOM.normal(size=192) / np.sqrt(192) for _ in range(3)]
    clear = [person + 0.3 * RANDOM.normal(size=192) / np.sqrt(192) for _ in range(3)]
    widths = np.full(3, 100, np.float32)
    matcher = Matcher([StudentTemplates("n", _unit(*noisy), widths), StudentTemplates("c", _unit(*clear), widths)])
    n, c = matcher.similarities(_unit(person), widths[:1])[0]
    plain = float(_unit(np.mean(_unit(*noisy), axis=0))[0] @ _unit(person)[0])
    assert plain < 0.9 < n
    assert abs(n - c) < 0.12


def test_without_students_or_faces_the_tables_are_empty():
    assert Matcher([]).similarities(_unit(A_NEAR), np.ones(1, np.float32)).shape == (1, 0)
    assert [table.shape for table in Matcher([]).compared(_unit(A_NEAR), np.ones(1, np.float32))] == [(1, 0)] * 2
    assert MATCHER.similarities(np.zeros((0, 192), np.float32), np.zeros(0, np.float32)).shape == (0, 2)


def _masked(student_id: str, bare: np.ndarray, *covers: np.ndarray) -> StudentTemplates:
    widths = np.array([30], np.float32)
    covered = tuple(CoveredTemplates(_unit(cover), widths) for cover in covers)
    return StudentTemplates(student_id, _unit(bare), widths, covered)


def test_a_covered_face_is_compared_with_the_covered_templates():
    matcher = Matcher([_masked("a", A_NEAR, A_FAR, B_FAR), _masked("b", B_NEAR, *RANDOM.normal(size=(2, 192)))])
    faces = _unit(A_NEAR, A_FAR, B_FAR, B_NEAR)
    found = matcher.similarities(faces, np.full(4, 30, np.float32))
    assert (found[:3, 0] > 0.99).all()  # bare, with a mask, with glasses
    assert (found[:3, 1] < 0.5).all()
    assert found[3, 1] > 0.99


def test_the_gain_of_a_cover_is_what_the_covered_templates_add_to_the_bare_one():
    matcher = Matcher([_masked("a", A_NEAR, A_FAR, B_FAR), _masked("b", B_NEAR, *RANDOM.normal(size=(2, 192)))])
    faces, widths = _unit(A_NEAR, A_FAR, B_FAR), np.full(3, 30, np.float32)
    found, gains = matcher.compared(faces, widths)
    bare = Matcher([_masked("a", A_NEAR), _masked("b", B_NEAR)]).compared(faces, widths)
    assert found.tolist() == matcher.similarities(faces, widths).tolist()
    assert found - gains == pytest.approx(bare[0], abs=1e-6)
    assert (gains[0, 0], bare[1].any()) == (0, False)
    assert gains[1, 0] > 0.5 < gains[2, 0]


def test_a_student_of_an_earlier_release_has_the_bare_template_alone():
    others = [_masked(f"new {n}", *RANDOM.normal(size=(3, 192))) for n in range(2)]
    new = _masked("new", B_NEAR, B_FAR, RANDOM.normal(size=192))
    matcher, alone = (Matcher([_masked("old", A_NEAR), one, *others]) for one in (new, _masked("new", B_NEAR)))
    faces, widths = _unit(A_NEAR, A_FAR, B_FAR), np.full(3, 30, np.float32)
    found, before = matcher.similarities(faces, widths), alone.similarities(faces, widths)
    assert found[:, 0] == pytest.approx(before[:, 0])
    assert before[2, 1] < 0.5 < found[2, 1]


def test_where_few_students_have_covered_templates_a_mask_makes_nobody_one_of_them():
    mask = 3 * _unit(RANDOM.normal(size=192))[0]
    old = [_masked(f"old {n}", *RANDOM.normal(size=(1, 192))) for n in range(3)]
    matcher = Matcher([_masked("new", A_NEAR, _unit(A_NEAR)[0] + mask, RANDOM.normal(size=192)), *old])
    somebody_in_a_mask = _unit(_unit(RANDOM.normal(size=192))[0] + mask)
    assert matcher.similarities(somebody_in_a_mask, np.full(1, 30, np.float32))[0, 0] < 0.5


@pytest.mark.parametrize(("students", "covered", "are_used"), [(11, 8, False), (12, 9, True)])
def test_three_quarters_of_the_class_need_covered_templates(students, covered, are_used):
    bare = RANDOM.normal(size=(students, 192))
    masks = RANDOM.normal(size=(covered, 192))
    class_ = [_masked(f"{n}", bare[n], *masks[n : n + 1]) for n in range(students)]
    found = Matcher(class_).similarities(_unit(masks[0]), np.full(1, 30, np.float32))[0, 0]
    assert bool(found > 0.99) is are_used


def test_the_common_part_of_masks_is_that_of_the_students_with_a_mask():
    common = 3 * _unit(RANDOM.normal(size=192))[0]
    masks = _unit(*RANDOM.normal(size=(9, 192))) + common
    class_ = [_masked(f"{n}", RANDOM.normal(size=192), *masks[n : n + 1]) for n in range(12)]
    faces = _unit(*(masks + 0.5 * _unit(*RANDOM.normal(size=(9, 192)))))
    whole, covered_only = (Matcher(own).similarities(faces, np.full(9, 30, np.float32)) for own in (class_, class_[:9]))
    assert np.diag(whole) == pytest.approx(np.diag(covered_only), abs=1e-4)


def test_the_only_student_has_the_bare_template_alone_because_no_other_can_wear_the_mask():
    faces, widths = _unit(A_NEAR, A_FAR), np.full(2, 30, np.float32)
    covered, bare = Matcher([_masked("a", A_NEAR, A_FAR, B_FAR)]), Matcher([_masked("a", A_NEAR)])
    assert covered.similarities(faces, widths) == pytest.approx(bare.similarities(faces, widths))


def test_of_each_student_the_number_of_photographs_is_that_of_the_width_which_most_of_them_gave():
    def student(student_id: str, *widths_px: float) -> StudentTemplates:
        vectors = _unit(*RANDOM.normal(size=(len(widths_px), 192)))
        return StudentTemplates(student_id, vectors, np.array(widths_px, np.float32))

    students = [student("a", 100, 30), student("b", 100, 100, 30, 30, 30), student("c", 30, 40)]
    assert Matcher(students).photographs == {"a": 1, "b": 3, "c": 1}
    assert _photographs(np.array([], np.float32)) == 0
