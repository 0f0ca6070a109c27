"""Measures how far the eyes are shut, with 478 points of a face and two blendshapes computed from them.

MediaPipe's face landmarker (Google, 2023). Its second network gives 52 numbers for the movements of a face. The
analyser reads only the two for the eyelids. It neither reads nor keeps the others, such as smiles and frowns.
"""

from __future__ import annotations

import numpy as np

from edge_daemon.traits import EyeClosure
from edge_daemon.vision.align import to_rgb
from edge_daemon.vision.analysers.aligned_face import AlignedFace, CropShape
from edge_daemon.vision.interpreter import pick
from edge_daemon.vision.models import ModelCard, ModelSet

SHAPE = CropShape(side_px=256, scale=1.364, down=0.0545, cubic=True)
"""MediaPipe's crop, 1.5 times BlazeFace's square, converted to shares of the face rectangle of `face_reader`."""
LEAST_WIDTH_PX = 48.0
"""Least face width for this analyser; in narrower faces the eyelids are only one or two pixels high."""
_BLINK_LEFT, _BLINK_RIGHT = 9, 10
# fmt: off
_ASKED_FOR = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154,
    155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263,
    267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321,
    323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387,
    388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
], np.intp)
# fmt: on
"""The 146 points that the second network requires (MediaPipe, face_blendshapes_graph.cc)."""


class EyesAnalyser:
    """Runs both networks on a face. Not safe for concurrent use.

    Args:
        points: the manifest's entry for the network with 478 points.
        blendshapes: the manifest's entry for the network with 52 numbers.
    """

    shape = SHAPE
    least_width_px = LEAST_WIDTH_PX
    is_seldom = True

    def __init__(self, points: ModelCard, blendshapes: ModelCard) -> None:
        self._card, self._points, self._blendshapes = points, points.open(), blendshapes.open()

    def __call__(self, face: AlignedFace) -> EyeClosure:
        """Return how far the eyes of one face are shut."""
        outputs = self._points(self._card.encode(to_rgb(face.crop))[None])
        points = pick(outputs, 1434).reshape(478, 3)[_ASKED_FOR, :2]
        (found,) = self._blendshapes(points.astype(np.float32)[None])
        numbers = found.reshape(-1)
        return EyeClosure(float(numbers[_BLINK_LEFT]), float(numbers[_BLINK_RIGHT]))


def open_analyser(models: ModelSet) -> EyesAnalyser:
    """Return the analyser; raises ModelError if the folder lacks one of its networks."""
    return EyesAnalyser(models.card("eye_points"), models.card("eye_blendshapes"))
