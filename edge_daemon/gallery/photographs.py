"""Enrolment photographs on disk: which belong to a student, and reading one without trusting it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_daemon.errors import ImageFileError, PhotographError
from edge_daemon.image_header import ImageHeader, read_header
from edge_daemon.types import Picture

MAX_BYTES = 30 * 2**20
MAX_PIXELS = 50_000_000
WORKING_SIDE_PX = 1600
"""A portrait's longer side is brought down to this: the embedder sees 112 px of it."""

_READ = frozenset((".jpg", ".jpeg", ".png"))
# The JPEG decoder halves for free: a 48 megapixel portrait never exists at full size.
_REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))
_CLUTTER = frozenset(("thumbs.db", "desktop.ini"))


def photographs_of(photos_dir: Path, student_id: str) -> list[Path]:
    """Return the files of one student, in order of their names, whatever they are; none where there is no folder.

    Raises:
        PhotographError: the id can't be a folder name, or the folder leads out of `photos_dir` or can't be read.
    """
    if student_id in ("", ".", "..") or "/" in student_id or "\0" in student_id:
        raise PhotographError("the id can't be a folder name", student_id, "photographs can't be found for it")
    try:
        folder = _folder_of(photos_dir, student_id)
        if not folder.resolve().is_relative_to(photos_dir.resolve()):
            raise PhotographError("the folder is a link that leads out of the photographs", str(folder))
        names = sorted(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:  # too long a name, no right, not a folder
        raise PhotographError(f"the folder can't be read ({error.strerror})", student_id[:200]) from error
    return [folder / name for name in names if not name.startswith(".") and name.lower() not in _CLUTTER]


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph in memory, with the digest of its file."""

    picture: Picture
    sha256: bytes


def spellings(student_id: str) -> list[str]:
    """Return the forms of an id that look the same: a Mac writes the ö of a folder's name as two characters."""
    return [student_id, unicodedata.normalize("NFC", student_id), unicodedata.normalize("NFD", student_id)]


def read_photograph(path: Path) -> Photograph:
    """Return a photograph upright, its longer side at most `WORKING_SIDE_PX`.

    EXIF rotation is applied; grey, 16 bit, transparent and CMYK pictures are converted. Size is checked before
    anything is decoded.

    Raises:
        PhotographError: with the reason, one for each way in which a file can be unusable.
    """
    try:
        data, header = _read_whole(path)
        return Photograph(_decode(data, header), hashlib.sha256(data).digest())
    except (ImageFileError, PhotographError) as error:
        raise PhotographError(error.what, str(path), error.hint) from error


def _folder_of(photos_dir: Path, student_id: str) -> Path:
    folders = [photos_dir / form for form in spellings(student_id)]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _read_whole(path: Path) -> tuple[bytes, ImageHeader]:
    try:
        if not path.resolve(strict=True).is_relative_to(path.parent.resolve()):
            raise PhotographError("a link that leads out of the folder", hint="put the photograph itself there")
        # O_NONBLOCK: opening a fifo must not wait for its writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PhotographError("not a file")
            if status.st_size > MAX_BYTES:
                raise PhotographError(f"larger than {MAX_BYTES >> 20} MiB", hint="save it smaller")
            data = file.read(MAX_BYTES)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, Python < 3.13
        raise PhotographError(f"can't be read ({getattr(error, 'strerror', None) or 'loop of links'})") from error
    if path.suffix.lower() in (".heic", ".heif"):
        raise PhotographError("HEIC is not read", hint="convert it to JPEG")
    if path.suffix.lower() not in _READ:
        raise PhotographError("not a JPEG or PNG picture")
    header = read_header(data)
    if header.width_px * header.height_px > MAX_PIXELS:
        size = f"{header.width_px}x{header.height_px}"
        raise PhotographError(f"{size} is larger than {MAX_PIXELS // 10**6} megapixels", hint="save it smaller")
    return data, header


def _decode(data: bytes, header: ImageHeader) -> Picture:
    shorter, longer = sorted((header.width_px, header.height_px))
    # PNG gains nothing by it, and a narrow one makes the decoder fail.
    reduced = _REDUCED if data.startswith(b"\xff\xd8") and shorter >= _REDUCED[0][0] else ()
    mode = next((mode for factor, mode in reduced if longer >= factor * WORKING_SIDE_PX), cv2.IMREAD_COLOR)
    with _decoder_messages() as messages:
        try:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
        except cv2.error:
            decoded = None
    if decoded is None:
        raise PhotographError("can't be decoded", hint="save it again as JPEG")
    if "remature end" in messages[0]:
        raise PhotographError("damaged JPEG", hint="copy it again")
    picture: Picture = decoded.astype(np.uint8, copy=False)
    longer = max(picture.shape[:2])
    if longer > WORKING_SIDE_PX:
        height, width = (max(1, round(side * WORKING_SIDE_PX / longer)) for side in picture.shape[:2])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        picture = small.astype(np.uint8, copy=False)
    return picture


@contextlib.contextmanager
def _decoder_messages() -> Iterator[list[str]]:
    """Collect what the C decoders write straight to stderr: a bad photograph is one line of ours, not two of theirs.

    The descriptor belongs to the whole process: no other thread may write to stderr meanwhile (enrolment has one).
    """
    messages = [""]
    saved = os.dup(2)
    sink = os.memfd_create("decoder")
    os.dup2(sink, 2)
    try:
        yield messages
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        messages[0] = os.pread(sink, 4096, 0).decode("utf-8", "replace")
        os.close(sink)
