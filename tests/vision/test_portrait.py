from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_daemon.vision.painted_covers import COVERS
from edge_daemon.vision.portrait import PortraitReader
from tests.vision import pictures


@pytest.mark.parametrize("name", pictures.NAMES)
def test_a_portrait_has_one_face(portraits, name):
    faces = portraits.faces(pictures.portrait(name))

    assert len(faces) == 1
    assert faces[0].quality.presence > 0.95
    assert np.linalg.norm(faces[0].embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", pictures.NAMES)
def test_a_tight_crop_has_the_same_face(portraits, name):
    picture = pictures.portrait(name)
    whole = portraits.faces(picture)[0]
    side, box = whole.box.w / 0.75, whole.box
    left, top = round(box.x + box.w / 2 - side / 2), round(box.y + box.h / 2 - side / 2)
    tight = picture[max(top, 0) : round(top + side), max(left, 0) : round(left + side)]

    (face,) = portraits.faces(cv2.resize(tight, (224, 224), interpolation=cv2.INTER_AREA))

    assert face.quality.width_px == pytest.approx(168, rel=0.15)
    assert face.embedding @ whole.embedding > 0.8


def test_a_person_in_the_background_is_a_second_face(portraits):
    picture = pictures.portrait(pictures.NAMES[0])
    crowded = pictures.hang(picture, pictures.portrait(pictures.NAMES[1]), 10, 10, 60)

    first, second = portraits.faces(crowded)

    assert first.box.w > 2 * second.box.w


@pytest.mark.parametrize("picture", [np.zeros((1, 1, 3), np.uint8), np.full((300, 200, 3), 128, np.uint8)])
def test_without_a_face_there_is_none(portraits, picture):
    assert portraits.faces(picture) == []


def test_templates_are_one_vector_a_size_and_always_the_same(portraits):
    picture = pictures.portrait()
    (face,) = portraits.faces(picture)

    vectors, widths = portraits.templates(picture, face)

    assert vectors.shape == (len(widths), 192)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert widths[0] == pytest.approx(face.quality.width_px)
    assert (widths <= face.quality.width_px).all()
    assert (vectors @ vectors[0] > 0.5).all()
    assert (portraits.templates(picture, face)[0] == vectors).all()


def test_covered_templates_are_of_the_same_person_with_a_part_of_the_face_gone(portraits):
    picture = pictures.portrait()
    (face,) = portraits.faces(picture)
    bare, _ = portraits.templates(picture, face)

    covered = portraits.covered_templates(picture, face)

    assert len(covered) == len(COVERS)
    for vectors, widths in covered:
        assert vectors.shape == (len(widths), 192)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert 0.3 < float((vectors @ bare[0]).max()) < 0.95


def test_templates_of_two_people_differ(portraits):
    first, second = (pictures.portrait(name) for name in pictures.NAMES[:2])
    a = portraits.templates(first, portraits.faces(first)[0])[0]
    b = portraits.templates(second, portraits.faces(second)[0])[0]

    assert (a @ b.T).max() < 0.4


def test_another_embedder_gets_the_very_crops(model_set, portraits):
    """As the benchmarks compare embedders: the vectors are its own, and all else is as before."""

    def mean_colour(aligned: np.ndarray, *, mirrored_too: bool = False) -> np.ndarray:
        assert aligned.shape == (112, 112, 3)
        return np.append(aligned.mean((0, 1)), mirrored_too).astype(np.float32)

    picture = pictures.portrait(pictures.NAMES[0])
    reader = PortraitReader(model_set, embedder=mean_colour)
    (face,), (usual,) = reader.faces(picture), portraits.faces(picture)
    assert face.box == usual.box
    assert face.embedding.shape == (4,)
    assert face.embedding[3] == 0
    vectors, widths_px = reader.templates(picture, face)
    assert vectors.shape == (len(widths_px), 4)
    assert (vectors[:, 3] == 1).all()
