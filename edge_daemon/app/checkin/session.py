"""A check-in session with open gallery and models; clips come from a camera or from files."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from edge_daemon.app.checkin.clips import ClipReader, ReadClip, mean_face
from edge_daemon.app.checkin.door_camera import DoorCamera, door_camera, door_settings, frames_of, is_rooms_camera
from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.app.inbox.waiting import busy
from edge_daemon.app.opening.models_and_gallery import embedder_id, load_models
from edge_daemon.checkin import repetition
from edge_daemon.checkin.decision import SAME_FACE, CheckinScores, checkin_scores
from edge_daemon.checkin.mouth_features import FEATURES_VERSION
from edge_daemon.checkin.phrase_codec import EnrolledPhrase, packed, unpacked
from edge_daemon.checkin.phrase_model import LEAST_REPETITIONS, MOST_REPETITIONS
from edge_daemon.errors import CameraError, EdgeError, GalleryError
from edge_daemon.gallery import phrases
from edge_daemon.gallery.door_faces import DoorFaces
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import phrases as tables
from edge_daemon.store.check_ins import note_check_in
from edge_daemon.store.database import open_register
from edge_daemon.types import Picture

__all__ = [
    "LEAST_REPETITIONS",
    "MOST_REPETITIONS",
    "CheckinAnswer",
    "CheckinSession",
    "checkin_session",
    "frames_of",
    "repetitions_in",
    "with_camera",
]

logger = logging.getLogger(__name__)

CLIP_S: Final = 3.0
"""Length of a clip from the camera."""
MOST_FAILURES: Final = 5
WITHIN: Final = timedelta(minutes=10)
ANSWER_S: Final = 2.0
"""Time from the end of a clip to the answer; it is the same for every answer and reason."""


@dataclass(frozen=True, slots=True)
class CheckinAnswer:
    """The whole answer to a check-in: yes or no, but never which part failed."""

    accepted: bool
    at: datetime


@contextmanager
def checkin_session(home: Home) -> Iterator[CheckinSession]:
    """Open gallery and models until the block ends.

    Raises:
        EdgeError: there is no gallery or no key, or a model can't be used.
    """
    with opened_gallery(home) as store:
        models = load_models(home.config)
        register_db = open_register(home.register_db_path)
        with closing(register_db.conn):
            folder = home.door_faces_dir
            has_lessons = folder is not None and folder.parent.is_dir()
            door = DoorFaces(store, embedder_id(models), folder) if folder is not None and has_lessons else None
            yield CheckinSession(store, register_db, ClipReader(models), embedder_id(models), door=door)


@contextmanager
def with_camera(home: Home) -> Iterator[DoorCamera]:
    """Open the camera at the door; refuse the room's own camera during a lesson.

    Raises:
        CameraError: no camera is set, or it is the room's and a lesson is on or about to begin.
    """
    settings = door_settings(home)
    if is_rooms_camera(home, settings) and home.register_db_path.exists():
        db = open_register(home.register_db_path)
        with closing(db.conn):
            if reason := busy(db, datetime.now(timezone.utc)):
                raise CameraError(f"is the room's own camera, and {reason}", "checkin.camera", "use another camera")
    with ExitStack() as stack:
        camera = stack.enter_context(door_camera(settings))
        camera.warm_up()
        yield camera


class CheckinSession:
    """Enrols and verifies phrases. Made by `checkin_session`.

    Args:
        store: the gallery.
        register_db: register.sqlite, where check-ins are stored.
        reader: reads clips.
        embedder: the id of the embedder that makes the vectors.
        sleep: waits until an answer is due.
        door: keeps an accepted face for the lesson in this room. None if this computer runs no service for lessons.
    """

    def __init__(
        self,
        store: GalleryStore,
        register_db: sqlite_utils.Database,
        reader: ClipReader,
        embedder: EmbedderId,
        sleep: Callable[[float], None] = time.sleep,
        *,
        door: DoorFaces | None = None,
    ) -> None:
        self._door = door
        self._store, self._register_db, self._reader, self._sleep = store, register_db, reader, sleep
        self._made_by = (FEATURES_VERSION, embedder)
        self._clips: list[ReadClip] = []
        self._student_id = ""

    def begin(self, student_id: str) -> None:
        """Begin to enrol a student's phrase; an enrolled phrase stays until `keep`.

        Raises:
            GalleryError: nobody has this id, or the roster has no consent to check-in.
        """
        phrases.check_consent(self._store, student_id)
        self._clips, self._student_id = [], student_id

    def add(self, pictures: Iterable[Picture]) -> str:
        """Add one repetition; return why it is not good enough, empty if it is."""
        clip = self._reader.read(pictures)
        if clip.problem or clip.movement is None:
            return clip.problem
        movements = [one.movement for one in (*self._clips, clip) if one.movement is not None]
        if len(movements) - 1 in repetition.unlike(movements):
            return "differs from the ones before; say the same phrase in the same way"
        if self._clips and float(mean_face(one.face for one in self._clips) @ clip.face) < SAME_FACE:
            return "another face than before; check who is in front of the camera"
        self._clips.append(clip)
        return ""

    @property
    def repetitions(self) -> int:
        """Number of good repetitions."""
        return len(self._clips)

    def keep(self) -> int:
        """Store the phrase in place of the student's earlier phrase; return its number of repetitions.

        Raises:
            GalleryError: too few repetitions, or the student was removed or withdrew consent meanwhile.
            StoreError: the gallery can't be written.
        """
        if len(self._clips) < LEAST_REPETITIONS:
            what = f"{len(self._clips)} of {LEAST_REPETITIONS} repetitions were good enough"
            raise GalleryError(what, f"student {self._student_id}", "try again; nothing was changed")
        clips = self._clips[:MOST_REPETITIONS]
        enrolled = EnrolledPhrase(
            tuple(one.movement for one in clips if one.movement is not None), mean_face(one.face for one in clips)
        )
        now = datetime.now(timezone.utc)
        phrases.keep_phrase(self._store, self._student_id, packed(enrolled), self._made_by, now)
        self._clips = []
        return len(clips)

    def verify(self, student_id: str, pictures: Iterable[Picture]) -> CheckinAnswer:
        """Decide about one clip. All refusals take the same time and look the same.

        Raises:
            GalleryError: the phrase was made by another version or with another key.
            StoreError: the gallery can't be written.
        """
        at = datetime.now(timezone.utc)
        known = student_id in self._store.student_ids()
        locked = known and tables.failures_since(self._store.db, student_id, at - WITHIN) >= MOST_FAILURES
        clip = self._reader.read(pictures)
        due_s = time.monotonic() + ANSWER_S
        scores = self.scores(student_id, clip) if known else None
        accepted = scores is not None and scores.accepted and not clip.problem and not locked
        if known and not locked:
            tables.note_attempt(self._store.db, student_id, at, passed=accepted)
        if accepted:
            note_check_in(self._register_db, student_id, at.replace(microsecond=0))
            self._keep_face(student_id, clip, at)
        self._sleep(max(0.0, due_s - time.monotonic()))
        return CheckinAnswer(accepted, at.replace(microsecond=0))

    def _keep_face(self, student_id: str, clip: ReadClip, at: datetime) -> None:
        if self._door is not None:
            try:
                self._door.keep(student_id, clip.face, at)
            except (OSError, EdgeError) as error:  # the check-in counts without it
                reason = error.what if isinstance(error, EdgeError) else error.strerror or ""
                logger.warning("face at the door not kept", extra={"reason": reason})

    def scores(self, student_id: str, clip: ReadClip) -> CheckinScores | None:
        """Return how similar a clip is to the enrolled phrase; None without a phrase, consent or movement."""
        plain = phrases.open_phrase(self._store, student_id, self._made_by)
        if plain is None or clip.movement is None:
            return None
        try:
            enrolled = unpacked(plain)
        except ValueError as error:
            hint = "enrol it again: `edge-daemon checkin enrol`"
            raise GalleryError("the phrase was made by another version", f"student {student_id}", hint) from error
        return checkin_scores(enrolled, clip.movement, clip.face)


def repetitions_in(source: Path) -> list[Path]:
    """Return the clips of a source in order: a folder's videos or subfolders of pictures, or a single video."""
    if not source.is_dir():
        return [source]
    inside = sorted(path for path in source.iterdir() if not path.name.startswith("."))
    folders = [path for path in inside if path.is_dir()]
    videos = [path for path in inside if path.suffix.lower() in (".mp4", ".avi", ".mpg", ".mkv", ".webm", ".mov")]
    return folders or videos or [source]
