from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge_daemon.app.audit.face_light import face_light
from edge_daemon.app.audit.front_direction import find_front
from edge_daemon.app.audit.optics import Optics
from edge_daemon.app.audit.picture_span import longest_lens, most_metres, span
from edge_daemon.app.audit.scene_light import measure_scene
from edge_daemon.app.audit.seat_finder import find_rows, find_seats
from edge_daemon.types import Box
from tests.app.rooms import OPTICS, look, room

XS = (600.0, 1400.0, 2200.0, 3000.0, 3800.0)


def test_a_head_that_moves_a_little_is_one_seat_and_its_neighbour_another():
    looks = [look(1000 + 15 * k, 800, 60, picture=k) for k in range(4)] + [look(1130, 800, 60, picture=4)]
    seats = find_seats(looks)
    assert [len(seat.looks) for seat in seats] == [4, 1]
    assert seats[0].box.x + seats[0].box.w / 2 == pytest.approx(1022.5)


def test_a_seat_has_the_medians_of_its_pictures():
    looks = [
        look(1000, 800, w, picture=k, sharpness=s, yaw_deg=yaw)
        for k, (w, s, yaw) in enumerate([(50, 0.4, -10.0), (52, 0.5, None), (70, 0.1, 20.0)])
    ]
    (seat,) = find_seats(looks)
    assert (seat.width_px, seat.sharpness, seat.yaw_deg) == (52, 0.4, 5.0)


def test_a_box_that_is_a_face_only_among_its_neighbours_is_no_seat():
    sure, unsure = look(1000, 800, 60), look(2000, 800, 60)
    unsure = replace(unsure, face=replace(unsure.face, score=0.5))
    assert len(find_seats([sure, unsure])) == 1


def test_rows_come_out_in_a_lecture_hall_with_heads_of_different_size():
    random = np.random.default_rng(3)
    looks = [
        look(x, 400 + 9000 / distance + random.normal(0, 6), 700 / distance * random.normal(1, 0.05))
        for distance in (5, 6, 7, 8, 9)
        for x in XS
    ]
    rows = find_rows(find_seats(looks))
    assert [len(row) for row in rows] == [5] * 5
    assert [seat.box.x for seat in rows[0]] == sorted(seat.box.x for seat in rows[0])
    assert np.mean([s.width_px for s in rows[0]]) < np.mean([s.width_px for s in rows[4]])


def test_a_poster_on_the_wall_does_not_mix_the_rows():
    looks = [look(x, 400 + 9000 / d, 700 / d) for d in (6, 7, 8, 9) for x in XS] + [look(2000, 100, 108)]
    assert sorted(len(row) for row in find_rows(find_seats(looks))) == [1, 5, 5, 5, 5]


def test_a_row_never_spans_more_than_its_limit():
    looks = [look(300 + 200 * k, 900, 40 * 1.03**k) for k in range(20)]
    for row in find_rows(find_seats(looks)):
        widths = [seat.width_px for seat in row]
        assert max(widths) / min(widths) < 1.46


def test_without_seats_there_are_no_rows():
    assert find_rows([]) == []


def test_the_pinhole_gives_the_distance_of_a_face_at_the_field_of_view():
    assert Optics(4608, 2592, 66.0).distance_m(69) == pytest.approx(8.0, abs=0.1)
    assert Optics(4608, 2592, 102.0).distance_m(69) == pytest.approx(4.2, abs=0.1)
    assert OPTICS.closer_px(50, OPTICS.metres_closer(50, 80)) == pytest.approx(80)


def test_at_the_recommended_distance_the_outermost_faces_just_stay_in_the_picture():
    seats = find_seats(room(((1000, 50), (1500, 90)), (900.0, 2300.0, 3400.0)))
    metres = most_metres(seats, OPTICS)
    assert metres > 0.5

    def outermost(by_m: float) -> float:
        reaches = []
        for seat in seats:
            grows = OPTICS.closer_px(seat.width_px, by_m) / seat.width_px
            x = max(abs(seat.box.x - 0.2 * seat.box.w - 2304), abs(seat.box.x + 1.2 * seat.box.w - 2304)) / 2304
            y = max(abs(seat.box.y - 0.3 * seat.box.h - 1296), abs(seat.box.y + 1.1 * seat.box.h - 1296)) / 1296
            reaches.append(max(x, y) * grows)
        return max(reaches)

    assert outermost(metres) == pytest.approx(0.96, abs=0.01)
    heads = span(seats, OPTICS)
    assert longest_lens(heads) * max(heads.right - heads.left, heads.bottom - heads.top) == pytest.approx(0.96)


def test_the_front_is_where_most_heads_look():
    yaws = (-14.0, -10.0, -12.0, -18.0, -9.0, -11.0, 40.0)
    seats = find_seats([look(400 + 500 * k, 900, 70, yaw_deg=yaw) for k, yaw in enumerate(yaws)])
    front = find_front(seats)
    assert (front.heads, front.agree, front.yaw_deg) == (7, 6, -11)


def test_with_the_lens_known_heads_that_look_along_the_axis_agree_from_wall_to_wall():
    xs = [400 + 600 * k for k in range(7)]
    seats = find_seats([look(x, 900, 70, yaw_deg=OPTICS.angle_deg(x - OPTICS.width_px / 2) - 11) for x in xs])
    front = find_front(seats, OPTICS)
    assert (front.heads, front.agree, front.yaw_deg) == (7, 7, -11)
    assert find_front(seats).agree < 7


def test_heads_that_disagree_or_are_few_make_no_front():
    apart = find_seats(
        [look(400 + 500 * k, 900, 70, yaw_deg=yaw) for k, yaw in enumerate((-60, -30, 0, 30, 60, 70, 5))]
    )
    few = find_seats([look(400 + 500 * k, 900, 70, yaw_deg=3.0) for k in range(5)])
    assert find_front(apart).yaw_deg is None
    assert find_front(few).yaw_deg is None
    assert find_front([]).yaw_deg is None


def test_light_is_measured_on_the_face_and_behind_the_head():
    picture = np.full((400, 400, 3), 220, np.uint8)
    picture[150:300, 150:250] = 60
    light = face_light(picture, Box(150, 160, 100, 125))
    assert light.luma == pytest.approx(60, abs=1)
    assert light.behind > 200
    assert light.clipped == 0
    picture[150:300, 150:250] = 255
    assert face_light(picture, Box(150, 160, 100, 125)).clipped == 1


def test_light_of_a_face_at_the_corner_is_measured_on_what_is_there():
    picture = np.full((100, 100, 3), 90, np.uint8)
    assert face_light(picture, Box(-20, -20, 50, 60)).luma == pytest.approx(90)
    assert face_light(picture, Box(400, 400, 50, 60)).luma == 0


def test_a_blurred_scene_is_less_sharp_than_the_same_in_focus():
    random = np.random.default_rng(0)
    picture = cv2.resize(random.integers(0, 255, (30, 40, 3), np.uint8), (640, 480), interpolation=cv2.INTER_NEAREST)
    sharp, soft = measure_scene(picture), measure_scene(np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8))
    assert sharp.sharpness > 0.7
    assert soft.sharpness == pytest.approx(0.4 / 4, abs=0.04)
    assert sharp.luma == pytest.approx(soft.luma, abs=1)
