"""Measures how a person wears a mask: none, right (over nose and mouth), or wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_daemon.traits import MaskProbabilities
from edge_daemon.types import Picture
from edge_daemon.vision.analysers.aligned_face import AlignedFace, CropShape
from edge_daemon.vision.models import ModelCard, ModelSet

SHAPE = CropShape(side_px=64, scale=1.39, down=0.065)
"""The crop that matches the network's training pictures: hand-drawn boxes with a margin of one third.

On 207 faces of mask_voc, the hand-drawn boxes are 1.03 times as large as the program's and lie lower by 0.065 of their
side (medians).
"""
LEAST_WIDTH_PX = 20.0
"""Least width of a face from ear to ear, as the program measures it. A hand-drawn box is then almost 24 px wide."""


class MaskAnalyser:
    """Runs the mask network on a face. Not safe for concurrent use.

    Args:
        card: the file's entry in the manifest.
    """

    shape = SHAPE
    least_width_px = LEAST_WIDTH_PX
    is_seldom = False

    def __init__(self, card: ModelCard) -> None:
        self._card, self._model = card, card.open()

    def __call__(self, face: AlignedFace) -> MaskProbabilities:
        """Return the probabilities for one face, from the mean of its logits and those of its mirror image.

        The network's last layer includes the calibration.
        """
        rgb = face.crop[..., ::-1]
        logits = (self._logits(rgb) + self._logits(rgb[:, ::-1])) / 2
        shifted = np.exp(logits - logits.max())
        none, right, wrong = (float(share) for share in shifted / shifted.sum())
        return MaskProbabilities(none, right, wrong)

    def _logits(self, rgb: Picture) -> NDArray[np.float32]:
        (found,) = self._model(self._card.encode(np.ascontiguousarray(rgb))[None])
        return found.reshape(3)


def open_analyser(models: ModelSet) -> MaskAnalyser:
    """Return the analyser; raises ModelError if the folder has no mask network."""
    return MaskAnalyser(models.card("mask"))
