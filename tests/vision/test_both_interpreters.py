"""ai-edge-litert and tflite-runtime (with NumPy 1) give the same results."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vision.interpreter_outputs import outputs
from tests.vision.pictures import NAMES, portrait

ROOT = Path(__file__).parents[2]
OTHER = ROOT / ".venv-tflite" / "bin" / "python"

pytestmark = pytest.mark.skipif(not OTHER.exists(), reason="no .venv-tflite: ./install.sh test makes it")


@pytest.fixture(scope="module")
def both(room, tmp_path_factory) -> tuple[dict, dict]:
    folder = tmp_path_factory.mktemp("interpreters")
    given, there = folder / "given.npz", folder / "there.npz"
    face = cv2.resize(portrait(NAMES[1]), (576, 576))
    np.savez(given, portrait=face, room=room)
    subprocess.run([OTHER, "-m", "tests.vision.interpreter_outputs", given, there], check=True, cwd=ROOT)
    with np.load(there) as found:
        return outputs(face, room), dict(found)


def test_there_are_two_of_them(both):
    assert {str(found["runtime"]) for found in both} == {"litert", "tflite-runtime"}


def test_every_network_gives_the_same_numbers(both):
    ours, theirs = both
    assert set(ours) == set(theirs)
    for name in sorted(set(ours) - {"runtime", "boxes", "embeddings"}):
        a, b = ours[name].ravel().astype(float), theirs[name].ravel().astype(float)
        assert float(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) >= 0.999, name
        assert np.abs(a - b).max() <= 0.05 * np.abs(a).max(), name


def test_the_same_faces_are_found_with_the_same_vectors(both):
    ours, theirs = both
    assert len(ours["boxes"]) == 2
    np.testing.assert_allclose(ours["boxes"], theirs["boxes"], atol=2.0)
    assert (np.sum(ours["embeddings"] * theirs["embeddings"], axis=1) >= 0.995).all()
