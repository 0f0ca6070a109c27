"""Finds the enrolment photographs of a student on disk, and reads an untrusted file safely."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_daemon.errors import PhotographError
from edge_daemon.types import Picture

MAX_BYTES = 30 * 2**20
_READ = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif"))
_CLUTTER = frozenset(("thumbs.db", "desktop.ini"))


def photographs_of(photos_dir: Path, student_id: str) -> list[Path]:
    """Return all files in the folder of one student, of any kind, sorted by name; none if there is no folder.

    Raises:
        PhotographError: the id can't be a folder name, or the folder is outside of `photos_dir` or can't be read.
    """
    if student_id in ("", ".", "..") or "/" in student_id or "\0" in student_id:
        raise PhotographError(
            "the id can't be a folder name", student_id, "so no photographs are found for this student"
        )
    try:
        folder = _folder_of(photos_dir, student_id)
        if not folder.resolve().is_relative_to(photos_dir.resolve()):
            raise PhotographError("the folder is a link that leads out of the photographs", str(folder))
        names = sorted(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:  # the name is too long, permission is missing, or it is not a folder
        raise PhotographError(f"the folder can't be read ({error.strerror})", student_id[:200]) from error
    return [folder / name for name in names if not name.startswith(".") and name.lower() not in _CLUTTER]


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph in memory, with the digest of its file."""

    picture: Picture
    sha256: bytes


def spellings(student_id: str) -> list[str]:
    """Return the equivalent forms of an id. A Mac writes the ö of a folder's name as two characters."""
    return [student_id, unicodedata.normalize("NFC", student_id), unicodedata.normalize("NFD", student_id)]


def read_photograph(path: Path, decode: Callable[[bytes], Picture]) -> Photograph:
    """Return a photograph, upright and at a working size, with the digest of its file.

    Args:
        path: an untrusted file.
        decode: decodes the file's bytes, as `DecoderProcess` does.

    Raises:
        PhotographError: the file is unusable; each reason has its own message.
    """
    try:
        data = _read_whole(path)
        return Photograph(decode(data), hashlib.sha256(data).digest())
    except PhotographError as error:
        raise PhotographError(error.what, str(path), error.hint) from error


def _folder_of(photos_dir: Path, student_id: str) -> Path:
    folders = [photos_dir / form for form in spellings(student_id)]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _read_whole(path: Path) -> bytes:
    try:
        if not path.resolve(strict=True).is_relative_to(path.parent.resolve()):
            raise PhotographError("a link that leads out of the folder", hint="put the photograph itself there")
        # O_NONBLOCK, because opening a fifo must not wait for its writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PhotographError("not a file")
            if status.st_size > MAX_BYTES:
                raise PhotographError(f"larger than {MAX_BYTES >> 20} MiB", hint="save it smaller")
            data = file.read(MAX_BYTES)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, Python < 3.13
        raise PhotographError(f"can't be read ({getattr(error, 'strerror', None) or 'loop of links'})") from error
    if path.suffix.lower() not in _READ:
        raise PhotographError("not a JPEG, PNG, WebP or HEIC picture")
    return data
