"""Turns a picture into candidates: finds faces (vision) and compares them with students (gallery)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import numpy as np

from edge_daemon.app.opening.models_and_gallery import embedder_id
from edge_daemon.attendance.attention import faces_front, looks_at_eyes, ray_deg
from edge_daemon.config import Config
from edge_daemon.gallery.door_faces import DoorFaces, with_face
from edge_daemon.gallery.match import Matcher
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.traits import OF_EVERY_FACE, Traits
from edge_daemon.types import Candidate, Face, Picture
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.pipeline import Detector, RoomDetector

ANY_WAY_DEG = 180.0
"""The value of `attention.max_yaw_deg` with which every present student counts, wherever the head is turned."""


def wanted_traits(config: Config) -> tuple[str, ...]:
    """Return the optional traits to measure on each face, by the field names of `Traits`.

    Each trait has a section [name] in the settings, except those of `OF_EVERY_FACE`. With `attention.max_yaw_deg = 180`
    presence alone counts, and eyes are not measured.
    """
    left_out = {*OF_EVERY_FACE} | ({"eyes"} if config.attention.max_yaw_deg >= ANY_WAY_DEG else set())
    optional = (trait.name for trait in fields(Traits) if trait.name not in left_out)
    return tuple(name for name in optional if getattr(config, name).enabled)


class Comparer:
    """Finds the faces of one room's pictures and compares each with every enrolled student.

    Args:
        config: the settings.
        gallery: students and templates.
        models: verified model files.
        captures: number of slots of the lesson; eyes are measured at some of them.
        takes_pictures: False if only the students are needed; then no network is loaded.
        door: the folder of faces seen at the door, and the time from which they count. None if no faces are kept there.
    """

    def __init__(
        self,
        config: Config,
        gallery: GalleryStore,
        models: ModelSet,
        *,
        captures: int,
        takes_pictures: bool = True,
        door: tuple[Path, datetime] | None = None,
    ) -> None:
        self._captures = captures
        self._attention, self._field_of_view_deg = config.attention, config.camera.field_of_view_deg
        templates = gallery.templates(embedder_id(models))
        self._matcher = Matcher(templates)
        self._door = (DoorFaces(gallery, embedder_id(models), door[0]), door[1]) if door else None
        self._templates = templates if door else []
        threads = config.vision.threads or os.cpu_count() or 1
        self._detect: RoomDetector | None = None
        if takes_pictures:
            self._detect = RoomDetector(Detector(models, threads=threads, traits=wanted_traits(config)))

    @property
    def student_ids(self) -> Sequence[str]:
        """The students with a template, in the order of a candidate's similarities."""
        return self._matcher.student_ids

    @property
    def photographs(self) -> Mapping[str, int]:
        """The number of enrolment photographs of each student with a template, by id."""
        return self._matcher.photographs

    @property
    def thumbnail(self) -> Picture | None:
        """The last picture at an eighth of its size; None before the first."""
        return self._detect.thumbnail if self._detect else None

    def candidates(self, slot: int, picture: Picture) -> list[Candidate]:
        """Find the faces of a picture (height, width, 3), compare each with all students, and return them."""
        assert self._detect is not None  # a past lesson takes no picture
        faces = self._detect(picture, without=() if looks_at_eyes(slot, self._captures) else ("eyes",))
        if not faces:
            return []
        self._add_door_faces()
        widths = np.array([face.quality.width_px for face in faces], dtype=np.float32)
        compared = self._matcher.compared(np.stack([face.embedding for face in faces]), widths)
        width_px = picture.shape[1]
        return [
            self._candidate(slot, face, row, gains, width_px) for face, row, gains in zip(faces, *compared, strict=True)
        ]

    def erase_door_faces(self, before: datetime) -> None:
        """Erase the faces seen at the door before a time, because the lesson that needed them has its register."""
        if self._door is not None:
            self._door[0].erase(before)

    def _add_door_faces(self) -> None:
        """Add the faces that were seen at the door since the last capture."""
        if self._door is None or not self._door[0].have_changed():
            return
        faces, begin = self._door
        found = [(one, faces.of(one.student_id, begin)) for one in self._templates]
        self._matcher = Matcher([with_face(one, face) if face else one for one, face in found])

    def _candidate(
        self, slot: int, face: Face, similarities: np.ndarray, cover_gains: np.ndarray, picture_width_px: int
    ) -> Candidate:
        middle_px = face.box.x + face.box.w / 2
        ray = ray_deg(middle_px, picture_width_px, self._field_of_view_deg)
        front_yaw_deg = self._attention.front_yaw_deg + ray
        return Candidate(
            slot=slot,
            box=face.box,
            score=face.score,
            quality=face.quality,
            attentive=faces_front(face.pose, front_yaw_deg, self._attention.max_yaw_deg),
            similarities=similarities,
            embedding=face.embedding,
            traits=face.traits,
            cover_gains=cover_gains,
        )
