"""Test pictures: the demo's portraits (public domain), and classrooms composed of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

DEMO = Path(__file__).resolve().parents[2] / "demo" / "pictures"
NAMES = ("enrolment/S1/collins-1992", "enrolment/S2/obama-2009", "enrolment/S3/hopper-1984", "room/biden-2010")


def portrait(name: str = NAMES[0]):
    return cv2.imread(str(DEMO / f"{name}.jpg"))


def wall(width: int, height: int, seed: int = 0):
    """An empty room: a smooth wall with a little grain."""
    coarse = np.random.default_rng(seed).uniform(90, 150, (4, 6, 3)).astype(np.float32)
    grain = np.random.default_rng(seed + 1).normal(0, 2, (height, width, 3))
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + grain, 0, 255).astype(np.uint8)


def hang(scene, picture, x: int, y: int, width: int):
    """Put a picture into a scene, `width` px wide; return a new scene."""
    height = round(width * picture.shape[0] / picture.shape[1])
    scene = scene.copy()
    scene[y : y + height, x : x + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return scene


def another_light(scene, gamma: float = 1.25, seed: int = 5):
    """The same scene at another exposure, white balance and with other noise."""
    levels = 255 * (np.arange(256) / 255) ** gamma
    lut = np.stack([np.clip(levels * k, 0, 255) for k in (0.95, 1.0, 1.06)], axis=1).astype(np.uint8)
    shot = np.dstack([cv2.LUT(scene[..., c], lut[:, c]) for c in range(3)])
    noise = np.random.default_rng(seed).normal(0, 3, shot.shape)
    return np.clip(shot + noise, 0, 255).astype(np.uint8)
