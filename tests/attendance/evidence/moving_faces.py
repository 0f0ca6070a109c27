"""Points of made-up faces: living heads that turn and speak, and prints of one that are tilted and bent."""

from __future__ import annotations

import numpy as np

from edge_daemon.traits import FacePoints

NOISE = 0.003
"""Noise of the mesh, in widths of the face."""
_FIELDS = 16
_DECAY = 0.4
"""The noise of a mesh lies along a few directions of all points together, each with e^-0.4 of the noise before.

The mesh behaves like this on composed prints (`benchmarks.prints`).
"""


def head() -> np.ndarray:
    """Return (68, 3): jaw, brows, nose, eyes and lips of a face that looks ahead, in widths; z grows away from it."""
    jaw = [(0.5 * np.sin(a), 0.55 * -np.cos(a) * 0.9 + 0.08, 0.25 - 0.2 * np.cos(a / 2)) for a in _range(-1.8, 1.8, 17)]
    jaw = [(x, 0.62 * np.cos(np.arcsin(2 * x * 0.99)) - 0.05, z) for x, _, z in jaw]
    brows = [
        (x, -0.25 - 0.03 * np.cos(6 * (abs(x) - 0.2)), 0.02) for x in (*_range(-0.35, -0.08, 5), *_range(0.08, 0.35, 5))
    ]
    nose = [(0, y, -0.02 - 0.5 * (y + 0.15)) for y in _range(-0.15, 0.1, 4)] + [
        (x, 0.13, -0.06) for x in _range(-0.1, 0.1, 5)
    ]
    eyes = [
        (side * 0.2 + 0.07 * np.cos(a), -0.14 + 0.03 * np.sin(a), 0.03) for side in (-1, 1) for a in _range(0, 5.2, 6)
    ]
    lips = [(0.18 * np.cos(a), 0.3 + 0.06 * np.sin(a), -0.02) for a in _range(0, 5.8, 12)]
    inner = [(0.12 * np.cos(a), 0.3 + 0.02 * np.sin(a), -0.01) for a in _range(0, 5.5, 8)]
    return np.array([*jaw, *brows, *nose, *eyes, *lips, *inner])


def living(captures: int, rng: np.random.Generator, *, turn_deg: float = 14.0) -> list[FacePoints]:
    """Return the points of somebody whose head turns and nods, and who speaks now and then."""
    found = []
    for _ in range(captures):
        yaw, pitch = np.radians(rng.normal(0, turn_deg)), np.radians(rng.normal(0, turn_deg / 2))
        face = head()
        face[60:68, 1] += max(rng.normal(0.02, 0.02), 0) * np.sign(face[60:68, 1] - 0.3)
        face[17:27, 1] += rng.normal(0, 0.015)
        across = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        found.append(_seen((face @ (nod @ across).T)[:, :2], rng))
    return found


def printed(captures: int, rng: np.random.Generator, *, tilt: float = 0.06, bend: float = 0.0) -> list[FacePoints]:
    """Return the points of one picture of a face that is turned, tilted by a homography, and bent."""
    found = []
    for _ in range(captures):
        x, y = head()[:, :2].T
        x = x + rng.normal(0, bend) * y * y
        angle, (a, b) = rng.normal(0, 0.05), rng.normal(0, tilt, 2)
        depth = 1 + a * x + b * y
        u, v = x / depth, (1 + rng.normal(0, tilt)) * y / depth
        flat = np.stack([np.cos(angle) * u - np.sin(angle) * v, np.sin(angle) * u + np.cos(angle) * v], axis=1)
        found.append(_seen(flat, rng))
    return found


def swaying(captures: int, size: float) -> list[FacePoints]:
    """Return points that each sway by themselves. Every call returns the same ones; `size` is in face widths."""
    found, number = [], np.arange(68)
    for k in range(captures):
        x, y = head()[:, :2].T
        x = x + size * np.sin(1 + k * (1 + number % 7)) * (1 + number / 68) + 0.1 * np.sin(k)
        y = y + size * np.cos(0.7 * k * k + 1.3 * number) * (1 + number % 5) / 3 + 0.2
        found.append(FacePoints.of(zip(x.tolist(), y.tolist(), strict=True)))
    return found


def _seen(places: np.ndarray, rng: np.random.Generator) -> FacePoints:
    sizes = np.exp(-_DECAY * np.arange(_FIELDS))
    sizes *= NOISE * np.sqrt(places.size) / np.linalg.norm(sizes)
    fields = np.linalg.qr(np.random.default_rng(0).normal(size=(places.size, _FIELDS)))[0]
    noisy = places + (fields @ (sizes * rng.normal(size=_FIELDS))).reshape(places.shape)
    return FacePoints.of((float(x), float(y)) for x, y in noisy)


def _range(first: float, last: float, count: int) -> list[float]:
    return [float(value) for value in np.linspace(first, last, count)]
