"""Replay: a folder of pictures, or a video, in place of a camera. Each picture or frame is one capture.

`rehearse` uses each picture once (`open_files`). Under the service a replay replaces a real camera. If a lesson has
more captures than there are pictures, the replay begins again at the first one (`ReplayCamera`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from edge_daemon.errors import CameraError, ImageFileError
from edge_daemon.image_header import read_header
from edge_daemon.types import Frame, Picture

PICTURE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png"))

_HAS_DESTINATION = tuple(int(n) for n in cv2.__version__.split(".")[:2]) >= (4, 11)
"""Whether this OpenCV's `imread` decodes into an array of NumPy."""

_MOST_BYTES = 256 * 2**20
_MOST_PIXELS = 100_000_000
"""Largest number of pixels of a picture; each takes three bytes in memory."""

When = Callable[[int], datetime]
"""Maps a slot to the time of its picture."""


def open_files(source: Path, when: When | None = None) -> FolderCamera | VideoCamera:
    """Return the camera for a folder of pictures or for a video.

    Args:
        source: the folder, or the video file.
        when: returns the time of a slot's picture; if None, the time at which it is read.

    Raises:
        CameraError: the path does not exist, the folder has no pictures, or the file is not a video.
    """
    when = when or (lambda _: datetime.now(timezone.utc))
    if source.is_dir():
        return FolderCamera(source, when)
    if source.is_file():
        return VideoCamera(source, when)
    raise CameraError("no such folder or video", str(source), "name a folder of JPEG or PNG pictures, or a video")


class ReplayCamera:
    """An endless camera that reads a folder or a video. After the last picture the first one follows."""

    lens_position: float | None = None

    def __init__(self, source: Path) -> None:
        self._camera = open_files(source)
        if isinstance(self._camera, VideoCamera):
            self._camera.choose(range(self._camera.readable))

    def __enter__(self) -> ReplayCamera:
        self._camera.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._camera.__exit__(kind, error, trace)

    def prepare(self) -> None:
        """Do nothing: a replay needs no warm-up."""

    def capture(self, slot: int) -> Frame:
        """Read the picture for a slot; raises CameraError."""
        return replace(self._camera.capture(slot % self._camera.count), slot=slot)


class FolderCamera:
    """The pictures of a folder, in the order of their names; numbers in names are sorted by value."""

    lens_position: float | None = None

    def __init__(self, folder: Path, when: When) -> None:
        try:
            # File managers leave files such as ._IMG_1.jpg, whose names begin with a dot.
            found = [p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file()]
        except OSError as e:
            raise CameraError(f"can't be read: {e.strerror}", str(folder)) from e
        self._paths = sorted((p for p in found if p.suffix.lower() in PICTURE_SUFFIXES), key=_natural)
        self._when = when
        if not self._paths:
            raise CameraError("has no pictures", str(folder), "put JPEG or PNG files there")

    @property
    def count(self) -> int:
        """Number of captures."""
        return len(self._paths)

    def digest(self) -> str:
        """Return the SHA-256 over the names and contents of all pictures, in hex."""
        total = hashlib.sha256()
        for path in self._paths:
            total.update(path.name.encode("utf-8", "surrogateescape") + b"\0" + _digest(path))
        return total.hexdigest()

    def __enter__(self) -> FolderCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def prepare(self) -> None:
        """Do nothing: a replay needs no warm-up."""

    def capture(self, slot: int) -> Frame:
        """Read the picture of a slot; raises CameraError if it can't be read. Other slots are not affected."""
        path = self._paths[slot]
        return Frame(slot, _as_text(path.name), read_picture(path), self._when(slot))


