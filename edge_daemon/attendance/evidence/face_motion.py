"""Measures how much the parts of a face move over a lesson, apart from the movement of the face as a whole.

The points of a printed face keep their places on the paper. For any position of the paper, one homography maps them to
their usual places, except for the noise of the mesh (Hartley and Zisserman, Multiple View Geometry, 2004). If the paper
bends, a polynomial of the second degree maps them. No such map fits the points of a living face: eyes, brows, lips and
jaw move, and a head that turns has depth. A living face moves along few directions. Along these, its movement is larger
than that of a print, as a multiple of the mesh's noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.traits import FacePoints

Array = NDArray[np.float64]

PARTS = {
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "lips": slice(48, 68),
}
"""Ranges of the 68 standard points by part of the face."""
_ROUNDS = 4
"""Number of rounds in which the median shape is computed; further rounds change nothing."""
_LEAST = 1e-4
"""Rounding step of the points, in face widths. A smaller movement counts as this one."""
_STEADY = 1e-6
"""Small number that keeps equations solvable. It is also the least size of a shape: points at one place have size 0."""


_DIRECTIONS = 6
"""Number of principal directions of the movement that are compared with the noise."""
_NOISE = slice(8, 13)
"""Ranks of the principal directions that count as noise of the mesh. The direction of rank 0 has most movement."""
_MOST_NOISE = -12.3
"""Limit for the logarithm of the noise's variance (face widths squared): the largest value of 862 composed seats.

Noise above the limit counts as movement. Otherwise a person could count as a picture if the mesh is noisier than in
these seats.
"""
LEAST_CAPTURES = 15
"""Least number of captures for `motion`.

It is also the number of captures in each group from which the directions are computed. Larger groups would give more
noise.
"""

FEATURES = (
    *(f"{part}_{fit}_{which}" for fit in ("tilt", "bend") for part in PARTS for which in ("median", "p80")),
    *(f"direction_{number}" for number in range(1, _DIRECTIONS + 1)),
)
"""Names of the numbers that `motion` returns: median and 80 % quantile of each part's movement, then the directions.

A flat print moves by a homography; a bent print by a polynomial as well (see the top of this file). The `tilt` numbers
measure the movement that remains without the homography. The `bend` numbers measure what remains without the
polynomial too. The `direction` numbers split this last remainder into its principal directions. Each is the logarithm
of the variance along one direction, minus a logarithm for the noise of the mesh (`_NOISE`, `_MOST_NOISE`).
"""


def motion(faces: Sequence[FacePoints]) -> Array:
    """Return how a face moved, (FEATURES,): logarithms of distances in face widths, then those of ratios of variances.

    Args:
        faces: the points of one person or print in at least `LEAST_CAPTURES` captures.
    """
    shapes = np.array([one.places() for one in faces])
    usual, tilted = _after_tilt(shapes)
    bent = _after_bend(tilted, usual)
    found = []
    for left in (tilted, bent):
        for part in PARTS.values():
            each = np.sqrt((left[:, part] ** 2).sum(axis=2).mean(axis=1))
            found += [float(np.median(each)), float(np.quantile(each, 0.8))]
    return np.append(np.log(np.maximum(found, _LEAST)), _directions(bent))


def _directions(left: Array) -> Array:
    """Return the `direction` numbers of `FEATURES` for residuals (n, 68, 2).

    They are means over n groups of `LEAST_CAPTURES` faces. Each face begins one group, which is spread evenly over the
    lesson.
    """
    count = len(left)
    products = np.einsum("npd,mpd->nm", left, left)
    spread = np.arange(LEAST_CAPTURES) * count // LEAST_CAPTURES
    groups = (spread + np.arange(count)[:, None]) % count
    centre = np.eye(LEAST_CAPTURES) - 1 / LEAST_CAPTURES
    variances = np.linalg.eigvalsh(centre @ products[groups[:, :, None], groups[:, None]] @ centre) / LEAST_CAPTURES
    found = np.log(np.maximum(variances[:, ::-1], _LEAST**2)).mean(axis=0)
    return np.asarray(found[:_DIRECTIONS] - min(float(found[_NOISE].mean()), _MOST_NOISE))


def residuals(shapes: Array) -> Array:
    """Return the offset (x, y) of each point from its place in the median shape, (n, 68, 2), in face widths.

    Before that, a homography brings each face as near to the median shape as possible.

    Args:
        shapes: the points of n faces, (n, 68, 2), in face widths.
    """
    return _after_tilt(shapes)[1]


def _after_tilt(shapes: Array) -> tuple[Array, Array]:
    """Return the median shape, (68, 2), and the `residuals` of each shape, (n, 68, 2)."""
    usual = np.median(shapes - shapes.mean(axis=1, keepdims=True), axis=0)
    for _ in range(_ROUNDS):
        usual = np.median(_brought_to(shapes, usual), axis=0)
    return usual, np.asarray(_brought_to(shapes, usual) - usual)


def _after_bend(left: Array, usual: Array) -> Array:
    """Return the residuals minus the best polynomial of the second degree in the points' places."""
    x, y = ((usual - usual.mean(axis=0)) / max(float(usual.std()), _STEADY)).T
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    explained = basis @ np.linalg.pinv(basis)
    return np.asarray(left - np.einsum("kl,nld->nkd", explained, left))


def _brought_to(shapes: Array, target: Array) -> Array:
    """Return each shape after the homography that moves it nearest to the target (least squares, DLT)."""
    x, y = _normalised(shapes)[..., 0], _normalised(shapes)[..., 1]
    middle = target.mean(axis=0)
    size = max(float(np.sqrt(((target - middle) ** 2).sum(axis=1).mean())), _STEADY)
    u, v = ((target - middle) / size).T
    one, none = np.ones_like(x), np.zeros_like(x)
    across = np.stack([x, y, one, none, none, none, -u * x, -u * y], axis=-1)
    down = np.stack([none, none, none, x, y, one, -v * x, -v * y], axis=-1)
    equations = np.concatenate([across, down], axis=1)
    wanted = np.concatenate([np.broadcast_to(u, x.shape), np.broadcast_to(v, x.shape)], axis=1)
    normal = np.einsum("nki,nkj->nij", equations, equations) + _STEADY * np.eye(8)
    h = np.linalg.solve(normal, np.einsum("nki,nk->ni", equations, wanted)[..., None])[..., 0]
    depth = h[:, 6:7] * x + h[:, 7:8] * y + 1
    right, low = (h[:, k : k + 1] * x + h[:, k + 1 : k + 2] * y + h[:, k + 2 : k + 3] for k in (0, 3))
    return np.asarray(np.stack([right / depth, low / depth], axis=-1) * size + middle)


def _normalised(shapes: Array) -> Array:
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=2).mean(axis=1))
    return np.asarray(centred / np.maximum(size, _STEADY)[:, None, None])
