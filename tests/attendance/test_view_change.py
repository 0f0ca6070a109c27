"""A room's signature, and whether two of them show the same view."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.attendance import view_change
from edge_daemon.types import VIEW_COLUMNS, VIEW_ROWS, RoomView
from tests.attendance.test_room_faults import EVERYWHERE, SHAPE, left_columns, view, with_one


def furnished(seed: int) -> RoomView:
    rng = np.random.default_rng(seed)
    return view(luma=rng.uniform(60, 180, SHAPE), structure=rng.uniform(5, 40, SHAPE))


def test_the_signature_is_256_numbers_and_comes_back_as_cells():
    scene = view_change.scene_of([furnished(1), furnished(1), furnished(2)])
    assert len(scene) == 256
    assert view_change.view_of_scene(scene).luma == pytest.approx(np.rint(furnished(1).luma))
    assert view_change.view_of_scene(scene).structure == pytest.approx(furnished(1).structure, abs=0.3)


def test_the_same_room_in_other_light_is_the_same_view_and_another_room_is_not():
    one = furnished(1)
    brighter = view(luma=1.3 * one.luma, structure=1.3 * one.structure)
    scene = view_change.scene_of([one])
    assert view_change.scene_similarity(scene, view_change.scene_of([brighter]), EVERYWHERE) > 0.95
    assert view_change.SAME_VIEW == 0.5
    assert view_change.scene_similarity(scene, view_change.scene_of([furnished(2)]), EVERYWHERE) < view_change.SAME_VIEW
    turned = view(luma=np.roll(one.luma, 5, axis=1), structure=np.roll(one.structure, 5, axis=1))
    assert view_change.scene_similarity(scene, view_change.scene_of([turned]), EVERYWHERE) < view_change.SAME_VIEW


def test_covered_cells_are_not_compared_and_too_few_cells_count_as_unchanged():
    one = furnished(1)
    covered = view(
        luma=np.where(left_columns(1, 0) > 0, 27, one.luma),
        structure=np.where(left_columns(1, 0) > 0, 0.4, one.structure),
    )
    scene, other = view_change.scene_of([one]), view_change.scene_of([covered])
    usable = left_columns(0, 1) > 0
    assert view_change.scene_similarity(scene, other, EVERYWHERE) < 0.6
    assert view_change.scene_similarity(scene, other, usable) > 0.95
    few = left_columns(0, 1, columns=14) > 0
    assert view_change.scene_similarity(scene, view_change.scene_of([furnished(2)]), few) == 1.0


def test_a_signature_has_the_light_first_then_twice_the_structure_up_to_255():
    scene = np.frombuffer(view_change.scene_of([view(luma=99.6, structure=20.3)]), np.uint8).reshape(2, *SHAPE)
    assert (scene[0] == 100).all()
    assert (scene[1] == 41).all()
    bright = view_change.scene_of([view(luma=300, structure=200)])
    assert set(bright) == {255}
    assert set(view_change.scene_of([view(luma=-3, structure=0)])) == {0}
    cells = view_change.view_of_scene(bytes([7]) * 128 + bytes([9]) * 128)
    assert (cells.luma == 7).all()
    assert (cells.structure == 4.5).all()
    assert cells.burnt.shape == SHAPE
    assert not cells.burnt.any()
    assert cells.blur_px == 0


def test_a_signature_is_the_median_of_its_captures():
    scenes = [view(luma=light, structure=light / 10) for light in (10, 50, 250)]
    assert set(view_change.scene_of(scenes)[:128]) == {50}
    assert set(view_change.scene_of(scenes)[128:]) == {10}


def test_an_even_picture_is_like_nothing_and_any_scene_like_itself():
    scene, even = view_change.scene_of([furnished(1)]), view_change.scene_of([view()])
    assert view_change.scene_similarity(scene, scene, EVERYWHERE) == pytest.approx(1.0)
    assert view_change.scene_similarity(scene, even, EVERYWHERE) == pytest.approx(0.0, abs=1e-6)
    assert view_change.scene_similarity(even, even, EVERYWHERE) == 0.0


def test_a_scene_of_faint_differences_is_like_itself():
    faint = view_change.scene_of([view(luma=with_one(103, 100), structure=with_one(21, 20))])
    assert view_change.scene_similarity(faint, faint, EVERYWHERE) == pytest.approx(1.0)


def test_a_row_of_which_one_cell_is_compared_says_nothing():
    usable = np.ones(SHAPE, bool)
    usable[4:, 2:] = False  # in the last rows only the first column is not beside unusable cells
    one = furnished(1)
    other = view(luma=one.luma.copy(), structure=one.structure.copy())
    other.luma[5:, 0], other.structure[5:, 0] = 250, 1
    assert view_change.scene_similarity(
        view_change.scene_of([one]), view_change.scene_of([other]), usable
    ) == pytest.approx(1)


def test_light_and_structure_count_alike():
    one, other = furnished(1), furnished(2)
    mixed = view(luma=one.luma, structure=other.structure)
    scene = view_change.scene_of([one])
    similarity = view_change.scene_similarity(scene, view_change.scene_of([mixed]), EVERYWHERE)
    of_others = view_change.scene_similarity(scene, view_change.scene_of([other]), EVERYWHERE)
    mixed_back = view(luma=other.luma, structure=one.structure)
    assert similarity + view_change.scene_similarity(
        scene, view_change.scene_of([mixed_back]), EVERYWHERE
    ) == pytest.approx(1 + of_others)


def test_a_light_that_falls_off_from_row_to_row_changes_no_view():
    one = furnished(1)
    falling = np.linspace(1.0, 0.4, VIEW_ROWS)[:, None]
    darker = view(luma=falling * one.luma, structure=falling * one.structure)
    scenes = view_change.scene_of([one]), view_change.scene_of([darker])
    assert view_change.scene_similarity(*scenes, EVERYWHERE) > 0.95
    across = np.linspace(1.0, 0.1, VIEW_COLUMNS)[None, :]
    shaded = view(luma=across * one.luma, structure=across * one.structure)
    assert view_change.scene_similarity(scenes[0], view_change.scene_of([shaded]), EVERYWHERE) < 0.8


@pytest.mark.parametrize(("columns", "is_compared"), [(5, True), (4, False)])
def test_a_quarter_of_the_cells_has_to_be_compared_without_those_at_the_edge(columns, is_compared):
    """The last of five columns touches unusable cells: four are compared, 32 of 128 cells."""
    usable = np.zeros(SHAPE, bool)
    usable[:, :columns] = True
    scenes = view_change.scene_of([furnished(1)]), view_change.scene_of([furnished(2)])
    assert (view_change.scene_similarity(*scenes, usable) == 1.0) is not is_compared


def test_unusable_cells_and_their_neighbours_do_not_change_the_result():
    one = furnished(1)
    spoiled = view(luma=one.luma.copy(), structure=one.structure.copy())
    spoiled.luma[:, :8], spoiled.structure[:, :8] = 255, 0
    usable = np.ones(SHAPE, bool)
    usable[:, :7] = False  # the eighth column is beside what is not usable
    scenes = view_change.scene_of([one]), view_change.scene_of([spoiled])
    assert view_change.scene_similarity(*scenes, usable) == pytest.approx(1.0)
    assert view_change.scene_similarity(*scenes, EVERYWHERE) < 0.9
