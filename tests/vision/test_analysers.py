"""Analysers: the crop that they see, and what the mask network says of bare faces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_daemon.errors import ModelError
from edge_daemon.traits import Traits
from edge_daemon.types import Box
from edge_daemon.vision.analysers.aligned_face import CropShape, aligned_face, crop_matrix
from edge_daemon.vision.analysers.mask import MaskAnalyser, open_analyser
from edge_daemon.vision.analysers.trait_reader import TraitReader
from edge_daemon.vision.face_reader import FaceReader
from edge_daemon.vision.models import ModelSet
from tests.vision import pictures

SHAPE = CropShape(side_px=64, scale=1.5)


def test_the_crop_is_a_square_around_the_middle_of_the_box():
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[60:140, 100:180] = 255
    crop = aligned_face(picture, Box(100, 60, 80, 80), None, SHAPE).crop
    assert crop.shape == (64, 64, 3)
    bright = (crop[..., 0] > 127).sum() / crop[..., 0].size
    assert bright == pytest.approx(1 / SHAPE.scale**2, abs=0.02)
    rows, columns = np.nonzero(crop[..., 0] > 127)
    assert (rows.mean(), columns.mean()) == pytest.approx((31.5, 31.5), abs=0.5)


@pytest.mark.parametrize("lean_deg", [-30.0, 0.0, 25.0])
def test_the_eyes_come_to_lie_level_and_points_move_with_the_crop(lean_deg: float):
    box, angle = Box(80, 80, 60, 60), np.radians(lean_deg)
    along = 15 * np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([110, 105])
    points = np.array([middle - along, middle + along, [110, 115]], np.float32)
    face = aligned_face(np.zeros((240, 240, 3), np.uint8), box, points, SHAPE)
    right_eye, left_eye, nose = face.points
    assert left_eye[1] == pytest.approx(right_eye[1], abs=1e-3)
    assert left_eye[0] - right_eye[0] == pytest.approx(30 * 64 / 90, abs=1e-3)
    matrix = crop_matrix(box, angle, SHAPE)
    assert nose == pytest.approx(points[2] @ matrix[:, :2].T + matrix[:, 2], abs=1e-3)


def test_a_crop_may_lie_lower_than_its_box():
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[80:120, 80:120] = 255
    crop = aligned_face(picture, Box(80, 80, 40, 40), None, CropShape(side_px=64, scale=2.0, down=0.25)).crop
    rows, columns = np.nonzero(crop[..., 0] > 127)
    assert (rows.mean(), columns.mean()) == pytest.approx((31.5 - 8, 31.5), abs=0.5)


def test_a_face_without_points_is_taken_as_upright():
    assert aligned_face(np.zeros((90, 90, 3), np.uint8), Box(9, 9, 40, 50), None, SHAPE).points.shape == (0, 2)


@pytest.fixture(scope="module")
def analyser(model_set) -> MaskAnalyser:
    return open_analyser(model_set)


@pytest.mark.parametrize("name", pictures.NAMES)
def test_a_bare_face_has_no_mask(analyser, portraits, name):
    picture = pictures.portrait(name)
    (face, *_) = portraits.faces(picture)
    found = analyser(aligned_face(picture, face.box, face.keypoints, analyser.shape))
    assert found.none + found.right + found.wrong == pytest.approx(1, abs=1e-5)
    assert found.none > 0.5


def test_red_and_blue_are_not_taken_for_each_other(analyser):
    crop = cv2.resize(pictures.portrait(), (64, 64), interpolation=cv2.INTER_AREA)
    box = Box(0, 0, 64, 64)
    one, other = (analyser(aligned_face(c, box, None, CropShape(64, 1.0))) for c in (crop, crop[..., ::-1].copy()))
    assert one != other


def test_a_face_and_its_mirror_image_are_read_alike(analyser):
    crop = cv2.resize(pictures.portrait(), (64, 64), interpolation=cv2.INTER_AREA)
    box = Box(0, 0, 64, 64)
    one, other = (analyser(aligned_face(c, box, None, CropShape(64, 1.0))) for c in (crop, crop[:, ::-1].copy()))
    assert (other.none, other.right) == pytest.approx((one.none, one.right), abs=1e-6)


def test_a_reader_measures_what_it_was_asked_for_and_nothing_else(model_set, portraits):
    picture = pictures.portrait()
    (found, *_) = portraits.faces(picture)
    box, points = found.box, found.keypoints
    assert TraitReader(model_set, ())(picture, box, points) == Traits()
    assert TraitReader(model_set, ("mask",))(picture, box, points).mask is not None
    small = Box(box.x, box.y, 12, 15)
    assert TraitReader(model_set, ("mask",))(picture, small, points) == Traits()


def test_a_folder_of_models_without_a_mask_network_is_refused_where_one_is_wanted(model_set):
    without = ModelSet(
        tuple(card for card in model_set.cards if "mask" not in card.roles),
        model_set.embedder_for,
        model_set.detectors_for,
        model_set.weights_cards,
    )
    with pytest.raises(ModelError, match="0 models have the role mask"):
        FaceReader(without, embed=False, traits=("mask",))


def test_the_network_is_small(model_set):
    assert model_set.card("mask").path.stat().st_size <= 60_000
    assert model_set.card("mask").input_dtype == "int8"
