"""Where the steps are wired together: pictures to faces, faces to candidates, candidates to a register.

No other module of the program knows two steps (docs/ARCHITECTURE.md).
"""

from __future__ import annotations

import csv
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import sqlite_utils

from edge_daemon.attendance import packing
from edge_daemon.attendance.attention import faces_front
from edge_daemon.attendance.document import Document, to_json
from edge_daemon.attendance.evidence.believe import believe
from edge_daemon.attendance.rule import Circumstances, Rule, judge, share_of
from edge_daemon.attendance.tally import guests, tally, unknown_faces
from edge_daemon.camera.files import open_files
from edge_daemon.config import Config
from edge_daemon.device.secrets import device_key
from edge_daemon.errors import CameraError, GalleryError, StoreError
from edge_daemon.gallery.match import Matcher
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.home import Home
from edge_daemon.lesson.ids import rehearsal_lesson_id
from edge_daemon.lesson.plan import SLOT_S, make_plan
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons
from edge_daemon.store.database import check_writable, open_gallery, open_register
from edge_daemon.types import (
    Candidate,
    CapturePlan,
    ClockState,
    Face,
    Frame,
    Lesson,
    MissedCapture,
    Register,
    Sighting,
    Student,
)
from edge_daemon.vision.mobilefacenet import PREPROCESSING_VERSION
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector, RoomDetector

logger = logging.getLogger(__name__)

REHEARSED_S = 2700.0
"""A rehearsal's pictures stand for a lesson of 45 minutes that has just ended."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A lesson from pictures."""

    register: Register
    names: Mapping[str, str]
    seconds_per_capture: float
    """Mean over the captures, decoding left out."""

    def json(self) -> dict[str, object]:
        """Return what `rehearse --json` prints; an outside interface."""
        register = self.register
        return {
            "lesson_id": register.lesson.lesson_id,
            "captures_planned": register.captures_planned,
            "captures_taken": register.captures_taken,
            "students": [
                {
                    "student_id": v.tally.student_id,
                    "frames_seen": v.tally.frames_seen,
                    "frames_attentive": v.tally.frames_attentive,
                    "share": round(v.share, 6),
                    "verdict": v.verdict,
                    "flags": list(v.flags),
                }
                for v in register.verdicts
            ],
            "unknown_faces": register.unknown_faces,
            "seconds_per_capture": round(self.seconds_per_capture, 4),
        }


def load_models(config: Config) -> ModelSet:
    """Return the verified models that the settings name."""
    folder = Path(config.models.dir) if config.models.dir else default_models_dir()
    return ModelSet.load(folder).with_embedder(config.models.embedder)


def embedder_id(models: ModelSet) -> EmbedderId:
    """Return what binds templates to the embedder in use."""
    return EmbedderId(models.embedder().sha256, PREPROCESSING_VERSION)


def open_gallery_store(home: Home) -> GalleryStore:
    """Open the gallery with the device's key; raises an EdgeError that says what is missing."""
    key = device_key(home.key_path if home.home_mode else None)
    return GalleryStore(open_gallery(home.gallery_db_path, create=False), key)


