"""Degrade real captures step by step: light with a sensor's noise, motion, defocus, glare, dirt, a cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from edge_daemon.types import Picture

Degradation = Callable[[Picture, float, np.random.Generator], Picture]
_FULL_WELL = 6000.0
"""Number of electrons in a pixel of value 255, from which the shot noise of a small sensor follows."""
_READ_NOISE = 6.0
"""Standard deviation of the read noise, in electrons."""


def darker(picture: Picture, light: float, rng: np.random.Generator) -> Picture:
    """Return the picture at a share of its light, 0 to 1, with the noise at that light and without gain."""
    electrons = picture.astype(np.float32) / 255 * _FULL_WELL * light
    noisy = electrons + rng.normal(0, 1, picture.shape).astype(np.float32) * np.sqrt(electrons + _READ_NOISE**2)
    return np.clip(noisy / _FULL_WELL * 255, 0, 255).astype(np.uint8)


def moved(picture: Picture, length_px: float, _rng: np.random.Generator) -> Picture:
    """Return the picture with sideways motion blur of a given length."""
    length = max(1, round(length_px))
    return np.asarray(cv2.filter2D(picture, -1, np.full((1, length), 1 / length, np.float32)), np.uint8)


def defocused(picture: Picture, sigma_px: float, _rng: np.random.Generator) -> Picture:
    """Return the picture out of focus by a standard deviation in pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8) if sigma_px > 0 else picture


def glared(picture: Picture, light: float, _rng: np.random.Generator) -> Picture:
    """Return the picture with stray light added everywhere, as a share of full white, 0 to 1."""
    return np.clip(picture.astype(np.float32) + 255 * light, 0, 255).astype(np.uint8)


def dirty(picture: Picture, opacity: float, _rng: np.random.Generator) -> Picture:
    """Return the picture behind a smeared lens: blurred widely and grey, by an opacity from 0 to 1."""
    far = cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 60).astype(np.float32)
    return np.asarray(picture * (1 - opacity) + opacity * (0.5 * far + 70), np.uint8)


def covered(picture: Picture, share: float, rng: np.random.Generator) -> Picture:
    """Return the picture with its left part, a share of its width, hidden by something near and dark."""
    width = round(share * picture.shape[1])
    found = picture.copy()
    cover = rng.normal(28, 2, (picture.shape[0], width, 1)) + np.zeros(3)
    found[:, :width] = np.clip(cover, 0, 255).astype(np.uint8)
    return found


def backlit(picture: Picture, light: float, rng: np.random.Generator) -> Picture:
    """Return the picture with a bright right third and the rest at a share of its light, as against a window."""
    found = darker(picture, light, rng)
    found[:, 2 * picture.shape[1] // 3 :] = glared(picture[:, 2 * picture.shape[1] // 3 :], 0.5, rng)
    return found


STEPS: Mapping[str, tuple[Degradation, tuple[float, ...]]] = {
    "light": (darker, (1, 0.5, 0.3, 0.2, 0.14, 0.1, 0.06, 0.03)),
    "motion_px": (moved, (1, 3, 5, 8, 12, 18, 26)),
    "defocus_px": (defocused, (0, 1, 2, 3, 4, 6, 9)),
    "glare": (glared, (0, 0.2, 0.4, 0.55, 0.7, 0.85)),
    "dirt": (dirty, (0, 0.3, 0.5, 0.7, 0.8, 0.9)),
}
"""The degradations and their steps."""
