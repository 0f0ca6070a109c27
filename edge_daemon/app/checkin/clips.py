"""Turns the frames of a clip into numbers; each frame is forgotten at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_daemon.checkin import repetition
from edge_daemon.checkin.mouth_features import MouthMovement, mouth_movement
from edge_daemon.types import Picture, Vector
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.mouth import MouthFrame, MouthReader

_EMBED_EVERY: Final = 12
"""Number of frames between two face vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadClip:
    """A clip as numbers, or why it can't be used."""

    movement: MouthMovement | None
    face: Vector
    """Mean of the clip's face vectors, (192,), scaled to length 1; zeros if the clip has no face."""
    problem: str
    """The reason in words; empty if the clip can be used."""


class ClipReader:
    """Reads clips of one face. Not thread-safe.

    Args:
        models: verified model files.
    """

    def __init__(self, models: ModelSet) -> None:
        self._mouths = MouthReader(models)

    def read(self, pictures: Iterable[Picture]) -> ReadClip:
        """Read the frames of one clip, in order; a clip that ends early is assessed as it is."""
        self._mouths.begin()
        frames: list[MouthFrame] = []
        vectors: list[Vector] = []
        count = 0
        for count, picture in enumerate(pictures, 1):  # noqa: B007 - counted
            frame = self._mouths.read(picture)
            if frame is None:
                continue
            if len(frames) % _EMBED_EVERY == 0:
                vectors.append(self._mouths.embed(picture, frame))
            frames.append(frame)
        return _judged(frames, vectors, len(frames) / max(count, 1))


def mean_face(vectors: Iterable[Vector]) -> Vector:
    """Return the mean direction of vectors, of length 1; zeros if there are none."""
    total = np.sum(list(vectors), axis=0, dtype=np.float32)
    mean: Vector = np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)
    return mean


def _judged(frames: list[MouthFrame], vectors: list[Vector], seen: float) -> ReadClip:
    if len(frames) < 2:
        return ReadClip(None, np.zeros(192, np.float32), "no face was seen; look into the camera")
    first, end = repetition.spoken_part([frame.mouth for frame in frames])
    spoken = frames[first:end]
    movement = mouth_movement([frame.mouth for frame in spoken])
    luma = float(np.mean([frame.luma for frame in spoken]))
    return ReadClip(movement, mean_face(vectors), repetition.problem_of(movement, len(spoken), luma, seen))