class LessonRun:
    """One lesson from its first capture to its register; may be taken up again after a restart.

    Args:
        config: settings.
        register_db: register.sqlite.
        gallery: students and templates.
        models: verified model files.
        lesson: which lesson.
        plan: its captures.
        captures_planned: number of slots.
        clock: how far the time can be trusted.
    """

    def __init__(
        self,
        config: Config,
        register_db: sqlite_utils.Database,
        gallery: GalleryStore,
        models: ModelSet,
        lesson: Lesson,
        plan: CapturePlan,
        captures_planned: int,
        clock: ClockState,
    ) -> None:
        self._config, self._db, self._gallery, self._models = config, register_db, gallery, models
        self._lesson, self._plan, self._planned, self._clock = lesson, plan, captures_planned, clock
        self._matcher = Matcher(gallery.templates(embedder_id(models)))
        threads = config.vision.threads or os.cpu_count() or 1
        self._detect = RoomDetector(Detector(models, threads=threads))
        self._candidates = {
            slot: packing.unpack(slot, gallery.open_candidates(lesson.lesson_id, slot, sealed))
            for slot, sealed in candidate_rows.candidates(gallery.db, lesson.lesson_id).items()
        }
        lessons.start_lesson(register_db, lesson, plan, clock, captures_planned)

    def take(self, frame: Frame) -> None:
        """Work on one capture and commit it."""
        found = self._compare(frame.slot, self._detect(frame.picture))
        sealed = self._gallery.seal_candidates(self._lesson.lesson_id, frame.slot, packing.pack(found))
        candidate_rows.put_candidates(self._gallery.db, self._lesson.lesson_id, frame.slot, sealed)
        lessons.add_capture(self._db, self._lesson.lesson_id, lessons.Capture(frame.slot, frame.name, frame.taken_at))
        self._candidates[frame.slot] = found

    def miss(self, missed: MissedCapture) -> None:
        """Record that a slot has no picture, and why."""
        lessons.add_missed(self._db, self._lesson.lesson_id, missed)
        logger.warning(
            "capture missed",
            extra={"lesson_id": self._lesson.lesson_id, "slot": missed.slot, "reason": missed.reason},
        )

    def finalise(self) -> tuple[Register, list[Sighting]]:
        """Decide who was there, write the register, erase the candidates."""
        everything = [c for slot in sorted(self._candidates) for c in self._candidates[slot]]
        look_alikes = self._gallery.look_alikes()
        sightings = believe(everything, self._matcher.student_ids, look_alikes)
        register = self._judge(sightings, look_alikes)
        lessons.finalise(
            self._db,
            self._lesson.lesson_id,
            sightings,
            lambda previous: to_json(Document(register, previous, None)),
            datetime.now(timezone.utc),
        )
        candidate_rows.erase_candidates(self._gallery.db, self._lesson.lesson_id)
        logger.info(
            "lesson finalised",
            extra={"lesson_id": self._lesson.lesson_id, "captures_taken": register.captures_taken},
        )
        return register, sightings

    def abandon(self) -> None:
        """Forget a lesson that shall not have a register."""
        lessons.discard_lesson(self._db, self._lesson.lesson_id)
        candidate_rows.erase_candidates(self._gallery.db, self._lesson.lesson_id)

    def _compare(self, slot: int, faces: list[Face]) -> list[Candidate]:
        if not faces:
            return []
        widths = np.array([face.quality.width_px for face in faces], dtype=np.float32)
        similarities = self._matcher.similarities(np.stack([face.embedding for face in faces]), widths)
        attention = self._config.attention
        return [
            Candidate(
                slot=slot,
                box=face.box,
                score=face.score,
                quality=face.quality,
                attentive=faces_front(face.pose, attention.front_yaw_deg, attention.max_yaw_deg),
                eyes_open=face.eyes_open,
                similarities=row,
                embedding=face.embedding,
            )
            for face, row in zip(faces, similarities, strict=True)
        ]

    def _judge(self, sightings: list[Sighting], look_alikes: Iterable[tuple[str, str]]) -> Register:
        captures = lessons.captures(self._db, self._lesson.lesson_id)
        taken_at = {capture.slot: capture.taken_at for capture in captures}
        ids = sorted(s.student_id for s in self._gallery.students() if _belongs(s, self._lesson.course))
        circumstances = Circumstances(
            start=self._lesson.start,
            end=self._lesson.end,
            taken_at=tuple(sorted(taken_at.values())),
            captures_planned=self._planned,
            time_trusted=self._clock != "unsynchronised",
        )
        verdicts = judge(
            tally(ids, sightings, taken_at),
            Rule(share_of(self._config.rule.share)),
            circumstances,
            not_assessed=set(ids) - set(self._matcher.student_ids),
            look_alikes=look_alikes,
        )
        return Register(
            lesson=self._lesson,
            revision=1,
            clock=self._clock,
            plan=self._plan,
            captures_planned=self._planned,
            captures_taken=len(captures),
            missed=tuple(lessons.missed_captures(self._db, self._lesson.lesson_id)),
            verdicts=verdicts,
            guests=guests(ids, sightings),
            unknown_faces=unknown_faces(sightings),
            models={role: card.sha256 for card in self._models.cards for role in card.roles},
            corrections=(),
        )


