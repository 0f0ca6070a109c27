"""The 68 standard points of a face, as points of the mesh.

Sagonas et al., "300 Faces in-the-Wild Challenge" (2013): jaw 17, brows 5 and 5, nose 9, eyes 6 and 6, lips 12 and 8.
The mesh (Kartynnik et al., 2019) does not contain these points, so the module uses the nearest of its 468. Hidden or
turned points of the jaw lie on the mesh's outline, not at their visible position.
"""

from __future__ import annotations

import numpy as np

JAW, RIGHT_BROW, LEFT_BROW, NOSE, RIGHT_EYE, LEFT_EYE, LIPS, INNER_LIPS = (
    slice(0, 17),
    slice(17, 22),
    slice(22, 27),
    slice(27, 36),
    slice(36, 42),
    slice(42, 48),
    slice(48, 60),
    slice(60, 68),
)
"""Ranges of the points by part of the face; right is the person's own right side."""

# fmt: off
INDEX = np.array([
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107,
    336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144,
    362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
], np.intp)
# fmt: on
"""(68,) the index of each standard point in the mesh."""
