"""Which pictures count as black or over-exposed, on a drawn room in different light (benchmarks/camera_light.py)."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.camera_light import exposed
from edge_daemon.camera.exposure_check import digest_of, fault_of, repeats

RANDOM = np.random.default_rng(7)


def room(height: int = 540, width: int = 960) -> np.ndarray:
    """A wall, a floor, a window, desks and heads."""
    picture = np.full((height, width, 3), (170, 180, 175), np.uint8)
    picture[height // 2 :] = (90, 110, 130)
    picture[height // 10 : height // 3, : width // 5] = 255
    for x in range(width // 8, width, width // 6):
        cv2.circle(picture, (x, height // 2), height // 24, (130, 160, 210), -1)
        cv2.rectangle(picture, (x - 60, height // 2 + 60), (x + 60, height // 2 + 120), (40, 70, 100), -1)
    return picture


@pytest.mark.parametrize("stops", [-9, -8, -6, -4, -2, 0, 1, 2])
def test_a_room_with_faces_that_can_be_found_is_good(stops):
    assert fault_of(exposed(room(), stops, RANDOM)) == ""


@pytest.mark.parametrize("stops", [-13, -15])
def test_a_room_at_night_is_black(stops):
    assert fault_of(exposed(room(), stops, RANDOM)) == "the picture is black"


@pytest.mark.parametrize("size", [(1080, 1920), (480, 640)])
@pytest.mark.parametrize("stops", [0, -4, -9], ids=["gain 1", "gain 16", "gain 16, longer"])
def test_a_covered_lens_is_black_at_every_gain_and_size(size, stops):
    assert fault_of(exposed(np.zeros((*size, 3), np.uint8), stops, RANDOM)) == "the picture is black"


@pytest.mark.parametrize("level", [0, 1, 16, 39])
def test_one_dark_level_everywhere_is_black(level):
    assert fault_of(np.full((120, 160, 3), level, np.uint8)) == "the picture is black"


def test_a_lit_screen_in_a_dark_room_is_not_black():
    picture = exposed(room(1080, 1920), -13, RANDOM)
    picture[300:420, 700:900] = 200
    assert fault_of(picture) == ""


def test_a_sensor_flooded_with_light_is_over_exposed():
    assert fault_of(exposed(room(), 5, RANDOM)) == "the picture is over-exposed"
    assert fault_of(np.full((60, 80, 3), 255, np.uint8)) == "the picture is over-exposed"


def test_a_bright_colour_is_not_over_exposed():
    assert fault_of(np.full((60, 80, 3), (255, 120, 255), np.uint8)) == ""


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (23, 17)])
def test_tiny_pictures_are_judged_too(size):
    assert fault_of(np.zeros((*size, 3), np.uint8)) == "the picture is black"
    assert fault_of(np.full((*size, 3), 128, np.uint8)) == ""


def test_one_pixel_off_by_one_is_another_picture():
    picture = room(108, 192)
    other = picture.copy()
    other[107, 191, 2] ^= 1
    assert digest_of(picture) == digest_of(picture.copy())
    assert digest_of(picture) != digest_of(other)
    assert repeats("v4l2", digest_of(picture), digest_of(picture))
    assert not repeats("v4l2", digest_of(other), digest_of(picture))
    assert not repeats("files", digest_of(picture), digest_of(picture))
