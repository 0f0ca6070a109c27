"""Labelled faces with and without masks, the pictures held back from training, and the faces' crops.

The folder has images/ and boxes.csv (file, label, xmin, ymin, xmax, ymax), as Kaggle's "Face Mask Detection" has them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import folder
from edge_daemon.types import Box
from edge_daemon.vision.analysers.aligned_face import CropShape

LABELS = {"without_mask": "none", "with_mask": "right", "mask_weared_incorrect": "wrong"}
"""Maps each label of the data set to the program's class, in the order of the network's outputs."""
CLASSES = tuple(LABELS.values())
HELD_BACK = 3
"""One of this many pictures is held back from training."""
FOLDS = 5
LARGE_PX = 24.0
"""Least width of the labelled box for faces in the top-level figures."""
LABELLED_SHAPE = CropShape(side_px=64, scale=1.35)
"""The network's crop around a labelled box; the program's own boxes lie higher (`vision/analysers/mask.py`)."""
_COLUMNS = ("file", "label", "xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """A labelled face of one picture."""

    file: str
    label: int
    """Index into `CLASSES`."""
    box: Box

    @property
    def width_px(self) -> float:
        """Width of the labelled box."""
        return self.box.w


def read_faces(path: Path) -> list[LabelledFace]:
    """Return the faces of boxes.csv, ordered by picture.

    Raises:
        DataError: the file can't be read, or has a label that is not one of the three.
    """
    found = []
    for row in folder.rows(path, _COLUMNS):
        if row["label"] not in LABELS:
            raise folder.DataError(f"has the label {row['label']!r}", str(path), f"labels are {', '.join(LABELS)}")
        left, top, right, bottom = (folder.number(row, column, path) for column in _COLUMNS[2:])
        box = Box(left, top, right - left, bottom - top)
        found.append(LabelledFace(row["file"], CLASSES.index(LABELS[row["label"]]), box))
    return sorted(found, key=lambda face: face.file)


def is_held_back(file: str) -> bool:
    """Return whether a picture is held back from the training of all networks, by the hash of its name."""
    return _number(file) % HELD_BACK == 0


def fold(file: str) -> int:
    """Return the number of the training part, of `FOLDS`, to which a picture belongs."""
    return _number(file) // HELD_BACK % FOLDS


def held_back(faces: Iterable[LabelledFace]) -> list[LabelledFace]:
    """Return the faces of the pictures that are held back from training."""
    return [face for face in faces if is_held_back(face.file)]


def _number(file: str) -> int:
    return int.from_bytes(hashlib.sha256(file.encode()).digest()[:8], "big")
