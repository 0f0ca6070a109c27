"""MobileFaceNet: turns an aligned face into 192 numbers (Chen et al., "MobileFaceNets", 2018)."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from edge_daemon.types import Picture, Vector
from edge_daemon.vision.align import to_rgb
from edge_daemon.vision.models import ModelCard

PREPROCESSING_VERSION = 2
"""Raise this number whenever the same photograph would give another vector.

The program refuses templates of other versions.
"""


class Embedder(Protocol):
    """The interface of an embedder, which turns an aligned face into a vector. The program uses MobileFaceNet."""

    def __call__(self, aligned: Picture, *, mirrored_too: bool = False) -> Vector:
        """Return the vector of a face, (192,), with length 1.

        Args:
            aligned: the face, (112, 112, 3), BGR.
            mirrored_too: average with the vector of the mirror image.
        """


class MobileFaceNet:
    """Runs the embedding network. Not safe for concurrent use.

    Args:
        card: the file's entry in the manifest.
    """

    def __init__(self, card: ModelCard) -> None:
        self._card, self._model = card, card.open()

    def __call__(self, aligned: Picture, *, mirrored_too: bool = False) -> Vector:
        """Embed one face.

        Args:
            aligned: (112, 112, 3), BGR.
            mirrored_too: average with the vector of the mirror image.

        Returns:
            (192,), with length 1.
        """
        vector = self._run(aligned)
        if mirrored_too:
            vector = vector + self._run(aligned[:, ::-1])
        return unit(vector)

    def _run(self, aligned: Picture) -> Vector:
        (output,) = self._model(self._card.encode(to_rgb(aligned))[None])
        return unit(output.reshape(-1).astype(np.float32))


def unit(vector: Vector) -> Vector:
    """Return the vector scaled to length 1."""
    scaled: Vector = vector / np.maximum(np.linalg.norm(vector), 1e-9)
    return scaled
