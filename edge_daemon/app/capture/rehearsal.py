"""A rehearsal: the pictures of a folder or video as one lesson, now."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.opening.models_and_gallery import load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance.sightings_csv import write_sightings
from edge_daemon.camera.files import FolderCamera, VideoCamera, open_files
from edge_daemon.errors import CameraError, GalleryError
from edge_daemon.home import Home
from edge_daemon.lesson.lesson_ids import rehearsal_lesson_id
from edge_daemon.lesson.plan import SEED_BYTES, SLOT_S, make_plan, random_frames
from edge_daemon.store.database import check_writable, open_register
from edge_daemon.types import CapturePlan, Frame, Lesson, MissedCapture, Register

__all__ = ["SEED_BYTES", "Rehearsal", "rehearse"]

REHEARSED_S = 2700.0
"""The plan of a rehearsal is that of a lesson of 45 minutes; when its pictures were taken is not known."""


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
                    "frames_seen": v.tally.captures_seen,
                    "frames_attentive": v.tally.captures_attentive,
                    "share": round(v.share, 6),
                    "verdict": v.verdict,
                    "flags": list(v.flags),
                }
                for v in register.verdicts
            ],
            "unknown_faces": register.unknown_faces,
            "seconds_per_capture": round(self.seconds_per_capture, 4),
        }


def rehearse(
    home: Home,
    frames: Path,
    *,
    sightings: Path | None,
    progress: Callable[[int, int], None],
    deliver: bool = False,
    captures: int | None = None,
    seed: bytes | None = None,
) -> Rehearsal:
    """Take the register of one lesson from pictures or a video, now.

    Args:
        home: where settings and databases are.
        frames: folder or video; each picture is a capture.
        sightings: CSV to write, if wanted.
        progress: told (captures done, captures in all).
        deliver: the register goes to the office, marked as a rehearsal.
        captures: one random frame of each of so many equal parts of a video; None: each picture is a capture.
        seed: 32 bytes that choose the frames; None: new ones.

    Raises:
        EdgeError: nothing was changed, or the lesson was taken back.
    """
    config = home.config
    camera = open_files(frames)
    seed = secrets.token_bytes(SEED_BYTES) if seed is None else seed
    if captures is not None:
        _choose(camera, frames, captures, seed)
    models = load_models(config)
    with ExitStack() as opened:
        gallery = open_gallery_store(home)
        opened.callback(gallery.db.conn.close)
        students = gallery.students()
        if not students:
            raise GalleryError("nobody is enrolled", str(home.gallery_db_path), "run `edge-daemon enrol import` first")
        lesson, plan = _rehearsed_lesson(config.device.name, camera.digest(), camera.count, seed)
        register_db = open_register(home.register_db_path)
        opened.callback(register_db.conn.close)
        check_writable(gallery.db)
        check_writable(register_db)
        gallery.erase_sightings_again(register_db)
        signer = open_signer(home)
        run = LessonRun(config, register_db, gallery, models, lesson, plan, camera.count, "unsynchronised", signer)
        try:
            with camera:
                taken, busy_s = _take_all(run, camera, lesson, progress)
            if not taken:
                raise CameraError("no picture could be read", str(frames), "check the files")
            begun = time.perf_counter()
            register, believed = run.finalise(deliver_rehearsal=deliver)
            busy_s += time.perf_counter() - begun
        except BaseException:
            run.abandon()
            raise
    progress(camera.count, camera.count)
    if sightings is not None:
        write_sightings(sightings, believed, taken)
    return Rehearsal(register, {s.student_id: s.name for s in students}, busy_s / len(taken))


def _choose(camera: FolderCamera | VideoCamera, source: Path, captures: int, seed: bytes) -> None:
    """Have one random frame of each part of a video as its capture; raises CameraError where that can't be."""
    if isinstance(camera, FolderCamera):
        raise CameraError("is a folder, where each picture is one capture", str(source), "leave --captures out")
    if captures > camera.frames:
        hint = "ask for fewer captures"
        raise CameraError(f"has only {camera.frames} frames for {captures} captures", str(source), hint)
    camera.choose(random_frames(seed, camera.frames, captures))


def _take_all(
    run: LessonRun,
    camera: FolderCamera | VideoCamera,
    lesson: Lesson,
    progress: Callable[[int, int], None],
) -> tuple[dict[int, str], float]:
    """Return the names of the pictures that were taken, by slot, and the seconds of work that they made."""
    taken: dict[int, str] = {}
    busy_s = 0.0
    for slot in range(camera.count):
        progress(slot, camera.count)
        try:
            frame = camera.capture(slot)
        except CameraError as error:
            run.miss(MissedCapture(slot, f"{Path(error.where).name} {error.what}"))
            continue
        begun = time.perf_counter()
        run.take(Frame(slot, frame.name, frame.picture, lesson.start))
        busy_s += time.perf_counter() - begun
        taken[slot] = frame.name
        del frame  # 36 MB at 12 megapixels, which need not be there while the next picture is decoded
    return taken, busy_s


def _rehearsed_lesson(device: str, digest: str, captures: int, seed: bytes) -> tuple[Lesson, CapturePlan]:
    now = datetime.now(timezone.utc)
    lesson_id = rehearsal_lesson_id(device, digest, now)
    duration_s = max(REHEARSED_S, captures * SLOT_S)
    return Lesson(lesson_id, device, "", now, now, "rehearsal"), make_plan(lesson_id, duration_s, captures, seed)
