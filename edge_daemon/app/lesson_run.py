"""One lesson: pictures to faces, faces to candidates, candidates to a register."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from datetime import datetime, timezone

import numpy as np
import sqlite_utils

from edge_daemon.app.opening import embedder_id
from edge_daemon.attendance import packing
from edge_daemon.attendance.attention import faces_front
from edge_daemon.attendance.document import Document, to_json
from edge_daemon.attendance.evidence.believe import believe
from edge_daemon.attendance.rule import Circumstances, Rule, judge, share_of
from edge_daemon.attendance.tally import guests, tally, unknown_faces
from edge_daemon.config import Config
from edge_daemon.gallery.match import Matcher
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons
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
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.pipeline import Detector, RoomDetector

logger = logging.getLogger(__name__)


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
            slot: self._opened(slot, sealed)
            for slot, sealed in candidate_rows.candidates(gallery.db, lesson.lesson_id).items()
        }
        lessons.start_lesson(register_db, lesson, plan, clock, captures_planned)

    def take(self, frame: Frame) -> None:
        """Work on one capture and commit it."""
        found = self._compare(frame.slot, self._detect(frame.picture))
        sealed = self._gallery.seal_candidates(
            self._lesson.lesson_id, frame.slot, packing.pack(found, self._matcher.student_ids)
        )
        candidate_rows.put_candidates(self._gallery.db, self._lesson.lesson_id, frame.slot, sealed)
        capture = lessons.Capture(frame.slot, frame.name, frame.taken_at)
        lessons.add_capture(self._db, self._lesson.lesson_id, capture)
        self._candidates[frame.slot] = found

    def miss(self, missed: MissedCapture) -> None:
        """Record that a slot has no picture, and why."""
        lessons.add_missed(self._db, self._lesson.lesson_id, missed)
        logger.info(
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

    def _opened(self, slot: int, sealed: bytes) -> list[Candidate]:
        plain = self._gallery.open_candidates(self._lesson.lesson_id, slot, sealed)
        return packing.unpack(slot, plain, self._matcher.student_ids)

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
