"""Tests whether this machine's interpreter computes correctly: compares results on stored faces with stored results.

A broken interpreter, a wrong NumPy or a faulty processor gives vectors that look plausible. Only a comparison with
known results shows the error. `python -m models_tflite.build.golden` makes `models_tflite/golden/`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_daemon.errors import ModelError
from edge_daemon.types import Picture, Vector
from edge_daemon.vision.analysers.aligned_face import AlignedFace
from edge_daemon.vision.analysers.mask import open_analyser
from edge_daemon.vision.face_verifier import FaceVerifier
from edge_daemon.vision.mobilefacenet import PREPROCESSING_VERSION, MobileFaceNet, unit
from edge_daemon.vision.models import ModelCard, ModelSet

FOLDER = "golden"
FACES, VECTORS, MASKS = "faces.png", "vectors.json", "masks.json"
SIDE_PX = 112
LEAST = {"float32": 0.9995, "int8": 0.99}
"""Least accepted cosine between a computed and a stored vector, by data type of the network's input.

Between ai-edge-litert 2.3 and tflite-runtime 2.14 on x86-64, the least cosine is 1.0000 in float and 0.9981 in int8,
whose kernels round differently. With red and blue swapped, it is 0.94.
"""

MASK_MOST = 0.05
"""Largest accepted difference of a mask probability. Kernels round differently, and probabilities have int8 steps."""
MOST_LOGIT = 1.0
"""Largest accepted difference between a logit of the verifier and the stored one; int8 kernels round differently."""
MOST_PX = 3.0
"""Largest accepted difference between a coordinate from the verifier and the stored one, in pixels."""
_SQUARE = np.array([24, 24, 88, 88], np.float32)
"""BlazeFace's square in a stored face. The verifier then sees the whole stored face."""

_REINSTALL = "reinstall the program, or run `python -m models_tflite.build.golden`"


@dataclass(frozen=True, slots=True)
class Parity:
    """How near the embedder's vectors are to the stored ones."""

    model: str
    worst_cosine: float
    least: float
    faces: int

    @property
    def holds(self) -> bool:
        """Whether faces are recognised correctly."""
        return self.worst_cosine >= self.least


@dataclass(frozen=True, slots=True)
class MaskParity:
    """How near the probabilities of the mask network are to the stored ones."""

    model: str
    worst_difference: float
    faces: int

    @property
    def holds(self) -> bool:
        """Whether masks are recognised correctly."""
        return self.worst_difference <= MASK_MOST


def parity(card: ModelCard, models_dir: Path) -> Parity:
    """Run an embedder on the stored faces.

    Args:
        card: the embedder.
        models_dir: the folder with `golden/`.

    Raises:
        ModelError: no vectors are stored for this file, or the stored vectors can't be read.
    """
    folder = models_dir / FOLDER
    faces, known = golden_faces(folder), golden_vectors(folder)
    if card.sha256 not in known:
        raise ModelError(f"no vectors are stored for {card.name}", str(folder / VECTORS), _REINSTALL)
    expected = known[card.sha256]
    if expected.shape[0] != len(faces):
        raise ModelError(f"{expected.shape[0]} vectors for {len(faces)} faces", str(folder), _REINSTALL)
    network = MobileFaceNet(card)
    cosines = [float(network(face) @ unit(vector)) for face, vector in zip(faces, expected, strict=True)]
    worst = min(cosines) if np.isfinite(cosines).all() else -1.0
    return Parity(card.name, worst, LEAST[card.input_dtype], len(faces))