class VideoCamera:
    """All frames of a video in order, or those given to `choose`. A frame's name is its 1-based index."""

    lens_position: float | None = None

    def __init__(self, path: Path, when: When) -> None:
        self._path, self._when = path, when
        self._video = self._open()
        # Containers often give a wrong number of frames, or none: only counting is reliable.
        promised = self._video.get(cv2.CAP_PROP_FRAME_COUNT)
        self.readable = 0
        """Number of frames up to the last one that can be read."""
        while self._video.grab():
            self.readable += 1
        self._video.release()
        if not self.readable:
            raise CameraError("is not a video that can be read", str(path), "name a video, or a folder of pictures")
        self.frames = int(promised) if _breaks_off(self.readable, promised) else self.readable
        """Number of frames that the complete video had. If the file is truncated, its last frames can't be read."""
        self._chosen: Sequence[int] = range(self.frames)
        self._next = 0

    @property
    def count(self) -> int:
        """Number of captures."""
        return len(self._chosen)

    def choose(self, frames: Sequence[int]) -> None:
        """Use only the frames with these 0-based indices, in ascending order, as captures."""
        self._chosen = tuple(frames)

    def digest(self) -> str:
        """Return the SHA-256 of the file, in hex."""
        return _digest(self._path).hex()

    def __enter__(self) -> VideoCamera:
        self._video, self._next = self._open(), 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._video.release()

    def prepare(self) -> None:
        """Do nothing: a replay needs no warm-up."""

    def capture(self, slot: int) -> Frame:
        """Read the frame of a slot; raises CameraError. For an earlier frame the video is opened again."""
        frame = self._chosen[slot]
        if frame >= self.readable:
            raise CameraError(f"the video breaks off after frame {self.readable}", self._place(frame))
        if frame < self._next:
            self._video.release()
            self._video, self._next = self._open(), 0
        while self._next <= frame:
            self._next += 1
            if not self._video.grab():
                raise CameraError("the video ends before this frame", self._place(frame))
        decoded, picture = self._video.retrieve()
        if not decoded:
            raise CameraError("can't be decoded", self._place(frame))
        return Frame(slot, str(frame + 1), _bgr(picture), self._when(slot))

    def _place(self, frame: int) -> str:
        return f"{self._path}, frame {frame + 1}"

    def _open(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(str(self._path))


_MOST_FRAMES = 10_000_000
"""Largest number of frames in a video: 46 hours at 60 frames a second. A container that claims more is damaged."""


def _breaks_off(readable: int, promised: float) -> bool:
    """Return whether far fewer frames can be read than the container states, so that the file is truncated.

    A small difference is no fault, because some containers only estimate the number.
    """
    return readable + max(2.0, 0.02 * promised) < promised <= _MOST_FRAMES


def read_picture(path: Path) -> Picture:
    """Return the picture of a file, upright by its EXIF orientation; raises CameraError if it can't be read."""
    try:
        before = _stamp(path)
        if before[-1] > _MOST_BYTES:
            raise CameraError(f"is larger than {_MOST_BYTES >> 20} MiB", path.name)
        data = path.read_bytes()
    except OSError as e:
        raise CameraError(f"can't be read: {e.strerror}", path.name) from e
    try:
        # OpenCV returns a truncated JPEG with the rest in grey, and asks for gigabytes if a header says so.
        header = read_header(data)
        if header.width_px * header.height_px > _MOST_PIXELS:
            raise CameraError(f"is larger than {_MOST_PIXELS // 10**6} megapixels", path.name)
        picture = _decoded(path, data)
        after = _stamp(path)
    except cv2.error as e:
        raise CameraError("is damaged or too large", path.name) from e
    except ImageFileError as e:
        raise CameraError("is damaged, truncated or not a picture", path.name) from e
    except OSError as e:
        raise CameraError(f"can't be read: {e.strerror}", path.name) from e
    if after != before:  # the decoder reads the file once more, and its header was not checked
        raise CameraError("was replaced while it was read", path.name)
    if picture is None:
        raise CameraError("is damaged, truncated or not a picture", path.name)
    return _bgr(picture)


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return a stamp that changes if a file is replaced or written: inode, time of change in ns, size in bytes."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _decoded(path: Path, data: bytes) -> object:
    """Return the decoded picture; None if it is invalid.

    Newer OpenCV decodes into a NumPy array. `imdecode` makes a second copy, 36 MB more at 12 megapixels.
    """
    if not _HAS_DESTINATION or _as_text(str(path)) != str(path):  # OpenCV 4.11 takes only names in UTF-8
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return cv2.imread(str(path), dst=None, flags=cv2.IMREAD_COLOR)


def _as_text(name: str) -> str:
    """Return a file name as valid Unicode text. A file name is bytes, which need not be UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _bgr(picture: object) -> Picture:
    return np.asarray(picture, np.uint8)


def _digest(path: Path) -> bytes:
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    except OSError:
        # This file becomes a missed capture; only its name enters the digest.
        return b""
    return total.digest()


def _natural(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sort key that puts 9.jpg before 10.jpg."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in parts], path.name
