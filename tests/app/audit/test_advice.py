from __future__ import annotations

import re

import pytest

from edge_daemon.app.audit.advice import MOST, advise
from edge_daemon.app.audit.expected_accuracy import expected_of
from edge_daemon.app.audit.face_light import FaceLight
from edge_daemon.app.audit.scene_light import Scene
from tests.app.rooms import OPTICS, findings, look, room

MIDDLE = (1400.0, 2000.0, 2600.0, 3200.0)
WIDE = (200.0, 1600.0, 3000.0, 4400.0)
ROWS = ((1000.0, 60.0), (1250.0, 80.0), (1600.0, 110.0))


def codes(found) -> list[str]:
    return [advice.code for advice in advise(found)]


def text_of(found, code: str) -> str:
    return next(advice.text for advice in advise(found) if advice.code == code)


def test_a_good_room_needs_nothing():
    assert codes(findings(room(ROWS, MIDDLE))) == ["good"]


def test_faces_below_the_least_are_counted_and_the_way_to_come_is_right():
    text = text_of(findings(room(((1000.0, 22.0), (1250.0, 50.0)), MIDDLE)), "too_small")
    assert text.startswith("4 faces (row 2) are below 26 px")
    centimetres, px = re.search(r"(\d+) cm closer it would have (\d+) px", text).groups()
    assert float(px) == 26
    assert OPTICS.closer_px(22, int(centimetres) / 100) == pytest.approx(26, abs=0.05)
    assert "1.18 times the focal length 26 px" in text
    assert "everybody still in the picture" in text


def test_where_the_front_row_is_at_the_edges_a_second_camera_is_named_and_no_step_is_promised():
    looks = [*room(((1000.0, 20.0),), MIDDLE), *room(((1500.0, 110.0),), (100.0, 1600.0, 3000.0, 4500.0))]
    text = text_of(findings(looks), "too_small")
    assert "second camera" in text
    assert "everybody still" not in text


def test_advice_on_small_faces_names_the_hit_rate_of_a_camera_that_is_closer():
    found = findings(room(((1000.0, 30.0), *ROWS[1:]), MIDDLE))
    text = text_of(found, "small")
    rate = r"(\d+) px \(hit rate (\d+)%\)"
    found = re.search(rf"The smallest has {rate}: (\d+) cm closer it would have {rate}", text)
    before, rate_before, by_cm, after, rate_after = map(float, found.groups())
    assert (before, by_cm, after) == (30, 100, round(OPTICS.closer_px(30, 1.0)))
    assert rate_before == round(100 * expected_of(30).hit)
    assert rate_after == round(100 * expected_of(OPTICS.closer_px(30, 1.0)).hit)


def test_a_camera_that_looks_over_the_heads_is_tilted_down_by_the_angle_to_their_middle():
    low = tuple((y + 900, width) for y, width in ROWS)
    text = text_of(findings(room(low, MIDDLE)), "tilt")
    degrees, way = re.search(r"Tilt the camera (\d+)° (\w+)", text).groups()
    assert way == "down"
    assert int(degrees) == round(OPTICS.angle_deg(2200 - 1296))


def test_a_camera_that_looks_past_the_class_is_turned_towards_it():
    text = text_of(findings(room(ROWS, (150.0, 900.0, 1700.0, 2300.0))), "pan")
    assert "empty on the right" in text
    assert re.search(r"Turn the camera \d+° to the left", text)


def test_heads_in_the_middle_are_no_reason_to_turn_the_camera():
    assert not {"pan", "tilt"} & set(codes(findings(room(ROWS, MIDDLE))))


def test_faces_in_front_of_a_window_are_distinguished_from_faces_in_the_dark():
    window, gloom = FaceLight(35.0, 0.0, 220.0), FaceLight(35.0, 0.0, 40.0)
    assert codes(findings(room(ROWS, MIDDLE, light=window))) == ["against_light"]
    assert codes(findings(room(ROWS, MIDDLE, light=gloom))) == ["dark"]


def test_a_bright_wall_behind_well_lit_faces_is_no_trouble():
    assert codes(findings(room(ROWS, MIDDLE, light=FaceLight(120.0, 0.0, 250.0)))) == ["good"]


def test_burnt_faces_are_named_with_what_they_are_worth():
    text = text_of(findings(room(ROWS, MIDDLE, light=FaceLight(240.0, 0.6, 120.0))), "burnt")
    assert "(60% of the face)" in text
    assert re.search(r"only as good as \d+ px instead of 83", text)


def test_a_blurred_room_is_the_lens_and_blurred_people_in_a_sharp_room_move():
    looks = room(ROWS, MIDDLE, sharpness=0.2)
    assert codes(findings(looks, scene=Scene(115.0, 0.0, 0.12))) == ["focus"]
    assert codes(findings(looks)) == ["motion"]


def test_one_blurred_face_among_many_is_no_reason_for_a_word():
    looks = [*room(ROWS, MIDDLE), look(2300.0, 1900.0, 110.0, sharpness=0.15)]
    assert codes(findings(looks)) == ["good"]


def test_a_camera_far_aside_is_moved_to_where_the_heads_look():
    text = text_of(findings(room(ROWS, MIDDLE, yaw_deg=44.0)), "aside")
    assert "44° to the right" in text
    assert "further to the right, 9° or more around the class" in text, "to where heads are turned by 35° at most"
    assert "further to the right, 9° or more around the class" in text, "to where heads are turned by 35° at most"


@pytest.mark.parametrize(
    ("scene", "code"),
    [(Scene(6.0, 0.0, 0.1), "black"), (Scene(250.0, 0.9, 0.1), "white"), (Scene(110.0, 0.0, 0.4), "nobody")],
)
def test_a_picture_without_faces_gets_the_advice_for_its_cause(scene, code):
    assert codes(findings([], scene=scene)) == [code]


def test_a_camera_that_hangs_upside_down_comes_first():
    found = findings([], turned=(180, 14))
    assert codes(found) == ["upside_down"]
    assert "14 faces" in text_of(found, "upside_down")
    assert "by 180°" in text_of(found, "upside_down")
    assert codes(findings([], turned=(90, 3))) == ["on_its_side"]


def test_advice_has_at_most_five_lines_and_the_largest_gain_comes_first():
    xs = (150.0, 900.0, 1500.0)
    looks = [
        *room(((200.0, 20.0),), xs, light=FaceLight(30.0, 0.0, 200.0)),
        *room(((900.0, 60.0), (1000.0, 65.0)), xs, light=FaceLight(30.0, 0.0, 40.0), sharpness=0.2),
        *room(((1200.0, 80.0),), xs, light=FaceLight(240.0, 0.7, 40.0), yaw_deg=50.0),
        *room(((1100.0, 70.0),), xs, sharpness=0.2, yaw_deg=50.0),
    ]
    found = advise(findings(looks))
    assert len(found) == MOST
    gains = [advice.gain for advice in found]
    assert gains == sorted(gains, reverse=True)
    assert found[0].code == "motion"
    assert gains[0] > 0.2


def test_the_gain_of_an_advice_is_the_difference_of_the_tables_hit_rates():
    looks = room(((1000.0, 20.0), (1250.0, 60.0)), MIDDLE)
    (found,) = (advice for advice in advise(findings(looks)) if advice.code == "too_small")
    assert found.gain == pytest.approx((expected_of(26).hit - expected_of(20).hit) / 2, abs=0.001)
