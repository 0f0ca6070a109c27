"""Closure of eyes: small in portraits, larger where skin is painted over the eyes, and only where it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.print_media import Original, _with_shut_eyes
from edge_daemon.errors import ModelError
from edge_daemon.types import Box
from edge_daemon.vision.analysers.aligned_face import aligned_face
from edge_daemon.vision.analysers.eyes import EyesAnalyser, open_analyser
from edge_daemon.vision.analysers.trait_reader import TraitReader
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import FaceReader, blazeface_square
from edge_daemon.vision.models import ModelSet
from tests.vision import pictures


@pytest.fixture(scope="module")
def analyser(model_set) -> EyesAnalyser:
    return open_analyser(model_set)


@pytest.mark.parametrize("name", [pictures.NAMES[0], pictures.NAMES[2]])
def test_painted_lids_shut_the_eyes_of_a_portrait(analyser, model_set, portraits, name):
    picture = pictures.portrait(name)
    (face, *_) = portraits.faces(picture)
    mesh = FaceReader(model_set, embed=False).mesh(
        picture, Hit(blazeface_square(face.box), face.keypoints, face.score, votes=1.0)
    )
    shut = _with_shut_eyes(Original(picture, mesh.points))
    open_eyes, shut_eyes = (
        analyser(aligned_face(p, face.box, face.keypoints, analyser.shape)) for p in (picture, shut)
    )
    assert max(open_eyes.left, open_eyes.right) < 0.15
    assert shut_eyes.both > open_eyes.both + 0.2


def test_eyes_are_left_out_in_captures_that_are_not_looked_at_and_on_small_faces(model_set, portraits):
    picture = pictures.portrait()
    (face, *_) = portraits.faces(picture)
    reader = TraitReader(model_set, ("eyes",))
    assert reader(picture, face.box, face.keypoints).eyes is not None
    assert reader(picture, face.box, face.keypoints, ("eyes",)).eyes is None
    small = Box(face.box.x, face.box.y, 47.0, 58.0)
    assert reader(picture, small, face.keypoints).eyes is None


def test_a_narrow_face_is_enlarged_without_a_step_at_each_pixel(analyser):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, 32:] = 200
    crop = aligned_face(stripes, Box(8, 8, 48, 48), None, analyser.shape).crop.astype(int)
    assert crop.max() > 200, "a cubic overshoots at an edge; a straight line between pixels does not"


@pytest.mark.parametrize("role", ["eye_points", "eye_blendshapes"])
def test_a_folder_without_one_of_the_networks_is_refused(model_set, role):
    cards = tuple(card for card in model_set.cards if role not in card.roles)
    without = ModelSet(cards, model_set.embedder_for, model_set.detectors_for, model_set.weights_cards)
    with pytest.raises(ModelError, match=f"0 models have the role {role}"):
        open_analyser(without)