def mask_parity(models: ModelSet, models_dir: Path) -> MaskParity:
    """Run the mask network on the stored faces, reduced to its crop size.

    Args:
        models: verified model files.
        models_dir: the folder with `golden/`.

    Raises:
        ModelError: no probabilities are stored for this file, or the stored ones can't be read.
    """
    card, folder = models.card("mask"), models_dir / FOLDER
    path = folder / MASKS
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        rows = np.array(known[card.sha256], np.float64)
    except KeyError as error:
        raise ModelError(f"no probabilities are stored for {card.name}", str(path), _REINSTALL) from error
    except (OSError, ValueError, TypeError) as error:
        raise ModelError("the stored probabilities can't be read", str(path), _REINSTALL) from error
    found = np.array(mask_probabilities(models, golden_faces(folder)))
    if rows.shape != found.shape:
        raise ModelError(f"{len(rows)} rows for {len(found)} faces", str(path), _REINSTALL)
    worst = float(np.abs(rows - found).max()) if np.isfinite(found).all() else 1.0
    return MaskParity(card.name, worst, len(found))


def mask_probabilities(models: ModelSet, faces: Sequence[Picture]) -> list[tuple[float, float, float]]:
    """Return the probabilities of none, right and wrong for aligned faces (112, 112, 3), shrunk to the crop size."""
    analyser = open_analyser(models)
    side = analyser.shape.side_px
    crops = [np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), np.uint8) for face in faces]
    found = [analyser(AlignedFace(crop, np.zeros((0, 2), np.float32))) for crop in crops]
    return [(one.none, one.right, one.wrong) for one in found]


@dataclass(frozen=True, slots=True)
class VerifierParity:
    """How near the verifier's results are to the stored ones."""

    model: str
    logit: float
    """Largest difference between a logit and the stored one."""
    px: float
    """Largest difference between a coordinate and the stored one, in pixels of the stored face."""

    @property
    def holds(self) -> bool:
        """Whether the verifier distinguishes faces from other objects correctly."""
        return self.logit <= MOST_LOGIT and self.px <= MOST_PX


def verifier_parity(card: ModelCard, models_dir: Path) -> VerifierParity:
    """Run the verifier on the stored faces.

    Args:
        card: the verifier.
        models_dir: the folder with `golden/`.

    Raises:
        ModelError: no results are stored for this file, or the stored results can't be read.
    """
    folder = models_dir / FOLDER
    known = golden_vectors(folder)
    if card.sha256 not in known:
        raise ModelError(f"no answers are stored for {card.name}", str(folder / VECTORS), _REINSTALL)
    found, expected = verifier_answers(card, golden_faces(folder)), known[card.sha256]
    if found.shape != expected.shape:
        raise ModelError(f"{len(expected)} answers for {len(found)} faces", str(folder), _REINSTALL)
    away = np.nan_to_num(np.abs(found - expected), nan=np.inf)
    return VerifierParity(card.name, float(away[:, 0].max()), float(away[:, 1:].max()))


def verifier_answers(card: ModelCard, faces: list[Picture]) -> Vector:
    """Return the verifier's logit, square and points for each face, (faces, 15)."""
    network = FaceVerifier(card)
    checks = [network(face, _SQUARE) for face in faces]
    return np.array([[c.logit, *c.square, *c.points.reshape(-1)] for c in checks], np.float32)


def golden_faces(folder: Path) -> list[Picture]:
    """Return the aligned faces (112, 112, 3), BGR, from the picture that has them side by side."""
    strip = cv2.imread(str(folder / FACES), cv2.IMREAD_COLOR)
    if strip is None or strip.shape[0] != SIDE_PX or strip.shape[1] % SIDE_PX or not strip.size:
        raise ModelError("the stored faces can't be read", str(folder / FACES), _REINSTALL)
    return [np.asarray(face, np.uint8) for face in np.split(strip, strip.shape[1] // SIDE_PX, axis=1)]


def golden_vectors(folder: Path) -> Mapping[str, Vector]:
    """Return a mapping of the SHA-256 of a model file to its vectors (faces, 192)."""
    path = folder / VECTORS
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["preprocessing"] != PREPROCESSING_VERSION:
            raise ModelError("the stored vectors were made with another preprocessing", str(path), _REINSTALL)
        found = {str(sha256): np.array(rows, np.float32) for sha256, rows in document["vectors"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("the stored vectors can't be read", str(path), _REINSTALL) from error
    if any(vectors.ndim != 2 for vectors in found.values()):
        raise ModelError("the stored vectors are damaged", str(path), _REINSTALL)
    return found
