"""Drawn mouths that open and close by a word of their own: no real face is needed to test how movements compare."""

from __future__ import annotations

import numpy as np

WORDS = ("01102210", "20011020", "12021001", "00212011")


def clip(word: str, *, speaker: int = 0, take: int = 0, frames: int = 20) -> list[np.ndarray]:
    """Grey frames (48, 64) of a mouth that says a word: a digit a moment, 0 closed, 1 open, 2 rounded."""
    random = np.random.default_rng([speaker, take, *map(int, word)])
    at = np.clip(np.linspace(0, len(word) - 1, frames) + 0.25 * random.normal(), 0, len(word) - 1)
    opens = np.interp(at, np.arange(len(word)), [float(c == "1") + 0.6 * (c == "2") for c in word])
    rounds = np.interp(at, np.arange(len(word)), [float(c == "2") for c in word])
    light = 1 + 0.05 * random.normal()
    return [_mouth(o, r, speaker, light, random) for o, r in zip(opens, rounds, strict=True)]


def _mouth(opens: float, rounds: float, speaker: int, light: float, random: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:48, :64].astype(np.float32)
    dx, dy = random.normal(0, 0.4, 2)
    width = 24 - 8 * rounds - 3 * (speaker % 3)
    height = 2 + 12 * opens + 2 * (speaker % 2)
    lips = np.hypot((x - 32 - dx) / (width + 5), (y - 24 - dy) / (height + 6)) < 1
    hole = np.hypot((x - 32 - dx) / width, (y - 24 - dy) / height) < 1
    grey = 150.0 - 40 * lips - 60 * hole + 6 * speaker * (y < 12)
    return np.clip(grey * light + random.normal(0, 2, grey.shape), 0, 255).astype(np.uint8)
