"""Which parts of the room a capture can't show, and whether the camera looks at another scene."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.attendance import room_faults, view_change
from edge_daemon.types import VIEW_COLUMNS, VIEW_ROWS, Box, RoomView

SHAPE = VIEW_ROWS, VIEW_COLUMNS
EVERYWHERE = np.ones(SHAPE, bool)
WIDTH_PX, HEIGHT_PX = 1600, 800
"""A cell is 100 by 100 pixels."""


def view(luma=100.0, structure=20.0, burnt=0.0, blur_px=1.0) -> RoomView:
    cells = (np.broadcast_to(np.asarray(v, np.float32), SHAPE).copy() for v in (luma, burnt, structure))
    return RoomView(*cells, blur_px)


def left_columns(value: float, other: float, columns: int = 8) -> np.ndarray:
    cells = np.full(SHAPE, other, np.float32)
    cells[:, :columns] = value
    return cells


def faults(one: RoomView, before: RoomView | None = None) -> tuple[str, ...]:
    return room_faults.flags_of(room_faults.faults_of(one, before, 40.0))


def test_a_usual_capture_has_no_fault():
    assert (room_faults.SMALLEST_FACE_PX, view_change.SAME_VIEW, room_faults.PART) == (36.0, 0.5, 0.15)
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
    bare = view(structure=left_columns(1, 20))
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


def test_the_area_is_where_faces_sat_or_the_whole_picture_if_unknown():
    area = room_faults.area_of([Box(100, 100, 50, 50), Box(1550, 700, 50, 50)], WIDTH_PX, HEIGHT_PX)
    assert [tuple(cell) for cell in np.argwhere(area)] == [(1, 1), (7, 15)]
    assert room_faults.area_of([], WIDTH_PX, HEIGHT_PX).all()


def test_in_an_affected_part_of_the_room_a_face_is_hidden():
    found = room_faults.faults_of(view(luma=left_columns(4, 100), structure=left_columns(1.1, 20)), None, 40.0)
    assert room_faults.affected(found, EVERYWHERE) == pytest.approx(0.5)
    assert room_faults.main_fault(found, EVERYWHERE) == "too_dark"
    assert room_faults.is_hidden(found, Box(200, 300, 60, 60), WIDTH_PX, HEIGHT_PX)
    assert not room_faults.is_hidden(found, Box(1200, 300, 60, 60), WIDTH_PX, HEIGHT_PX)


def test_a_cell_that_is_affected_in_half_of_the_captures_is_affected():
    dark, clear = (
        room_faults.faults_of(view(luma=4, structure=1.1), None, 40.0),
        np.zeros(SHAPE, np.uint8),
    )
    assert room_faults.flags_of(room_faults.usual_faults([dark, dark, clear, clear])) == ("too_dark",)
    assert not room_faults.usual_faults([dark, clear, clear]).any()


def patch(rows: slice, columns: slice, value: float, other: float) -> np.ndarray:
    cells = np.full(SHAPE, other, np.float32)
    cells[rows, columns] = value
    return cells


def with_one(value: float, other: float) -> np.ndarray:
    return patch(slice(0, 1), slice(0, 1), value, other)


def one_fault(cell: RoomView, before: RoomView | None = None) -> str:
    """Return the fault of the first cell, of a capture whose other cells have none."""
    found = room_faults.faults_of(cell, before, 40.0)
    assert not found.flat[1:].any()
    return room_faults.flags_of(found)[0] if found[0, 0] else ""


@pytest.mark.parametrize(("luma", "fault"), [(8.0, ""), (7.99, "too_dark"), (0.0, "too_dark")])
def test_a_cell_is_too_dark_below_8_of_255(luma, fault):
    assert one_fault(view(luma=with_one(luma, 100))) == fault


@pytest.mark.parametrize(("burnt", "fault"), [(0.499, ""), (0.5, "glare"), (1.0, "glare")])
def test_a_cell_is_glare_where_half_of_it_is_burnt_out(burnt, fault):
    assert one_fault(view(burnt=with_one(burnt, 0))) == fault


@pytest.mark.parametrize(("luma", "fault"), [(199.9, "covered"), (200.0, "glare"), (255.0, "glare")])
def test_a_cell_without_structure_is_glare_from_200_on_and_covered_below(luma, fault):
    assert one_fault(view(luma=with_one(luma, 100), structure=with_one(0.5, 20))) == fault


@pytest.mark.parametrize("luma", [40.0, 100.0, 190.0])
def test_a_cell_shows_something_from_3_percent_of_its_light_and_a_third_of_a_step_on(luma):
    least = 0.03 * luma + 0.3
    assert one_fault(view(luma=luma, structure=with_one(least + 0.01, 20))) == ""
    assert one_fault(view(luma=luma, structure=with_one(least - 0.01, 20))) == "covered"


@pytest.mark.parametrize(("blur_px", "width_px", "is_fault"), [(2.8, 40.0, False), (2.81, 40.0, True), (2.6, 36, True)])
def test_a_picture_is_too_blurred_over_7_percent_of_the_width_of_a_face(blur_px, width_px, is_fault):
    found = room_faults.faults_of(view(blur_px=blur_px), None, width_px)
    assert room_faults.flags_of(found) == (("too_blurred",) if is_fault else ())


def test_a_cell_has_one_fault_glare_before_dark_before_cover_before_blur():
    luma = np.full(SHAPE, 100, np.float32)
    luma.flat[:4] = [4, 4, 100, 100]
    structure, burnt = np.full(SHAPE, 20, np.float32), np.zeros(SHAPE, np.float32)
    structure.flat[2], burnt.flat[0] = 0.5, 0.9
    found = room_faults.faults_of(view(luma, structure, burnt, blur_px=9), None, 40.0)
    kinds = ["too_dark", "too_blurred", "glare", "covered"]
    assert [kinds[number - 1] for number in found.flat[:4]] == ["glare", "too_dark", "covered", "too_blurred"]
    assert room_faults.flags_of(found) == tuple(kinds)


@pytest.mark.parametrize(("shapeless", "fault"), [(64, "too_dark"), (65, "covered"), (128, "covered")])
def test_the_dark_is_a_cover_where_most_of_its_cells_show_no_shapes(shapeless, fault):
    structure = np.full(SHAPE, 5.0, np.float32)
    structure.flat[:shapeless] = 0.1
    found = room_faults.faults_of(view(luma=4, structure=structure), view(), 40.0)
    assert found[-1, -1] == 1 + ["too_dark", "too_blurred", "glare", "covered"].index(fault)


def test_only_the_dark_cells_say_whether_the_dark_is_a_cover():
    """A wall without structure elsewhere makes nothing of it."""
    luma, structure = left_columns(4, 100), left_columns(5, 1)
    assert faults(view(luma=luma, structure=structure), None) == ("too_dark", "covered")


@pytest.mark.parametrize(("more", "fault"), [(0, ()), (1, ("covered",))])
def test_a_bare_spot_has_12_cells_at_most(more, fault):
    structure = patch(slice(3, 5), slice(4, 10), 1.0, 20.0)
    structure[5, 4 : 4 + more] = 1.0
    assert faults(view(structure=structure), view()) == fault


@pytest.mark.parametrize(("luma", "fault"), [(85.0, ()), (84.0, ("covered",)), (115.0, ()), (116.0, ("covered",))])
def test_a_bare_spot_has_the_light_of_what_is_around_it_within_15_percent(luma, fault):
    spot = {"rows": slice(3, 5), "columns": slice(4, 6)}
    lights, structure = patch(**spot, value=luma, other=100.0), patch(**spot, value=1.0, other=20.0)
    assert faults(view(luma=lights, structure=structure), view()) == fault


def test_the_light_around_a_spot_is_that_of_the_cells_that_touch_it_and_the_median_counts():
    structure = patch(slice(3, 5), slice(4, 6), 1.0, 20.0)
    lights = patch(slice(2, 6), slice(3, 7), 100.0, 20.0)  # the rest of the room is darker
    lights[2, 3:7] = 250.0  # a lamp above it
    assert faults(view(luma=lights, structure=structure), view(luma=lights)) == ()


def test_cells_that_touch_at_a_corner_are_one_patch():
    """Seven and seven cells, each a spot by itself, are a cover of fourteen."""
    structure = patch(slice(1, 2), slice(0, 7), 1.0, 20.0)
    apart = structure.copy()
    structure[2, 7:14], apart[4, 7:14] = 1.0, 1.0
    assert faults(view(structure=structure), view()) == ("covered",)
    assert faults(view(structure=apart), view()) == ()


def test_a_column_between_two_patches_keeps_them_apart_and_cells_above_each_other_are_one():
    for row in range(VIEW_ROWS):
        line = patch(slice(row, row + 1), slice(0, 15), 1.0, 20.0)
        line[row, 7] = 20.0  # seven and seven cells
        assert faults(view(structure=line), view()) == ()
        line[row, 7] = 1.0
        assert faults(view(structure=line), view()) == ("covered",)
    horseshoe = patch(slice(0, 7), slice(2, 3), 1.0, 20.0)
    horseshoe[:7, 4] = horseshoe[7, 2:5] = 1.0
    assert faults(view(structure=horseshoe), view()) == ("covered",)


def test_a_spot_at_the_edge_of_the_picture_is_a_spot_and_a_patch_with_nothing_around_it_is_none():
    corner = patch(slice(6, 8), slice(13, 16), 1.0, 20.0)
    assert faults(view(structure=corner), view()) == ()
    assert faults(view(structure=1.0), view()) == ("covered",)


def test_a_wall_that_was_bare_before_does_not_make_a_bare_spot_beside_it_a_cover():
    before = patch(slice(0, 3), slice(0, 16), 1.0, 20.0)
    now = before.copy()
    now[3:5, 4:6] = 1.0
    assert faults(view(structure=now), view(structure=before)) == ()


@pytest.mark.parametrize(
    ("share_of_cells", "is_known", "is_part"),
    [
        *((19, True, False), (20, True, True), (128, True, True)),  # 15 % of 128 cells are 19.2
        *((57, False, False), (58, False, True), (102, False, True), (103, False, False)),  # 57.6 and 102.4
    ],
)
def test_a_part_is_15_percent_of_a_known_room_and_45_to_80_percent_of_one_that_is_not(
    share_of_cells, is_known, is_part
):
    found = np.zeros(SHAPE, np.uint8)
    found.flat[:share_of_cells] = 1
    assert room_faults.is_part(found, EVERYWHERE, is_known=is_known) is is_part
    assert room_faults.affected(found, EVERYWHERE) == pytest.approx(share_of_cells / 128)


@pytest.mark.parametrize(("cells", "is_part"), [(44, False), (45, True), (79, True), (80, False)])
def test_the_limits_of_a_part_of_an_unknown_room_are_45_percent_with_and_80_without(cells, is_part):
    found, area = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, bool)
    found.flat[:cells], area.flat[:100] = 2, True
    assert room_faults.is_part(found, area, is_known=False) is is_part


@pytest.mark.parametrize(("cells", "is_part"), [(14, False), (15, True)])
def test_the_limit_of_a_part_of_a_known_room_is_15_percent(cells, is_part):
    found, area = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, bool)
    found.flat[:cells], area.flat[:100] = 2, True
    assert room_faults.is_part(found, area, is_known=True) is is_part


def test_affected_cells_outside_the_area_do_not_count():
    found, area = np.full(SHAPE, 3, np.uint8), np.zeros(SHAPE, bool)
    area[:, :4] = True
    found[:, :4] = 0
    assert room_faults.affected(found, area) == 0
    found[0, :3], found[1, :2] = 4, 2
    assert room_faults.main_fault(found, area) == "covered"
    assert room_faults.affected(found, area) == pytest.approx(5 / 32)


def test_a_usual_fault_is_that_of_most_captures_in_which_the_cell_has_one():
    captures = [np.full(SHAPE, fault, np.uint8) for fault in (0, 4, 4, 3, 0)]
    assert (room_faults.usual_faults(captures) == 4).all()
    captures[0][0, 0], captures[4][0, 0] = 3, 3
    assert room_faults.usual_faults(captures)[0, 0] == 3
    assert room_faults.usual_faults(captures).dtype == np.uint8
    assert (room_faults.usual_faults([np.full(SHAPE, 1, np.uint8)]) == 1).all()


@pytest.mark.parametrize(("cells", "is_hidden"), [(0, False), (1, False), (2, True), (4, True)])
def test_a_face_is_hidden_where_half_of_its_cells_are(cells, is_hidden):
    found = np.zeros(SHAPE, np.uint8)
    for row, column in [(4, 4), (5, 5), (4, 5), (5, 4)][:cells]:
        found[row, column] = 4
    assert room_faults.is_hidden(found, Box(450, 450, 100, 100), WIDTH_PX, HEIGHT_PX) is is_hidden


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        (Box(0, 0, 99, 99), [0], [0]),
        (Box(0, 0, 100, 200), [0, 1, 2], [0, 1]),
        (Box(-50, -900, 10, 10), [0], [0]),
        (Box(1500, 700, 500, 500), [7], [15]),
        (Box(5000, 900, 10, 10), [7], [15]),
        (Box(650, 150, 300, 100), [1, 2], [6, 7, 8, 9]),
    ],
)
def test_the_cells_of_a_box_are_all_that_it_touches_within_the_picture(box, rows, columns):
    area = room_faults.area_of([box], WIDTH_PX, HEIGHT_PX)
    assert [list(np.flatnonzero(area.any(axis=axis))) for axis in (1, 0)] == [rows, columns]


def test_the_area_of_faces_has_no_cell_between_them():
    area = room_faults.area_of([Box(0, 0, 50, 50), Box(1000, 0, 50, 50)], WIDTH_PX, HEIGHT_PX)
    assert [tuple(map(int, cell)) for cell in np.argwhere(area)] == [(0, 0), (0, 10)]
    everywhere = room_faults.area_of([], WIDTH_PX, HEIGHT_PX)
    assert (area.dtype, everywhere.dtype, everywhere.shape) == (bool, bool, SHAPE)
