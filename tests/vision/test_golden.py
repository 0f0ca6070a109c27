"""The stored faces and vectors: they hold here, and show an interpreter that computes something else."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest

from edge_daemon.errors import ModelError
from edge_daemon.vision import golden
from edge_daemon.vision.mobilefacenet import MobileFaceNet
from edge_daemon.vision.models import ModelSet, default_models_dir

MODELS = ModelSet.load(default_models_dir())
EMBEDDERS = [card for card in MODELS.cards if any(role.startswith("embedder_") for role in card.roles)]

VERIFIERS = [card for card in MODELS.cards if any(role.startswith("verifier_") for role in card.roles)]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(default_models_dir() / golden.FOLDER, tmp_path / golden.FOLDER)
    return tmp_path


@pytest.mark.parametrize("card", EMBEDDERS, ids=lambda card: card.name)
def test_every_embedder_computes_what_was_stored(card):
    found = golden.parity(card, default_models_dir())
    assert found.faces == 4
    assert found.holds


@pytest.mark.parametrize("card", VERIFIERS, ids=lambda card: card.name)
def test_every_verifier_computes_what_was_stored(card):
    assert golden.verifier_parity(card, default_models_dir()).holds


@pytest.mark.parametrize("card", VERIFIERS, ids=lambda card: card.name)
def test_faces_upside_down_do_not_hold_for_the_verifier(card, folder):
    file = str(folder / golden.FOLDER / golden.FACES)
    cv2.imwrite(file, cv2.imread(file)[::-1])
    assert not golden.verifier_parity(card, folder).holds


def test_a_verifier_without_stored_answers_is_named(folder):
    file = folder / golden.FOLDER / golden.VECTORS
    document = json.loads(file.read_text())
    del document["vectors"][VERIFIERS[0].sha256]
    file.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="no answers are stored for"):
        golden.verifier_parity(VERIFIERS[0], folder)


def test_a_verifier_that_gives_no_numbers_does_not_hold(folder, monkeypatch):
    monkeypatch.setattr(golden, "verifier_answers", lambda card, faces: np.full((4, 15), np.nan, np.float32))
    assert not golden.verifier_parity(VERIFIERS[0], folder).holds


def test_only_embedders_and_verifiers_of_the_manifest_are_stored():
    stored = golden.golden_vectors(default_models_dir() / golden.FOLDER)
    assert set(stored) == {card.sha256 for card in EMBEDDERS + VERIFIERS}


@pytest.mark.parametrize("card", EMBEDDERS, ids=lambda card: card.name)
def test_red_and_blue_swapped_does_not_hold(card, folder):
    file = str(folder / golden.FOLDER / golden.FACES)
    cv2.imwrite(file, cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB))
    assert not golden.parity(card, folder).holds


def test_faces_in_another_order_do_not_hold(folder):
    file = str(folder / golden.FOLDER / golden.FACES)
    cv2.imwrite(file, np.roll(cv2.imread(file), golden.SIDE_PX, axis=1))
    assert golden.parity(EMBEDDERS[0], folder).worst_cosine < 0.5


def test_an_interpreter_that_gives_no_numbers_does_not_hold(folder, monkeypatch):
    monkeypatch.setattr(MobileFaceNet, "_run", lambda self, aligned: np.full(192, np.nan, np.float32))
    found = golden.parity(EMBEDDERS[0], folder)
    assert found.worst_cosine == -1.0
    assert not found.holds


def test_an_embedder_without_stored_vectors_is_named(folder):
    file = folder / golden.FOLDER / golden.VECTORS
    document = json.loads(file.read_text())
    del document["vectors"][EMBEDDERS[0].sha256]
    file.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="no vectors are stored for"):
        golden.parity(EMBEDDERS[0], folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"preprocessing": 2, "vectors": {"a": [["x"]]}}', "\0"])
def test_damaged_vectors_are_an_error(folder, text):
    (folder / golden.FOLDER / golden.VECTORS).write_text(text)
    with pytest.raises(ModelError, match="stored vectors"):
        golden.parity(EMBEDDERS[0], folder)


def test_vectors_of_another_preprocessing_are_refused(folder):
    file = folder / golden.FOLDER / golden.VECTORS
    file.write_text(file.read_text().replace('"preprocessing": 2', '"preprocessing": 1'))
    with pytest.raises(ModelError, match="another preprocessing"):
        golden.parity(EMBEDDERS[0], folder)


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_damaged_faces_are_an_error(folder, content):
    file = folder / golden.FOLDER / golden.FACES
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(ModelError, match="stored faces"):
        golden.parity(EMBEDDERS[0], folder)


def test_the_mask_network_says_what_was_stored_and_another_crop_does_not(folder):
    found = golden.mask_parity(MODELS, default_models_dir())
    assert (found.faces, found.holds) == (4, True)
    stored = json.loads((folder / golden.FOLDER / golden.MASKS).read_text())
    assert list(stored) == [MODELS.card("mask").sha256]
    file = str(folder / golden.FOLDER / golden.FACES)
    strip = cv2.imread(file)
    strip[60:] = (200, 170, 60)  # a blue sheet over mouth and nose
    cv2.imwrite(file, strip)
    assert not golden.mask_parity(MODELS, folder).holds


@pytest.mark.parametrize(("text", "words"), [("{}", "no probabilities are stored"), ("{", "can't be read")])
def test_probabilities_that_are_not_there_are_named(folder, text, words):
    (folder / golden.FOLDER / golden.MASKS).write_text(text)
    with pytest.raises(ModelError, match=words):
        golden.mask_parity(MODELS, folder)
