"""Runs the audit: turns pictures into faces, faces into seats and rows, and estimates their accuracy."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.app.audit.advice import advise
from edge_daemon.app.audit.audit_captures import AuditCaptures, take
from edge_daemon.app.audit.face_light import face_light
from edge_daemon.app.audit.findings import Advice, AuditFindings
from edge_daemon.app.audit.front_direction import FrontDirection, find_front
from edge_daemon.app.audit.optics import FIELD_OF_VIEW_DEG, Optics
from edge_daemon.app.audit.scene_light import Scene, mean_scene, measure_scene
from edge_daemon.app.audit.seat_finder import SeatObservation, find_seats
from edge_daemon.app.audit.seat_rows import SeatRow, rate_seats
from edge_daemon.app.opening.models_and_gallery import load_models
from edge_daemon.config import Config
from edge_daemon.types import Box, Face, Picture
from edge_daemon.vision.face_reader import hits, rectangle
from edge_daemon.vision.pipeline import Detector

PICTURES = 5
_FEW = 2
"""Least number of upright heads that show that a picture is upright."""
_TURNS = {180: cv2.ROTATE_180, 90: cv2.ROTATE_90_CLOCKWISE, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_STANDING_DEG = 30.0
"""A head counts as upright if the line through its eyes leans by less than this.

A picture on its side may show as many faces as the upright one, but most of them lean by 30 to 60 degrees.
"""
_MORE = 1.3
"""A rotation is chosen if it shows this many times as many upright heads as the picture itself.

In 24 pictures of 9 rooms, a picture turned upside down showed at most .53 of the heads (10 of 19). A picture turned on
its side showed at most .4. Every picture is tried in all rotations, so that small differences between releases of
OpenCV change nothing.
"""
_SUSPECT_SCORE = 0.25
"""Detections with at least this score are blanked, even if the verifier rejects them. A picture has hundreds of weaker
detections."""


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """The picture to draw on: the one with the most faces."""

    picture: Picture
    index: int
    """Index among the examined pictures, from 0."""
    suspected: tuple[Box, ...]
    """Everything that might be a face, accepted or not; all of it is blanked."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit."""

    pictures: int
    unreadable: tuple[str, ...]
    """One line for each picture that could not be read."""
    optics: Optics
    scene: Scene
    rows: tuple[SeatRow, ...]
    """All rows, the furthest first."""
    front: FrontDirection
    lens_position: float | None
    """The focus that the camera found, in dioptres; None for files and for a lens without a motor."""
    turned_by_deg: int
    """Rotation of the camera; 0 if it is upright. With a rotated camera no other finding is reliable."""
    from_camera: bool
    """True if the pictures come from the camera of the settings."""
    advice: tuple[Advice, ...]
    shown: AnnotatedPicture

    @property
    def usable(self) -> bool:
        """Whether the findings can be used: at least one seat is occupied, and the camera is upright."""
        return bool(self.rows) and not self.turned_by_deg

    @property
    def seats(self) -> int:
        """Number of seats in which a face was found."""
        return sum(len(row.seats) for row in self.rows)


def audit(
    config: Config,
    frames: Path | None,
    *,
    count: int = PICTURES,
    field_of_view_deg: float | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Audit:
    """Look at the room. This needs neither gallery nor key, recognises nobody and keeps no picture.

    Args:
        config: the settings.
        frames: folder or video instead of the camera of the settings.
        count: number of pictures to look at.
        field_of_view_deg: horizontal angle of the lens; None for the value in the settings.
        progress: called with (pictures done, pictures in all).

    Raises:
        EdgeError: the models or the source can't be used, or there is no picture.
    """
    taking = AuditCaptures()
    source = take(config.camera, frames, count, taking)
    detector = Detector(load_models(config), threads=config.vision.threads or os.cpu_count() or 1, embed=False)
    looks: list[SeatObservation] = []
    scenes: list[Scene] = []
    best, most = None, -1
    for index, frame in enumerate(source):
        progress(index, count)
        picture = frame.picture
        if best is not None and picture.shape != best.picture.shape:
            taking.unreadable.append(f"{frame.name} has another size than the pictures before it")
            continue
        found, suspected = _faces(detector, picture)
        looks += [SeatObservation(index, face, face_light(picture, face.box)) for face in found]
        scenes.append(measure_scene(picture))
        if len(found) > most:
            best, most = AnnotatedPicture(picture, index, suspected), len(found)
    progress(count, count)
    assert best is not None  # `take` raises an error if there is no picture
    height, width = best.picture.shape[:2]
    known_deg = field_of_view_deg or config.camera.field_of_view_deg
    optics = Optics(width, height, known_deg or FIELD_OF_VIEW_DEG)
    rays = optics if config.camera.field_of_view_deg else None
    return _concluded(detector, looks, scenes, best, taking, optics, rays)


def _concluded(
    detector: Detector,
    looks: list[SeatObservation],
    scenes: list[Scene],
    shown: AnnotatedPicture,
    taking: AuditCaptures,
    optics: Optics,
    rays: Optics | None,
) -> Audit:
    seats = find_seats(looks)
    rows, front, scene = rate_seats(seats, optics), find_front(seats, rays), mean_scene(scenes)
    upright = _standing([look.face for look in looks if look.picture == shown.index])
    turned_by_deg, turned_faces = _turned(detector, shown.picture, upright)
    findings = AuditFindings(optics, rows, scene, front, turned_by_deg, turned_faces)
    return Audit(
        pictures=len(scenes),
        unreadable=tuple(taking.unreadable),
        optics=optics,
        scene=scene,
        rows=rows,
        front=front,
        lens_position=taking.lens_position,
        turned_by_deg=turned_by_deg,
        from_camera=taking.from_camera,
        advice=advise(findings),
        shown=shown,
    )


def _faces(detector: Detector, picture: Picture) -> tuple[list[Face], tuple[Box, ...]]:
    """Return the faces, and all regions that the detector first took for a face."""
    found = hits(detector.sweep(picture))
    faces = detector.read(picture, found)
    suspected = [hit for hit in found if hit.score >= _SUSPECT_SCORE]
    return faces, tuple([rectangle(hit.box) for hit in suspected] + [face.box for face in faces])


def _turned(detector: Detector, picture: Picture, upright: int) -> tuple[int, int]:
    """Return the rotation that shows far more upright heads than the picture itself, and the number of these heads.

    The result is (0, 0) if there is no such rotation. `upright` is the number of upright heads in the picture itself.
    """

    def heads(turn_deg: int) -> int:
        return _standing(_faces(detector, np.asarray(cv2.rotate(picture, _TURNS[turn_deg]), np.uint8))[0])

    found = {deg: heads(deg) for deg in _TURNS}
    deg = max(found, key=lambda d: found[d])
    return (deg, found[deg]) if found[deg] >= max(_FEW, upright + 1, _MORE * upright) else (0, 0)


def _standing(faces: Sequence[Face]) -> int:
    """Return how many heads are upright."""
    return int((np.abs(_leans_deg(faces)) < _STANDING_DEG).sum())


def _leans_deg(faces: Sequence[Face]) -> NDArray[np.float64]:
    """Return how much each head leans to one side, measured at its eyes."""
    eyes = np.array([face.keypoints[1] - face.keypoints[0] for face in faces], np.float64).reshape(-1, 2)
    return np.asarray(np.degrees(np.arctan2(eyes[:, 1], eyes[:, 0])))
