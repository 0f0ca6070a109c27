"""The manifest describes the files, and a file that differs from it is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from edge_daemon.errors import ModelError
from edge_daemon.vision.interpreter import Model
from edge_daemon.vision.models import ModelSet, default_models_dir

MODELS = default_models_dir()
CARDS = ModelSet.load(MODELS).cards


@pytest.fixture
def copied(tmp_path):
    for path in MODELS.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_shapes_and_types_are_those_of_the_file(card):
    model = Model(card.path)
    assert model.input_shape == card.input_shape
    assert model.input_dtype == np.dtype(card.input_dtype)
    assert sorted(model.output_shapes) == sorted(card.output_shapes)


def test_every_model_file_is_listed():
    assert {card.path.name for card in CARDS} == {path.name for path in MODELS.glob("*.tflite")}


def test_without_the_file_for_comparison_a_device_works_and_says_what_its_settings_can_not_have(copied):
    """The wheel leaves out the float32 embedder; a device of 0.1.0 may have it in its settings."""
    (copied / "mobilefacenet_float32.tflite").unlink()
    models = ModelSet.load(copied)
    assert models.with_embedder("auto").embedder("litert").name == "mobilefacenet-int8"
    with pytest.raises(ModelError, match=r"models.embedder: float32 is not part of this installation; set embedder"):
        models.with_embedder("float32").embedder()


def test_weights_are_listed_and_verified(copied):
    models = ModelSet.load(MODELS)
    assert {card.path.name for card in models.weights_cards} == {path.name for path in MODELS.glob("*.npz")}
    assert models.weights("match_probability").path.stat().st_size < 20_000
    with pytest.raises(ModelError, match="0 files of weights have the role other"):
        models.weights("other")
    path = copied / "match_probability.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="match-probability is not the file that was installed"):
        ModelSet.load(copied)


def test_every_role_of_the_program_is_taken_once():
    models = ModelSet.load(MODELS)
    for role in ("detector_sweep", "detector_look", "detector_portrait", "mesh"):
        assert models.card(role).roles
    assert models.embedder("litert").name == "mobilefacenet-int8"
    assert models.embedder("tflite-runtime").name == "mobilefacenet-float16"


def test_detectors_and_default_embedder_are_int8():
    models = ModelSet.load(MODELS)
    used = [models.card(f"detector_{kind}") for kind in ("sweep", "look", "portrait")] + [models.embedder("litert")]
    assert {card.input_dtype for card in used} == {"int8"}


def test_the_models_stay_small():
    sizes = {path.name: path.stat().st_size for path in MODELS.glob("*.tflite")}
    assert sum(sizes.values()) < 20e6
    assert all(size < 3e6 for name, size in sizes.items() if name != "mobilefacenet_float32.tflite")


@pytest.mark.parametrize("at", [0.0, 0.5, 0.999], ids=["first bytes", "middle", "end"])
def test_one_flipped_bit_is_found(copied, at):
    path = copied / CARDS[0].path.name
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="not the file that was installed") as error:
        ModelSet.load(copied)
    assert error.value.where == str(path)


def test_a_missing_file_is_named(copied):
    (copied / "face_mesh_float32.tflite").unlink()
    with pytest.raises(ModelError, match="face-mesh-float32 is missing"):
        ModelSet.load(copied)


@pytest.mark.parametrize("text", ["", "[[model]]\nname = 1", "not toml", 'model = 3\nembedder_for = "x"'])
def test_a_damaged_manifest_is_refused(copied, text):
    (copied / "manifest.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="damaged"):
        ModelSet.load(copied)


def test_a_manifest_does_not_lead_out_of_its_folder(copied):
    manifest = copied / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('file = "face_mesh', 'file = "../face_mesh'), encoding="utf-8")
    with pytest.raises(ModelError, match="damaged"):
        ModelSet.load(copied)


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(ModelError, match="can't be read"):
        ModelSet.load(tmp_path)


def test_an_unknown_role_is_an_error():
    with pytest.raises(ModelError, match="0 models have the role painter"):
        ModelSet.load(MODELS).card("painter")


def test_under_tflite_runtime_the_detectors_are_float16(monkeypatch):
    """Int8 is many times slower there."""
    monkeypatch.setattr("edge_daemon.vision.models.runtime_name", lambda: "tflite-runtime")
    models = ModelSet.load(MODELS)
    used = [models.card(f"detector_{kind}").name for kind in ("sweep", "look", "portrait")]
    assert used == ["blazeface-full-576-float16", "blazeface-full-192-float16", "blazeface-short-float16"]


def test_the_precision_of_the_detectors_can_be_fixed():
    assert ModelSet.load(MODELS).with_detectors("float16").card("detector_look").name == "blazeface-full-192-float16"


def test_int8_input_is_the_pixel_less_128():
    card = ModelSet.load(MODELS).embedder("litert")
    pixels = np.arange(256, dtype=np.uint8)
    assert (card.encode(pixels).astype(int) == pixels.astype(int) - 128).all()


def test_float_input_is_scaled_by_the_card():
    card = ModelSet.load(MODELS).card("embedder_float32")
    np.testing.assert_allclose(card.encode(np.array([0, 255], np.uint8)), [-127.5 / 128, 127.5 / 128], rtol=1e-6)