def _belongs(student: Student, course: str) -> bool:
    return not course or not student.courses or course in student.courses


def rehearse(home: Home, frames: Path, *, sightings: Path | None, progress: Callable[[int, int], None]) -> Rehearsal:
    """Take the register of one lesson from pictures or a video, now.

    Args:
        home: where settings and databases are.
        frames: folder or video; each picture is a capture.
        sightings: CSV to write, if wanted.
        progress: told (captures done, captures in all).

    Raises:
        EdgeError: nothing was changed, or the lesson was taken back.
    """
    config = home.config
    camera = open_files(frames)
    models = load_models(config)
    gallery = open_gallery_store(home)
    students = gallery.students()
    if not students:
        raise GalleryError("nobody is enrolled", str(home.gallery_db_path), "run `edge-daemon enrol import` first")
    lesson, plan = _rehearsed_lesson(config.device.name, camera.digest(), camera.count)
    register_db = open_register(home.register_db_path)
    check_writable(gallery.db)
    check_writable(register_db)
    run = LessonRun(config, register_db, gallery, models, lesson, plan, camera.count, "synchronised")
    busy_s, taken = 0.0, []
    try:
        with camera:
            for slot in range(camera.count):
                progress(slot, camera.count)
                try:
                    frame = camera.capture(slot)
                except CameraError as error:
                    run.miss(MissedCapture(slot, error.what))
                    continue
                begun = time.perf_counter()
                run.take(Frame(slot, frame.name, frame.picture, lesson.start + timedelta(seconds=plan.offsets_s[slot])))
                busy_s += time.perf_counter() - begun
                taken.append((slot, frame.name))
        if not taken:
            raise CameraError("no picture could be read", str(frames), "check the files")
        begun = time.perf_counter()
        register, believed = run.finalise()
        busy_s += time.perf_counter() - begun
    except BaseException:
        run.abandon()
        raise
    progress(camera.count, camera.count)
    if sightings is not None:
        write_sightings(sightings, believed, dict(taken))
    return Rehearsal(register, {s.student_id: s.name for s in students}, busy_s / len(taken))


def _rehearsed_lesson(device: str, digest: str, captures: int) -> tuple[Lesson, CapturePlan]:
    now = datetime.now(timezone.utc)
    lesson_id = rehearsal_lesson_id(device, digest, now)
    duration_s = max(REHEARSED_S, captures * SLOT_S)
    start = now - timedelta(seconds=duration_s)
    return Lesson(lesson_id, device, "", start, now, "rehearsal"), make_plan(lesson_id, duration_s, captures)


def write_sightings(path: Path, sightings: Iterable[Sighting], frame_names: Mapping[int, str]) -> None:
    """Write every face that was believed in as CSV; an outside interface.

    Raises:
        StoreError: the file can't be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as handle:
            rows = csv.writer(handle)
            rows.writerow(["frame", "student_id", "similarity", "x", "y", "w", "h", "attentive"])
            for s in sightings:
                box = [f"{v:.1f}" for v in (s.box.x, s.box.y, s.box.w, s.box.h)]
                rows.writerow([frame_names[s.slot], s.student_id, f"{s.similarity:.4f}", *box, int(s.attentive)])
        part.replace(path)
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path), "choose another file") from error
