"""Finds faces in pictures or a video, and their expressions. It makes no embedding and recognises nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_daemon.camera.files import FolderCamera, VideoCamera, open_files, read_picture
from edge_daemon.errors import CameraError, LabError
from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX
from edge_daemon.lab.expression_model import CROP_SCALE, ExpressionModel, Probabilities, as_grey
from edge_daemon.types import Box, Picture
from edge_daemon.vision import nms
from edge_daemon.vision.analysers.aligned_face import CropShape, aligned_face
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector

FACE_ITSELF_PX = 96
"""A picture whose longer side is at most this long counts as a cropped face, like the pictures of FER2013."""
_SHAPE = CropShape(SIDE_PX, CROP_SCALE)
_SAME_IOU = 0.3
_LOST_FRAMES = 5
"""A track ends after this many frames without its face."""


@dataclass(frozen=True, slots=True)
class ExpressionFace:
    """One face of one picture."""

    picture: str
    """File name, or the number of a frame, from 1 on."""
    box: Box
    track: int
    """Number of the track in a video, from 1 on; 0 in a folder, where pictures do not follow each other."""
    probabilities: Probabilities


@dataclass(frozen=True, slots=True)
class FacesOfPicture:
    """A picture with its faces."""

    name: str
    picture: Picture
    faces: tuple[ExpressionFace, ...]


@dataclass(slots=True)
class _Track:
    number: int
    box: Box
    seen: int


@dataclass(slots=True)
class Tracker:
    """Numbers the tracks of faces in a video: a face joins the recent track whose box overlaps its own box most."""

    frame: int = 0
    _tracks: list[_Track] = field(default_factory=list)
    _next: int = 1

    def numbers(self, boxes: list[Box]) -> list[int]:
        """Return the number of the track for each face of the next frame."""
        self.frame += 1
        self._tracks = [track for track in self._tracks if self.frame - track.seen <= _LOST_FRAMES]
        free = list(self._tracks)
        found = []
        for box in boxes:
            best = max(free, key=lambda track: _iou(track.box, box), default=None)
            if best is None or _iou(best.box, box) < _SAME_IOU:
                best = _Track(self._next, box, self.frame)
                self._next += 1
                self._tracks.append(best)
            else:
                free.remove(best)
                best.box, best.seen = box, self.frame
            found.append(best.number)
        return found


class ExpressionReader:
    """Finds faces and runs a trained network on each.

    Args:
        model: the trained network.
        threads: number of tiles and faces to process at the same time.
    """

    def __init__(self, model: ExpressionModel, threads: int = 1) -> None:
        self._model = model
        self._detect = Detector(ModelSet.load(default_models_dir()), threads=threads, embed=False)

    def read(self, picture: Picture) -> list[tuple[Box, Probabilities]]:
        """Return the faces of a picture (H, W, 3) in BGR, each with its probabilities by head."""
        height, width = picture.shape[:2]
        if max(height, width) <= FACE_ITSELF_PX:
            return [(Box(0, 0, width, height), self._model(as_grey(picture)))]
        found = []
        for face in self._detect(picture):
            aligned = aligned_face(picture, face.box, face.keypoints, _SHAPE)
            found.append((face.box, self._model(as_grey(aligned.crop))))
        return found


def read_input(
    source: Path, reader: ExpressionReader, frames: int, progress: Callable[[int, int], None]
) -> Iterator[FacesOfPicture]:
    """Yield every picture of a file, a folder or a video, with its faces.

    Args:
        source: a JPEG or PNG picture, a folder of them, or a video.
        reader: finds and classifies faces.
        frames: number of frames of a video, spread evenly.
        progress: called with (pictures done, pictures in all).

    Raises:
        LabError: there is no such input, or none of its pictures can be read.
    """
    some = False
    tracker: Tracker | None = None
    try:
        if source.is_file() and source.suffix.lower() in (".jpg", ".jpeg", ".png"):
            yield _read(source.name, read_picture(source), reader, None)
            return
        camera = open_files(source)
        if isinstance(camera, VideoCamera):
            chosen = np.linspace(0, camera.readable - 1, min(frames, camera.readable))
            camera.choose(sorted({round(float(frame)) for frame in chosen}))
            tracker = Tracker()
        with camera:
            for slot in range(camera.count):
                progress(slot, camera.count)
                if (found := _one(camera, slot, reader, tracker)) is not None:
                    some = True
                    yield found
        progress(camera.count, camera.count)
    except CameraError as error:
        raise LabError(error.what, error.where, error.hint) from error
    if not some:
        raise LabError("has no picture that can be read", str(source), "check the files")


def _one(
    camera: FolderCamera | VideoCamera, slot: int, reader: ExpressionReader, tracker: Tracker | None
) -> FacesOfPicture | None:
    """Return one picture with its faces; None if it can't be read."""
    try:
        frame = camera.capture(slot)
    except CameraError:
        return None
    return _read(frame.name, frame.picture, reader, tracker)


def _read(name: str, picture: Picture, reader: ExpressionReader, tracker: Tracker | None) -> FacesOfPicture:
    found = reader.read(picture)
    numbers = [0] * len(found) if tracker is None else tracker.numbers([box for box, _ in found])
    faces = tuple(
        ExpressionFace(name, box, number, probabilities)
        for (box, probabilities), number in zip(found, numbers, strict=True)
    )
    return FacesOfPicture(name, picture, faces)


def over_tracks(faces: Iterable[ExpressionFace]) -> dict[int, Probabilities]:
    """Return the mean probabilities (heads, classes) of each track of a video, ordered by its number."""
    by_track: dict[int, list[Probabilities]] = {}
    for face in faces:
        if face.track:
            by_track.setdefault(face.track, []).append(face.probabilities)
    return {track: np.asarray(np.mean(found, axis=0), np.float32) for track, found in sorted(by_track.items())}


def word(probabilities: Probabilities, head: str = "cnn_bilstm") -> tuple[str, float]:
    """Return the most probable label according to one head, and its probability."""
    row = probabilities[HEADS.index(head)]
    best = int(row.argmax())
    return CLASSES[best], float(row[best])


def _iou(a: Box, b: Box) -> float:
    one, other = (np.array([box.x, box.y, box.x + box.w, box.y + box.h], np.float32) for box in (a, b))
    return float(nms.overlaps(one, other[None])[0][0])
