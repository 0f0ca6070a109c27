from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.vision import align
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import blazeface_square
from edge_daemon.vision.interpreter import Model
from edge_daemon.vision.mobilefacenet import MobileFaceNet, unit
from tests.vision import pictures


@pytest.fixture(scope="module")
def network(model_set):
    return MobileFaceNet(model_set.card("embedder_float32"))


@pytest.fixture(scope="module")
def aligned(portraits, reader):
    picture = pictures.portrait()
    (face,) = portraits.faces(picture)
    mesh = reader.mesh(picture, Hit(blazeface_square(face.box), face.keypoints, face.score, votes=1))
    return align.warp(picture, mesh.alignment())


def test_a_vector_has_192_numbers_and_length_1(network, aligned):
    vector = network(aligned)

    assert vector.shape == (192,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_the_network_gets_red_green_blue_minus_127_5_over_128(network, model_set, aligned):
    """Swapped channels cost .04 of cosine and no accuracy: only a comparison with the definition shows them."""
    rgb = aligned[..., ::-1].astype(np.float32)
    (output,) = Model(model_set.card("embedder_float32").path)(((rgb - 127.5) / 128)[None])

    assert network(aligned) @ unit(output.reshape(-1)) > 0.9999
    assert network(np.ascontiguousarray(aligned[..., ::-1])) @ network(aligned) < 0.999


def test_with_its_mirror_image_a_face_and_its_mirror_image_are_the_same(network, aligned):
    straight = network(aligned, mirrored_too=True)
    mirrored = network(np.ascontiguousarray(aligned[:, ::-1]), mirrored_too=True)

    assert straight @ mirrored == pytest.approx(1, abs=1e-5)


def test_a_vector_of_zeros_stays_finite():
    assert np.isfinite(unit(np.zeros(192, np.float32))).all()
