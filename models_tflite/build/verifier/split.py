"""The pictures and people that the recipe never uses for training."""

from __future__ import annotations

import zlib

from benchmarks.match_faces import names_held_back
from benchmarks.wider import in_part


def held_back(file: str) -> bool:
    """Return whether a picture belongs to the third that is kept for evaluation, by its file name."""
    return in_part(file, "held-back")


def person_held_back(identity: str) -> bool:
    """Return whether a person of Labeled Faces in the Wild is held back, as in `benchmarks.match_confidence`."""
    return bool(names_held_back([identity]))


def for_fitting(file: str) -> bool:
    """Return whether a picture is in the eighth on which the odds are fitted, which the network never uses."""
    return zlib.crc32(file.encode()) % 24 in (1, 2, 4)
