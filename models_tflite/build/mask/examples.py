"""The faces of the data sets, their parts, and the faces that a network learns from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import folder
from benchmarks.mask_faces import CLASSES, LabelledFace, fold, is_held_back, read_faces
from edge_daemon.types import Box
from models_tflite.build.mask import network
from models_tflite.build.mask.crops import LEAST_PX, read_crops
from models_tflite.build.mask.hard_crops import crowded, painted

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

PAINTED = 1000
"""Number of faces that get a painted mask in cloth of any colour, for each class with a mask.

As many faces get a mask in the cloth of a real mask.
"""
CROWDED = {"none": 300, "right": 200}
"""Number of faces with a head in front of them, by class."""
BARE_FACES = 600
BARE_LEAST_PX = 20.0
_NONE, _RIGHT, _WRONG = range(len(CLASSES))
_COLUMNS = ("file", "x", "y", "w", "h", "invalid", "occlusion")
_TIMES_HIDDEN = 2
"""How many times a partly hidden face is among the faces to learn from."""
_TIMES_SINGLE_CLOTH = 3
"""How many times a mask from a picture with one face is among the masks whose cloth is painted."""


@dataclass(frozen=True)
class Examples:
    """Faces with their wide crops; the bare ones of WIDER come last."""

    faces: list[LabelledFace]
    wide: Bytes
    bare: int
    hidden: Bytes
    """Wide crops of bare faces of WIDER that are partly hidden."""
    single: Bytes
    """Wide crops of pictures with one face, from `single_faces.py`."""
    single_labels: Numbers

    @property
    def labels(self) -> Numbers:
        """The label of each face, as an index into CLASSES."""
        return np.array([face.label for face in self.faces], np.int64)

    @property
    def widths_px(self) -> NDArray[np.float64]:
        """The width of each labelled box."""
        return np.array([face.width_px for face in self.faces])

    def where(self, part: str, number: int = -1) -> NDArray[np.bool_]:
        """Return which faces are in a part.

        Parts are `held_back`, `fold` (the fold `number`), `other_folds` (all folds but this one) and `dev` (all folds).
        """
        labelled = np.arange(len(self.faces)) < len(self.faces) - self.bare
        held = np.array([is_held_back(face.file) for face in self.faces]) & labelled
        own = np.array([fold(face.file) == number for face in self.faces]) & labelled
        parts = {"held_back": held, "fold": own & ~held, "other_folds": ~own & ~held, "dev": ~held}
        return parts[part]


def read_examples(data: Path, bare: Path, single: Path, work: Path) -> Examples:
    """Return all faces; the crops of large sets are cached in `work`."""
    faces = [face for face in read_faces(data / "boxes.csv") if face.width_px >= LEAST_PX]
    others = bare_faces(bare)
    others = others[:: max(len(others) // BARE_FACES, 1)]
    cache = work / "wide.npy"
    if not cache.exists():
        np.save(cache, np.concatenate([read_crops(data / "images", faces), read_crops(bare / "images", others)]))
    hidden = read_crops(bare / "images", bare_faces(bare, least_occlusion=1))
    with np.load(single) as found:
        return Examples(faces + others, np.load(cache), len(others), hidden, found["wide"], found["labels"])


def bare_faces(data: Path, least_occlusion: int = 0) -> list[LabelledFace]:
    """Return the bare faces of WIDER FACE that are wide enough, and hidden at least to a degree.

    Degrees are 0 (not hidden), 1 (partly) and 2 (mostly).
    """
    path = data / "boxes.csv"
    found = []
    for row in folder.rows(path, _COLUMNS):
        box = Box(*(folder.number(row, side, path) for side in "xywh"))
        if row["invalid"] == "0" and int(row["occlusion"]) >= least_occlusion and box.w >= BARE_LEAST_PX:
            found.append(LabelledFace(row["file"], _NONE, box))
    return sorted(found, key=lambda face: face.file)


def learned_faces(examples: Examples, learned: NDArray[np.bool_], seed: int) -> network.Learned:
    """Return the faces to learn from: the `learned` ones of the examples, those of other data sets, and altered ones.

    An altered face has a head in front of it or a painted mask.
    """
    random = np.random.default_rng(seed)
    wide, labels = examples.wide[learned], examples.labels[learned]
    masks = np.concatenate([wide[labels == _RIGHT], *[_single(examples, _RIGHT)] * _TIMES_SINGLE_CLOTH])
    hidden = np.repeat(examples.hidden, _TIMES_HIDDEN, 0)
    wide = np.concatenate([wide, hidden, examples.single])
    labels = np.concatenate([labels, np.full(len(hidden), _NONE), examples.single_labels])
    crowds = _crowds(wide, labels, random)
    drawn = _painted(examples.wide[-examples.bare :], masks, random)
    is_painted = np.arange(len(labels) + len(crowds[1]) + len(drawn[1])) >= len(labels) + len(crowds[1])
    return network.Learned(
        np.concatenate([wide, crowds[0], drawn[0]]), np.concatenate([labels, crowds[1], drawn[1]]), is_painted
    )


def _single(examples: Examples, label: int) -> Bytes:
    found: Bytes = examples.single[examples.single_labels == label]
    return found


def _crowds(wide: Bytes, labels: Numbers, random: np.random.Generator) -> tuple[Bytes, Numbers]:
    """Return faces with the head of a random other face in front of them, and the labels of the faces."""
    found, names = [], []
    for name, count in CROWDED.items():
        label = CLASSES.index(name)
        for i in random.choice(np.flatnonzero(labels == label), count):
            found.append(crowded(wide[i], wide[random.integers(len(wide))], random))
            names.append(label)
    return np.stack(found), np.array(names, np.int64)


def _painted(bare: Bytes, masks: Bytes, random: np.random.Generator) -> tuple[Bytes, Numbers]:
    """Return bare faces with painted masks, half in cloth of any colour, half in that of real masks; and the labels."""
    found, names = [], []
    for label in (_RIGHT, _WRONG):
        for number in range(2 * PAINTED):
            worn = masks[random.integers(len(masks))] if number % 2 else None
            found.append(painted(bare[random.integers(len(bare))], random, wrong=label == _WRONG, worn=worn))
            names.append(label)
    return np.stack(found), np.array(names, np.int64)
