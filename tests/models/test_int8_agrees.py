"""The int8 files give the results of the float files, on pictures that the repository may contain.

The gates on hundreds of faces are `python -m benchmarks.model_gates` and `benchmarks.lfw`: see benchmarks/RESULTS.md.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from benchmarks import model_gates, speed_models
from benchmarks.gate_embedder import Keep, cosines, shrunk
from edge_daemon.vision.blazeface import BlazeFace
from edge_daemon.vision.interpreter import runtime_name
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.portrait import PortraitReader
from tests.vision.pictures import NAMES, another_light, hang, portrait, wall

MODELS = ModelSet.load(default_models_dir())


@pytest.fixture(scope="module")
def crops():
    """Aligned faces of four people: as they are, mirrored, and in another light."""
    keep, found = Keep(), []
    reader = PortraitReader(MODELS, embedder=keep)
    for name in NAMES:
        for picture in (portrait(name), another_light(portrait(name), gamma=1.4)):
            keep.crops.clear()
            reader.faces(picture)
            found += [keep.crops[0], keep.crops[0][:, ::-1].copy()]
    return found


def test_the_embedder_agrees_with_float(crops):
    found = cosines(MODELS, crops)
    assert len(found) == 16
    assert found.mean() >= 0.99
    assert found.min() >= 0.98


def test_the_embedder_agrees_on_faces_of_28_px(crops):
    assert cosines(MODELS, [shrunk(crop) for crop in crops]).mean() >= 0.98


def test_the_embedder_is_faster_than_float():
    if runtime_name() != "litert":
        pytest.skip("int8 pays under ai-edge-litert only")
    pair = tuple(MODELS.card(f"embedder_{precision}") for precision in ("float32", "int8"))
    models = ModelSet(pair, {})
    timed = (speed_models.timed(models, rounds=15, clock=time.process_time) for _ in range(6))
    # 0.7 on a quiet machine is the gate of benchmarks.model_gates; this one may be busy now and then.
    assert any(one["mobilefacenet-int8"]["ratio"] <= 0.85 for one in timed)


def scenes(side, shares):
    """Rooms with the portraits hung at many sizes; their faces are about 0.4 as wide."""
    for number, share in enumerate(np.linspace(*shares, 12)):
        scene = wall(side, side, seed=number)
        picture = portrait(NAMES[number % len(NAMES)])
        width = max(24, int(share * side))
        height = round(width * picture.shape[0] / picture.shape[1])
        if height > side:
            width, height = int(width * side / height), side
        yield hang(scene, picture, (side - width) * (number % 3) // 2, (side - height) // 2, width)


@pytest.mark.parametrize(("kind", "shares"), [("look", (0.3, 0.9)), ("portrait", (0.4, 1.0)), ("sweep", (0.15, 0.55))])
def test_the_detectors_find_what_float_finds(kind, shares):
    card = MODELS.card(f"detector_{kind}")
    exact = next(c for c in MODELS.cards if c.name == card.name.replace("int8", "float16"))
    ours, theirs = BlazeFace(card), BlazeFace(exact)
    wanted, matched, extra, overlaps = 0, 0, 0, []
    for scene in scenes(card.size_px[0], shares):
        a, b = theirs(scene, 0.5).boxes, ours(scene, 0.5).boxes
        best = model_gates.pairwise(a, b)
        wanted += len(a)
        near = best.max(1) if best.size else np.zeros(len(a))
        matched += int((near > 0.5).sum())
        overlaps += list(near[near > 0.5])
        extra += len(b) - int((near > 0.5).sum())
    assert wanted >= 5
    assert matched == wanted
    assert np.mean(overlaps) >= 0.95
    assert extra <= 1


def test_the_large_input_is_the_same_network():
    """The full range at 576 px finds a face where the 192 px file finds it in its part of the picture."""
    small, large = (BlazeFace(MODELS.card(f"detector_{kind}_float16")) for kind in ("look", "sweep"))
    scene = hang(wall(576, 576), portrait(NAMES[1]), 232, 232, 112)
    (here,) = large(scene, 0.5).boxes
    (there,) = small(scene[192:384, 192:384], 0.5).boxes + 192
    assert model_gates.pairwise(here[None], there[None])[0, 0] > 0.85


def test_red_and_blue_swapped_is_seen(crops):
    """A swap costs little accuracy, so nothing else would show it: here it must change the vector."""
    from edge_daemon.vision.mobilefacenet import MobileFaceNet

    embed = MobileFaceNet(MODELS.card("embedder_float32"))
    exact = [embed(crop) for crop in crops]
    swapped = [embed(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)) for crop in crops]
    assert np.mean([a @ b for a, b in zip(exact, swapped, strict=True)]) < 0.99
