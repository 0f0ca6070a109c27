"""Finds the faces of one picture, and how each wears a mask."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from edge_daemon.app.opening.models_and_gallery import load_models
from edge_daemon.attendance.evidence.mask_counts import mask_state
from edge_daemon.config import Config
from edge_daemon.traits import MaskCounts, MaskProbabilities
from edge_daemon.types import Box, Picture
from edge_daemon.vision.pipeline import Detector


@dataclass(frozen=True, slots=True)
class MaskFace:
    """One face of a picture."""

    box: Box
    state: str
    """How the face wears a mask: `none`, `right`, `wrong`, or `undecided`."""
    probabilities: MaskProbabilities | None
    """Probability of each state; None if the face is too small to be measured."""


class MaskFinder:
    """Finds faces and measures masks, without computing an embedding of any face.

    Args:
        config: the settings, which name models and threads.

    Raises:
        ModelError: a model is missing or changed.
    """

    def __init__(self, config: Config) -> None:
        threads = config.vision.threads or os.cpu_count() or 1
        self._detect = Detector(load_models(config), threads=threads, embed=False, traits=("mask",))

    def __call__(self, picture: Picture) -> tuple[MaskFace, ...]:
        """Return the faces of a picture (H, W, 3) in BGR, from top to bottom."""
        found = [(face.box, face.traits.mask) for face in self._detect(picture)]
        return tuple(MaskFace(box, mask_state([mask]) if mask else "undecided", mask) for box, mask in found)


def count_faces(faces: Iterable[MaskFace]) -> MaskCounts:
    """Return the number of faces in each state."""
    states = Counter(face.state for face in faces)
    return MaskCounts(states["none"], states["right"], states["wrong"], states["undecided"])
