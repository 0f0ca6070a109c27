"""Reads FER2013's pictures: the original zip files, unzipped ones, or a folder with labels; without duplicates.

    DIR/SPLIT.zip         CLASS/NAME.jpg
    DIR/SPLIT/            CLASS/NAME.jpg, or images/ and labels.csv (file, label)
    DIR/                  images/ and labels.csv (file, label, split)

SPLIT is Training, PublicTest or PrivateTest.
"""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_classes import CLASSES, SIDE_PX

SPLITS: Final = ("Training", "PublicTest", "PrivateTest")
_SUFFIXES = frozenset((".jpg", ".jpeg", ".png"))
_MOST_BYTES = 1 << 20
"""Limit for the size of one picture; 48 px take 2 kB."""
_FORM = "give a folder with Training.zip and PublicTest.zip, or their contents"


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """The pictures of one split."""

    pictures: NDArray[np.uint8]
    """(n, 48, 48), grey."""
    labels: NDArray[np.int64]
    """(n,), indices into `CLASSES`."""
    doubles: int = 0
    """Number of pictures left out because another split has the same pixels."""

    def without(self, other: LabelledPictures) -> LabelledPictures:
        """Return this split without the pictures whose pixels are also in the other split."""
        known = {_digest(picture) for picture in other.pictures}
        kept = np.array([_digest(picture) not in known for picture in self.pictures], bool)
        return LabelledPictures(self.pictures[kept], self.labels[kept], self.doubles + int((~kept).sum()))


def has_split(data: Path, split: str) -> bool:
    """Return whether a folder has a split in one of the three formats."""
    if (data / f"{split}.zip").is_file() or (data / split).is_dir():
        return True
    return (data / "labels.csv").is_file() and any(row.get("split") == split for row in _rows(data / "labels.csv"))


def read_split(data: Path, split: str) -> LabelledPictures:
    """Return the pictures of a split.

    Args:
        data: the folder.
        split: one of `SPLITS`.

    Raises:
        LabError: there is no such split, a label is unknown, or a picture can't be read.
    """
    pictures, labels = [], []
    for name, label, data_bytes in _members(data, split):
        if label not in CLASSES:
            raise LabError(f"has the label {label!r}", name, f"labels are {', '.join(CLASSES)}")
        pictures.append(_decoded(data_bytes, name))
        labels.append(CLASSES.index(label))
    if not pictures:
        raise LabError(f"has no pictures of {split}", str(data), _FORM)
    return LabelledPictures(np.stack(pictures), np.array(labels, np.int64))


def _members(data: Path, split: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, label and content of each picture of a split, ordered by name."""
    archive, folder = data / f"{split}.zip", data / split
    if archive.is_file():
        yield from _zipped(archive)
    elif (folder / "labels.csv").is_file():
        yield from _listed(folder, "")
    elif folder.is_dir():
        found = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in _SUFFIXES)
        yield from ((str(path), path.parent.name, _read(path)) for path in found)
    elif (data / "labels.csv").is_file():
        yield from _listed(data, split)
    elif not data.is_dir():
        raise LabError("there is no such folder", str(data), _FORM)
    else:
        raise LabError(f"has no {split}", str(data), _FORM)


def _zipped(archive: Path) -> Iterator[tuple[str, str, bytes]]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in sorted(opened.infolist(), key=lambda one: one.filename):
                path = PurePosixPath(info.filename)
                if path.suffix.lower() not in _SUFFIXES:
                    continue
                if info.file_size > _MOST_BYTES:
                    raise LabError("is too large for a picture of a face", f"{archive}: {info.filename}")
                yield f"{archive}: {info.filename}", path.parent.name, opened.read(info)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise LabError("can't be read as a zip file", str(archive), _FORM) from error


def _listed(folder: Path, split: str) -> Iterator[tuple[str, str, bytes]]:
    for row in sorted(_rows(folder / "labels.csv"), key=lambda one: one.get("file") or ""):
        if split and row.get("split") != split:
            continue
        file, label = row.get("file") or "", row.get("label") or ""
        if not file or Path(file).is_absolute() or ".." in Path(file).parts:
            raise LabError(f"names the file {file!r}", str(folder / "labels.csv"), "name a file of images/")
        yield str(folder / "images" / file), label, _read(folder / "images" / file)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabError("can't be read as a CSV file in UTF-8", str(path)) from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise LabError("is too large for a picture of a face", str(path))
        return path.read_bytes()
    except OSError as error:
        raise LabError(f"can't be read: {error.strerror}", str(path)) from error


def _decoded(data: bytes, name: str) -> NDArray[np.uint8]:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    except cv2.error:
        picture = None
    if picture is None:
        raise LabError("is damaged, or is not a picture", name)
    if picture.shape != (SIDE_PX, SIDE_PX):
        picture = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(picture, np.uint8)


def _digest(picture: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(picture.tobytes()).digest()
