"""Store faces with the outputs of embedders and verifiers for `doctor`: `python -m models_tflite.build.golden`.

Run it after every change of an embedder or the verifier. The faces are cut from the demo's free pictures
(demo/pictures/SOURCES.md); the vectors are ai-edge-litert's on x86-64.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from edge_daemon.types import Picture, Vector
from edge_daemon.vision import golden
from edge_daemon.vision.interpreter import runtime_name
from edge_daemon.vision.mobilefacenet import PREPROCESSING_VERSION, MobileFaceNet
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.portrait import PortraitReader

MODELS = Path(__file__).resolve().parents[1]
PICTURES = MODELS.parent / "demo" / "pictures"
NAMES = (
    "enrolment/S1/collins-1992.jpg",
    "enrolment/S2/obama-2009.jpg",
    "enrolment/S3/hopper-1984.jpg",
    "room/biden-2010.jpg",
)
_DIGITS = 5


class _Keep:
    """Stands in for the embedder and keeps the aligned face that it is given."""

    def __init__(self) -> None:
        self.faces: list[Picture] = []

    def __call__(self, aligned: Picture, *, mirrored_too: bool = False) -> Vector:
        del mirrored_too
        self.faces.append(aligned)
        return np.ones(192, np.float32)


def main() -> None:
    """Write the picture of the faces, and the files with the outputs of the networks for them."""
    if runtime_name() != "litert":
        raise SystemExit("the stored vectors are ai-edge-litert's: pip install ai-edge-litert")
    models = ModelSet.load(MODELS)
    folder = MODELS / golden.FOLDER
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / golden.FACES), np.hstack(aligned(models)), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    faces = golden.golden_faces(folder)
    embedders = [card for card in models.cards if any(role.startswith("embedder_") for role in card.roles)]
    vectors = {card.sha256: [_rounded(MobileFaceNet(card)(face)) for face in faces] for card in embedders}
    verifiers = [card for card in models.cards if any(role.startswith("verifier_") for role in card.roles)]
    vectors |= {
        card.sha256: [_rounded(answer) for answer in golden.verifier_answers(card, faces)] for card in verifiers
    }
    lines = ",\n".join(f' "{sha256}": {json.dumps(rows)}' for sha256, rows in vectors.items())
    text = f'{{"preprocessing": {PREPROCESSING_VERSION}, "vectors": {{\n{lines}\n}}}}\n'
    (folder / golden.VECTORS).write_text(text, encoding="utf-8")
    write_masks(models, folder)


def write_masks(models: ModelSet, folder: Path) -> None:
    """Write the outputs of the mask network for the stored faces."""
    rows = golden.mask_probabilities(models, golden.golden_faces(folder))
    content = {models.card("mask").sha256: [[round(p, _DIGITS) for p in row] for row in rows]}
    (folder / golden.MASKS).write_text(json.dumps(content) + "\n", encoding="utf-8")


def aligned(models: ModelSet) -> list[Picture]:
    """Return the largest face of each picture, aligned as for the embedder."""
    reader, keep = PortraitReader(models.with_detectors("float16")), _Keep()
    reader._reader._embedder = keep  # type: ignore[assignment]
    found = []
    for name in NAMES:
        keep.faces.clear()
        reader.faces(cv2.imread(str(PICTURES / name)))
        found.append(keep.faces[0])
    return found


def _rounded(vector: Vector) -> list[float]:
    return [round(float(x), _DIGITS) for x in vector]


if __name__ == "__main__":
    main()
