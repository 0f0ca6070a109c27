"""ai-edge-litert and tflite-runtime (with NumPy 1) give the same results."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vision.interpreter_outputs import outputs
from tests.vision.pictures import NAMES, portrait

ROOT = Path(__file__).parents[2]
OTHER = Path(os.environ.get("EDGE_TFLITE_PYTHON", ROOT / ".venv-tflite" / "bin" / "python"))
REQUIRED = bool(os.environ.get("CI") or os.environ.get("EDGE_REQUIRE_TFLITE"))

pytestmark = pytest.mark.skipif(
    not OTHER.exists() and not REQUIRED, reason="no .venv-tflite: ./install.sh test makes it"
)


@pytest.fixture(scope="module")
def both(room, tmp_path_factory) -> tuple[dict, dict]:
    folder = tmp_path_factory.mktemp("interpreters")
    given, there = folder / "given.npz", folder / "there.npz"
    face = cv2.resize(portrait(NAMES[1]), (576, 576))
    np.savez(given, portrait=face, room=room)
    subprocess.run([OTHER, "-m", "tests.vision.interpreter_outputs", given, there], check=True, cwd=ROOT)
    with np.load(there) as found:
        return outputs(face, room), dict(found)


def test_both_interpreters_are_installed(both):
    assert {str(found["runtime"]) for found in both} == {"litert", "tflite-runtime"}


def test_every_network_gives_the_same_numbers(both):
    """To the last digits in float; in int8 each has kernels of its own, which round differently."""
    ours, theirs = both
    assert set(ours) == set(theirs)
    networks = [name for name in sorted(ours) if name.split("/")[0] not in ("runtime", "boxes", "vectors")]
    assert len(networks) >= 10
    for name in networks:
        a, b = ours[name].ravel().astype(float), theirs[name].ravel().astype(float)
        least = 0.98 if "int8" in name else 0.99999
        assert float(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) >= least, name


# Int8 kernels differ by one step here and there, which moves points and vectors about as far as int8 is from float.
# Both faces are beyond doubt, so their boxes are the verifier's second estimate, which varies by 2 % of the square.
@pytest.mark.parametrize(("precision", "share", "least"), [("float16", 0.005, 0.999), ("int8", 0.05, 0.97)])
def test_the_same_faces_are_found_with_the_same_vectors(both, precision, share, least):
    ours, theirs = both
    assert len(ours[f"boxes/{precision}"]) == 2
    # By a share of a face's width and half a pixel; the second face is 105 px wide.
    apart = np.abs(ours[f"boxes/{precision}"] - theirs[f"boxes/{precision}"]).max(axis=1)
    assert (apart <= 0.5 + share * ours[f"boxes/{precision}"][:, 2]).all(), apart
    alike = np.sum(ours[f"vectors/{precision}"] * theirs[f"vectors/{precision}"], axis=1)
    assert (alike >= least).all()
