"""Compares the int8 embedder with float32 on aligned faces, at full size and reduced to 28 px."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder
from edge_daemon.types import Picture, Vector
from edge_daemon.vision.mobilefacenet import MobileFaceNet
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.portrait import PortraitReader

FAR_PX = 28


def embedder_gates(models: ModelSet, data: Path, most: int) -> dict[str, dict[str, object]]:
    """Return the gates on held-out faces and on the same faces reduced to 28 px."""
    crops = aligned(models, data, most)
    near = cosines(models, crops)
    far = cosines(models, [shrunk(crop) for crop in crops])
    return {
        "embedder": {**_summary(near), "passed": bool(near.mean() >= 0.99 and near.min() >= 0.98)},
        "embedder_28_px": {**_summary(far), "passed": bool(far.mean() >= 0.98)},
    }


def _summary(values: NDArray[np.float64]) -> dict[str, object]:
    low = float(np.quantile(values, 0.01))
    return {
        "mean": round(float(values.mean()), 5),
        "worst": round(float(values.min()), 5),
        "1_percent": round(low, 5),
        "n": len(values),
    }


def cosines(models: ModelSet, crops: list[Picture]) -> NDArray[np.float64]:
    """Return the cosine of the int8 and the float32 vector for each crop."""
    ours, exact = (MobileFaceNet(models.card(f"embedder_{precision}")) for precision in ("int8", "float32"))
    return np.array([float(ours(crop) @ exact(crop)) for crop in crops])


def shrunk(crop: Picture, size_px: int = FAR_PX) -> Picture:
    """Return the crop as it looks if the face is only `size_px` wide."""
    small = cv2.resize(crop, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


class Keep:
    """Stands in for the embedder, and stores the crops that it is given."""

    def __init__(self) -> None:
        self.crops: list[Picture] = []

    def __call__(self, aligned: Picture, *, mirrored_too: bool = False) -> Vector:
        del mirrored_too
        self.crops.append(aligned.copy())
        return np.zeros(192, np.float32)


def aligned(models: ModelSet, data: Path, most: int) -> list[Picture]:
    """Return the aligned largest faces (112, 112, 3) in up to `most` pictures of images.csv, selected at random."""
    names = sorted({row["file"] for row in folder.rows(data / "images.csv", ("file",))})
    keep, crops = Keep(), []
    reader = PortraitReader(models, embedder=keep)
    chosen = np.random.default_rng(3).permutation(len(names))[:most]
    for done, i in enumerate(chosen, 1):
        keep.crops.clear()
        faces = reader.faces(folder.picture(data / "images" / names[i]))
        if faces and keep.crops:
            crops.append(keep.crops[0])
        command.progress(done, len(chosen), "pictures")
    return crops
