"""Calibration pictures: crops around the faces of a labelled folder, and aligned faces."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

Boxes = Mapping[str, Sequence[tuple[float, float, float, float]]]


def read_boxes(folder: Path) -> Boxes:
    """Read boxes.csv (file,x,y,w,h,…) of a folder in the form of `benchmarks/wider.py`."""
    boxes: dict[str, list[tuple[float, float, float, float]]] = {}
    with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            boxes.setdefault(row["file"], []).append(tuple(float(row[k]) for k in ("x", "y", "w", "h")))
    return boxes


def read_rgb(path: Path) -> np.ndarray:
    """Read a picture as RGB."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def crops(
    folder: Path, part: int, size: int, share: tuple[float, float], each: int, lowest_px: int, seed: int = 1
) -> list[np.ndarray]:
    """Cut squares of `size` px with one labelled face at a random position and scale.

    Args:
        folder: pictures in `images/` and boxes.csv.
        part: 0 for the pictures of even rank (to calibrate), 1 for the others (to measure).
        size: side in pixels.
        share: smallest and largest height of the face as a share of `size`.
        each: most crops of one picture.
        lowest_px: least height of a face in the picture.
    """
    rng = np.random.default_rng(seed)
    boxes, made = read_boxes(folder), []
    for path in sorted((folder / "images").iterdir())[part::2]:
        faces = [b for b in boxes.get(path.name, []) if b[3] >= lowest_px]
        picture = read_rgb(path)
        for i in rng.permutation(len(faces))[:each]:
            x, y, w, h = faces[i]
            zoom = min(size * rng.uniform(*share) / h, 2.0)
            cx, cy = (c + rng.uniform(-0.3, 0.3) * size / zoom for c in (x + w / 2, y + h / 2))
            matrix = np.array([[zoom, 0, size / 2 - zoom * cx], [0, zoom, size / 2 - zoom * cy]])
            flags = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
            made.append(cv2.warpAffine(picture, matrix, (size, size), flags=flags))
    return made


def portraits(folder: Path, count: int, size: int, seed: int = 1) -> list[np.ndarray]:
    """Return faces of `folder` (a flat folder `images/`) with a random border, as enrolment photographs have it."""
    rng = np.random.default_rng(seed)
    files = sorted((folder / "images").iterdir())
    made = []
    for i in rng.permutation(len(files))[:count]:
        picture = read_rgb(files[i])
        k = int(rng.uniform(0, 0.6) * picture.shape[0])
        border = int(rng.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE]))
        padded = cv2.copyMakeBorder(picture, k, k, k, k, border)
        made.append(cv2.resize(padded, (size, size), interpolation=cv2.INTER_AREA))
    return made
