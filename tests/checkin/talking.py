"""A portrait of the demo whose mouth is made to open and close: a face that says a word."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.mouth import MouthReader
from tests.checkin.mouths import WORDS
from tests.demo_lesson import PORTRAITS

OBAMA = PORTRAITS / "S2" / "obama-2012.jpg"
COLLINS = PORTRAITS / "S1" / "collins-1992.jpg"
_WIDTH_PX = 240


class Portrait:
    """A photograph, brought to one width, and where its mouth is."""

    def __init__(self, path: Path) -> None:
        picture = cv2.imread(str(path))
        self.picture = cv2.resize(picture, None, fx=_WIDTH_PX / picture.shape[1], fy=_WIDTH_PX / picture.shape[1])
        frame = MouthReader(ModelSet.load(default_models_dir())).read(self.picture)
        assert frame is not None
        left, right, upper, lower = (frame.mesh.points[i, :2] for i in (61, 291, 13, 14))
        self.centre, self.half = (upper + lower) / 2, float(np.linalg.norm(right - left)) / 2

    def says(self, word: str = WORDS[0], *, take: int = 0, frames: int = 16) -> list[np.ndarray]:
        """Return the frames of a clip; two quiet frames stand before and after the word."""
        random = np.random.default_rng([take, *map(int, word)])
        opens = np.interp(np.linspace(0, len(word) - 1, frames - 4), np.arange(len(word)), [int(c) / 2 for c in word])
        light = 1 + 0.04 * random.normal()
        return [self._frame(o, light, random) for o in (0, 0, *opens, 0, 0)]

    def _frame(self, opens: float, light: float, random: np.random.Generator) -> np.ndarray:
        height, width = self.picture.shape[:2]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        (cx, cy), half = self.centre, self.half
        near = np.exp(-(((x - cx) / (1.1 * half)) ** 4) - ((y - cy) / (1.6 * half)) ** 4)
        shift = opens * 0.55 * half * near * np.where(y > cy, 1.0, -0.25)
        shifted = cv2.remap(self.picture, x, (y - shift).astype(np.float32), cv2.INTER_LINEAR)
        hole = ((x - cx) / (0.7 * half)) ** 2 + ((y - cy - 0.2 * opens * half) / (0.02 + 0.33 * opens * half)) ** 2 < 1
        shifted[hole & (opens > 0.1)] = (40, 30, 60)
        grain = random.normal(0, 1.5, shifted.shape)
        return np.clip(shifted * light + grain, 0, 255).astype(np.uint8)


def write(frames: list[np.ndarray], folder: Path) -> Path:
    """Write the frames of a clip as pictures of a folder."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        assert cv2.imwrite(str(folder / f"{number:03}.jpg"), frame)
    return folder
