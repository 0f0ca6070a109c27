"""Which photographs are good enough to enrol from."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.errors import PhotographError
from edge_daemon.gallery.photograph_gate import check_size, choose_face
from edge_daemon.types import Box, Pose
from tests.gallery.fakes import make_face, picture


def reason(content, faces) -> str:
    with pytest.raises(PhotographError) as caught:
        choose_face(content, faces)
    return caught.value.line()


def test_a_good_face_is_chosen():
    face = make_face()
    assert choose_face(picture(1), [face]) is face


def test_no_face_is_named_with_what_may_be_the_cause():
    assert reason(picture(1), []) == "no face found"
    assert "too dark" in reason(picture(1) // 10, [])
    assert "too bright" in reason(np.full((50, 50, 3), 255, np.uint8), [])


def test_a_second_face_is_refused_and_people_far_in_the_background_are_not():
    face = make_face(width_px=100)
    assert reason(picture(1), [face, make_face(width_px=40)]).startswith("2 faces")
    assert choose_face(picture(1), [face, make_face(width_px=25), make_face(width_px=25)]) is face


@pytest.mark.parametrize(
    ("face", "words"),
    [
        (make_face(width_px=30), "too small (30 px"),
        (make_face(sharpness=0.1), "blurred"),
        (make_face(pose=Pose(-60, 0, 0)), "turned too far (60°)"),
        (make_face(pose=Pose(0, 50, 0)), "tilted too far (50°)"),
    ],
)
def test_a_weak_face_is_named_with_its_weakness(face, words):
    assert words in reason(picture(1), [face])


def test_light_is_judged_on_the_face_and_not_around_it():
    content = picture(1)
    content[20:110, 20:100] //= 10
    assert "the face is too dark" in reason(content, [make_face()])
    content[20:110, 20:100] = 254
    assert "the face is too bright" in reason(content, [make_face()])


def test_dark_skin_in_good_light_is_not_too_dark():
    skin = np.clip(np.random.default_rng(0).normal(48, 18, (120, 120, 3)), 0, 255).astype(np.uint8)
    assert skin.mean() < 50
    assert choose_face(skin, [make_face()])


@pytest.mark.parametrize("box", [Box(-40, -30, 80, 100), Box(100, 100, 80, 100), Box(500, 500, 80, 80)])
def test_a_face_over_the_edge_of_the_picture_does_not_break_the_gate(box):
    assert choose_face(picture(1), [make_face(box=box)])


@pytest.mark.parametrize("shape", [(1, 1), (40, 4000), (4000, 40)])
def test_a_picture_without_room_for_a_face_is_refused_before_it_is_searched(shape):
    with pytest.raises(PhotographError, match="too small"):
        check_size(np.zeros((*shape, 3), np.uint8))
