"""Which parts of the room a capture can't show, and whether the camera looks at another scene."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.attendance import room_faults
from edge_daemon.types import VIEW_COLUMNS, VIEW_ROWS, Box, RoomView

SHAPE = VIEW_ROWS, VIEW_COLUMNS
EVERYWHERE = np.ones(SHAPE, bool)
WIDTH_PX, HEIGHT_PX = 1600, 800
"""A cell is 100 by 100 pixels."""


def view(luma=100.0, structure=20.0, burnt=0.0, blur_px=1.0) -> RoomView:
    cells = (np.broadcast_to(np.asarray(v, np.float32), SHAPE).copy() for v in (luma, burnt, structure))
    return RoomView(*cells, blur_px)


def left(value: float, other: float, columns: int = 8) -> np.ndarray:
    cells = np.full(SHAPE, other, np.float32)
    cells[:, :columns] = value
    return cells


def faults(one: RoomView, before: RoomView | None = None) -> tuple[str, ...]:
    return room_faults.flags_of(room_faults.faults_of(one, before, 40.0))


def test_a_usual_capture_has_no_fault():
    assert faults(view(), view()) == ()
    assert faults(view()) == ()


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (view(luma=4, structure=1.1), "too_dark"),
        (view(burnt=0.9, luma=250, structure=20), "glare"),
        (view(luma=230, structure=2), "glare"),
        (view(luma=120, structure=2), "covered"),
        (view(luma=5, structure=0.1), "covered"),
        (view(luma=27, structure=0.5), "covered"),
        (view(blur_px=9), "too_blurred"),
        (view(blur_px=float("inf")), "too_blurred"),
    ],
)
def test_each_fault_is_named(one, fault):
    assert faults(one, view()) == (fault,)


def test_a_bare_wall_that_was_bare_before_is_not_covered():
    bare = view(structure=left(1, 20))
    assert faults(bare, bare) == ()
    assert faults(bare, view()) == ("covered",)


def test_a_bare_wall_behind_an_empty_seat_is_no_cover_and_a_dark_spot_or_a_large_one_is():
    spot, large = np.full(SHAPE, 20.0, np.float32), np.full(SHAPE, 20.0, np.float32)
    spot[3:5, 4:6], large[2:6, 4:8] = 1.0, 1.0
    assert faults(view(structure=spot), view()) == ()
    darker = np.where(spot < 2, 60, 100)
    assert faults(view(luma=darker, structure=np.minimum(spot, 20)), view()) == ("covered",)
    assert faults(view(structure=large), view()) == ("covered",)
    two = spot.copy()
    two[0, 15] = 1.0
    assert faults(view(structure=two), view()) == (), "each patch is judged by itself"


def test_blur_is_judged_by_the_width_of_the_faces_that_sit_there():
    assert (room_faults.faults_of(view(blur_px=5), None, 40.0) > 0).all()
    assert not room_faults.faults_of(view(blur_px=5), None, 120.0).any()


def test_the_area_is_where_faces_sat_and_everything_where_nobody_knows():
    area = room_faults.area_of([Box(100, 100, 50, 50), Box(1550, 700, 50, 50)], WIDTH_PX, HEIGHT_PX)
    assert [tuple(cell) for cell in np.argwhere(area)] == [(1, 1), (7, 15)]
    assert room_faults.area_of([], WIDTH_PX, HEIGHT_PX).all()


def test_a_part_is_affected_and_who_sits_there_is_hidden():
    found = room_faults.faults_of(view(luma=left(4, 100), structure=left(1.1, 20)), None, 40.0)
    assert room_faults.affected(found, EVERYWHERE) == pytest.approx(0.5)
    assert room_faults.main_fault(found, EVERYWHERE) == "too_dark"
    assert room_faults.is_hidden(found, Box(200, 300, 60, 60), WIDTH_PX, HEIGHT_PX)
    assert not room_faults.is_hidden(found, Box(1200, 300, 60, 60), WIDTH_PX, HEIGHT_PX)


def test_what_is_affected_in_half_of_the_captures_is_affected():
    dark, clear = (
        room_faults.faults_of(view(luma=4, structure=1.1), None, 40.0),
        np.zeros(SHAPE, np.uint8),
    )
    assert room_faults.flags_of(room_faults.usual_faults([dark, dark, clear, clear])) == ("too_dark",)
    assert not room_faults.usual_faults([dark, clear, clear]).any()


def furnished(seed: int) -> RoomView:
    rng = np.random.default_rng(seed)
    return view(luma=rng.uniform(60, 180, SHAPE), structure=rng.uniform(5, 40, SHAPE))


def test_the_signature_is_256_numbers_and_comes_back_as_cells():
    scene = room_faults.scene_of([furnished(1), furnished(1), furnished(2)])
    assert len(scene) == 256
    assert room_faults.view_of_scene(scene).luma == pytest.approx(np.rint(furnished(1).luma))
    assert room_faults.view_of_scene(scene).structure == pytest.approx(furnished(1).structure, abs=0.3)


def test_the_same_room_in_other_light_is_the_same_view_and_another_room_is_not():
    one = furnished(1)
    brighter = view(luma=1.3 * one.luma, structure=1.3 * one.structure)
    scene = room_faults.scene_of([one])
    assert room_faults.same_view(scene, room_faults.scene_of([brighter]), EVERYWHERE) > 0.95
    assert room_faults.same_view(scene, room_faults.scene_of([furnished(2)]), EVERYWHERE) < room_faults.SAME_VIEW
    turned = view(luma=np.roll(one.luma, 5, axis=1), structure=np.roll(one.structure, 5, axis=1))
    assert room_faults.same_view(scene, room_faults.scene_of([turned]), EVERYWHERE) < room_faults.SAME_VIEW


def test_covered_cells_are_not_compared_and_too_few_cells_tell_nothing():
    one = furnished(1)
    covered = view(luma=np.where(left(1, 0) > 0, 27, one.luma), structure=np.where(left(1, 0) > 0, 0.4, one.structure))
    scene, other = room_faults.scene_of([one]), room_faults.scene_of([covered])
    usable = left(0, 1) > 0
    assert room_faults.same_view(scene, other, EVERYWHERE) < 0.6
    assert room_faults.same_view(scene, other, usable) > 0.95
    few = left(0, 1, columns=14) > 0
    assert room_faults.same_view(scene, room_faults.scene_of([furnished(2)]), few) == 1.0
