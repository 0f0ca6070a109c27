"""Finds masks in the pictures of a folder or the frames of a video; makes annotated pictures and a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_daemon.app.masks.mask_finder import MaskFace, MaskFinder, count_faces
from edge_daemon.attendance.export import guarded
from edge_daemon.camera.files import VideoCamera, open_files
from edge_daemon.config import Config
from edge_daemon.errors import CameraError, StoreError
from edge_daemon.traits import MaskCounts
from edge_daemon.types import Picture
from edge_daemon.vision import drawing
from edge_daemon.whole_file import replace_file

FRAMES = 100
"""Default number of frames of a video to look at, spread evenly."""
TABLE = "masks.csv"
_HEADS = ("picture", "x", "y", "w", "h", "none", "right", "wrong", "state")
_COLOURS: dict[str, drawing.Colour] = {
    "none": (0, 94, 213),
    "right": (115, 158, 0),
    "wrong": (0, 159, 230),
    "undecided": (150, 150, 150),
}
"""Colours in BGR, by Okabe and Ito; they are distinguishable with any colour vision."""
_LEAST_LETTER_PX = 9.0


@dataclass(frozen=True, slots=True)
class MaskPicture:
    """The faces in one picture."""

    name: str
    """File name, or the number of a frame, from 1 on."""
    faces: tuple[MaskFace, ...]


@dataclass(frozen=True, slots=True)
class MaskReport:
    """The faces in all pictures."""

    pictures: tuple[MaskPicture, ...]
    unreadable: tuple[str, ...]
    """A line for each picture that could not be read."""

    @property
    def counts(self) -> MaskCounts:
        """Number of faces by state; a person in two pictures counts as two faces."""
        return count_faces(face for picture in self.pictures for face in picture.faces)

    def json(self) -> dict[str, object]:
        """Return the document that `mask --json` prints; other programs read it."""
        return {
            "pictures": [
                {"picture": one.name, "faces": [_face_json(face) for face in one.faces]} for one in self.pictures
            ],
            "faces": asdict(self.counts),
            "unreadable": list(self.unreadable),
        }


def find_masks(
    config: Config, source: Path, output: Path | None, frames: int, progress: Callable[[int, int], None]
) -> MaskReport:
    """Look at every picture of a folder, or at frames of a video.

    Args:
        config: the settings, which name models and threads.
        source: the folder or video.
        output: folder for annotated pictures and a table, made if it is missing; None to write nothing.
        frames: number of frames of a video, spread evenly.
        progress: called with (pictures done, pictures in all).

    Raises:
        EdgeError: the source or a model can't be used, no picture can be read, or the output can't be written.
    """
    camera = open_files(source)
    if output is not None and output.resolve() == source.resolve():
        raise StoreError(
            "is the folder of the pictures", str(output), "name another: what is drawn would be read as a picture"
        )
    if isinstance(camera, VideoCamera):
        chosen = np.linspace(0, camera.readable - 1, min(frames, camera.readable))
        camera.choose(sorted({round(float(frame)) for frame in chosen}))
    if output is not None:
        _make(output)
    finder, found, unreadable = MaskFinder(config), [], []
    with camera:
        for slot in range(camera.count):
            progress(slot, camera.count)
            try:
                frame = camera.capture(slot)
            except CameraError as error:
                unreadable.append(f"{Path(error.where).name} {error.what}")
                continue
            one = MaskPicture(frame.name, finder(frame.picture))
            found.append(one)
            if output is not None:
                _write(output / f"{one.name}-masks.png", _png(annotated(frame.picture, one.faces)))
    progress(camera.count, camera.count)
    if not found:
        raise CameraError(f"no picture could be read ({unreadable[0]})", str(source), "check the files")
    report = MaskReport(tuple(found), tuple(unreadable))
    if output is not None:
        _write(output / TABLE, _table(report))
    return report


def annotated(picture: Picture, faces: tuple[MaskFace, ...]) -> Picture:
    """Return a picture with a box and a word at each face; the original is not changed."""
    drawn = np.array(picture)
    taken = [face.box for face in faces]
    for face in faces:
        colour, high_px = _COLOURS[face.state], max(face.box.w / 7, _LEAST_LETTER_PX)
        drawing.frame(drawn, face.box, colour, max(round(high_px / 6), 1))
        text = drawing.Text((_words(face),), high_px)
        left, top = drawing.free_place(text.size, face.box, taken, drawn)
        drawing.label(drawn, text, left, top, colour)
    return drawn


def _words(face: MaskFace) -> str:
    if face.probabilities is None or face.state == "undecided":
        return face.state
    return f"{face.state} {getattr(face.probabilities, face.state):.2f}"


def _rows(report: MaskReport) -> Iterator[tuple[object, ...]]:
    for picture in report.pictures:
        for face in picture.faces:
            box, measured = face.box, face.probabilities
            numbers = ("", "", "") if measured is None else tuple(f"{p:.4f}" for p in asdict(measured).values())
            yield (
                guarded(picture.name),
                *(f"{side:.1f}" for side in (box.x, box.y, box.w, box.h)),
                *numbers,
                face.state,
            )


def _table(report: MaskReport) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_HEADS, *_rows(report)])
    return text.getvalue().encode("utf-8-sig")


def _face_json(face: MaskFace) -> dict[str, object]:
    measured = face.probabilities
    box = {key: round(side, 1) for key, side in asdict(face.box).items()}
    numbers = {"none": None, "right": None, "wrong": None} if measured is None else asdict(measured)
    rounded = {key: None if p is None else round(p, 4) for key, p in numbers.items()}
    return {**box, **rounded, "state": face.state}


def _png(picture: Picture) -> bytes:
    done, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    if not done:
        raise ValueError("OpenCV can't make a PNG of this")
    return data.tobytes()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError as error:
        raise StoreError("there is no such folder", str(folder.parent), "make it first") from error
    except OSError as error:
        raise StoreError(f"can't be made or used as a folder: {error.strerror}", str(folder)) from error


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read.

    Raises:
        StoreError: the file can't be written.
    """
    try:
        replace_file(path, data, unique=True)
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path)) from error
