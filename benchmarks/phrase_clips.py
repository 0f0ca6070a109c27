"""Reads clips of mouths in the form of MIRACL-VC1's crops, and makes the clips of a simulated attacker."""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder
from benchmarks.folder import DataError
from edge_daemon.checkin.mouth_features import HEIGHT_PX, WIDTH_PX, MouthMovement, mouth_movement

Grey = NDArray[np.uint8]
_JITTER_PX = 1.5
"""Standard deviation of the shift of a picture held in a hand, in pixels of a frame of 64 by 48."""
_FLICKER = 3.0
"""Standard deviation of the brightness of a picture held in a hand, in levels of 255."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One repetition of one phrase by one speaker."""

    speaker: str
    phrase: str
    repetition: int
    frames: Grey
    """(n, HEIGHT_PX, WIDTH_PX)."""


def read(root: Path) -> list[Clip]:
    """Return the clips in clips.csv (clip,speaker,phrase,repetition), whose frames are in clips.zip or clips/.

    Raises:
        DataError: the folder has another form.
    """
    table = root / "clips.csv"
    rows = folder.rows(table, ("clip", "speaker", "phrase", "repetition"))
    clips = []
    with _frames(root) as frames_of:
        for number, row in enumerate(rows, 1):
            frames = [_grey(data, row["clip"], root) for data in frames_of(row["clip"])]
            if len(frames) < 2:
                raise DataError(f"clip {row['clip']} has {len(frames)} frames; two or more are needed", str(root))
            repetition = int(folder.number(row, "repetition", table))
            clips.append(Clip(row["speaker"], row["phrase"], repetition, np.stack(frames)))
            command.progress(number, len(rows), "clip")
    return clips


def movement(frames: Grey) -> MouthMovement:
    """Return the movement that the program measures in the frames of a clip."""
    return mouth_movement(list(frames))


def still(clip: Clip, random: np.random.Generator) -> Grey:
    """Return one frame of a clip, repeated for the clip's length as if held before the camera by a trembling hand."""
    frame = clip.frames[len(clip.frames) // 2]
    moved = []
    for dx, dy, light in random.normal(0, 1, (len(clip.frames), 3)):
        matrix = np.array([[1, 0, _JITTER_PX * dx], [0, 1, _JITTER_PX * dy]], np.float32)
        shifted = cv2.warpAffine(frame, matrix, (WIDTH_PX, HEIGHT_PX), borderMode=cv2.BORDER_REPLICATE)
        moved.append(shifted.astype(np.float32) + _FLICKER * light)
    return np.clip(np.stack(moved), 0, 255).astype(np.uint8)


def backwards(clip: Clip) -> Grey:
    """Return the frames of a clip in reverse order."""
    return clip.frames[::-1]


def mean_swapped(clip: Clip, donor: Clip) -> Grey:
    """Return a clip with the mean picture of `clip` and the movement of `donor`."""
    movement_only = donor.frames - donor.frames.mean(0, dtype=np.float32)
    return np.clip(clip.frames.mean(0, dtype=np.float32) + movement_only, 0, 255).astype(np.uint8)


@contextmanager
def _frames(root: Path) -> Iterator[_FramesOf]:
    if (root / "clips").is_dir():
        yield _FramesOf(root, None)
        return
    path = root / "clips.zip"
    try:
        with zipfile.ZipFile(path) as archive:
            yield _FramesOf(root, archive)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError("is not a folder, and clips.zip can't be read", str(root / "clips")) from error


class _FramesOf:
    """Returns the frame files of a clip, in order."""

    def __init__(self, root: Path, archive: zipfile.ZipFile | None) -> None:
        self._root, self._archive = root, archive
        self._names: dict[str, list[str]] = defaultdict(list)
        for name in sorted(archive.namelist()) if archive is not None else ():
            parts = name.split("/")
            if len(parts) > 1 and parts[-1]:
                self._names[parts[-2]].append(name)

    def __call__(self, clip: str) -> Sequence[bytes]:
        if self._archive is not None:
            return [self._archive.read(name) for name in self._names[clip]]
        return [path.read_bytes() for path in sorted((self._root / "clips" / clip).glob("*.*"))]


def _grey(data: bytes, clip: str, root: Path) -> Grey:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if found is None:
        raise DataError(f"clip {clip} has a frame that can't be read", str(root))
    return np.asarray(cv2.resize(found, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)
