"""A rehearsal: treats the pictures of a folder or video as those of one lesson that takes place now."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.opening.models_and_gallery import load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance.fields import is_plausible
from edge_daemon.attendance.register import check_text
from edge_daemon.attendance.sightings_csv import write_sightings
from edge_daemon.camera.files import FolderCamera, VideoCamera, open_files
from edge_daemon.errors import CameraError, GalleryError, RegisterError
from edge_daemon.gallery.enrolment_dates import is_expected
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.lesson.lesson_ids import rehearsal_lesson_id
from edge_daemon.lesson.plan import SEED_BYTES, SLOT_S, make_plan, random_frames
from edge_daemon.store.database import check_writable, open_register
from edge_daemon.types import CapturePlan, Frame, Lesson, MissedCapture, Register

__all__ = ["SEED_BYTES", "Rehearsal", "RehearsalRequest", "instant_of", "rehearse"]

_SHOWN_COURSES = 10
REHEARSED_S = 2700.0
"""Assumed length of a rehearsed lesson, 45 minutes, because the pictures do not show how long the lesson was."""


@dataclass(frozen=True, slots=True)
class RehearsalRequest:
    """The options of a rehearsal."""

    frames: Path
    """Folder or video; each picture is a capture."""
    sightings: Path | None = None
    """CSV file to write, None for no file."""
    captures: int | None = None
    """Number of equal parts of a video; one random frame of each is a capture. If None, each picture is a capture."""
    seed: bytes | None = None
    """32 bytes that choose the frames; None for a new seed."""
    course: str = ""
    """Course whose students are expected; empty for everybody on the roster."""
    at: datetime | None = None
    """The time that the register has as start and end of the lesson; None for the time of the call."""
    deliver: bool = False
    """True if the register goes to the office, marked as a rehearsal."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The result: a register made from pictures."""

    register: Register
    names: Mapping[str, str]
    seconds_per_capture: float
    """Mean wall-clock time for one capture, without decoding the picture."""
    cpu_seconds_per_capture: float
    """Mean processor time for one capture, summed over all threads."""

    def json(self) -> dict[str, object]:
        """Return the document that `rehearse --json` prints; other programs read it."""
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
            "register_flags": list(register.register_flags),
            "seconds_per_capture": round(self.seconds_per_capture, 4),
            "cpu_seconds_per_capture": round(self.cpu_seconds_per_capture, 4),
        }


def rehearse(home: Home, wanted: RehearsalRequest, progress: Callable[[int, int], None]) -> Rehearsal:
    """Take the register of one lesson from pictures or a video, now.

    Args:
        home: the installation.
        wanted: the pictures and the options.
        progress: called with (captures done, captures in all).

    Raises:
        EdgeError: the rehearsal failed; nothing was changed, or the lesson was discarded.
    """
    if wanted.course:
        check_text(wanted.course, "the course", "--course")
    config, frames = home.config, wanted.frames
    camera = open_files(frames)
    _check_enrolled(home)
    seed = secrets.token_bytes(SEED_BYTES) if wanted.seed is None else wanted.seed
    if wanted.captures is not None:
        _choose(camera, frames, wanted.captures, seed)
    models = load_models(config)
    with ExitStack() as opened:
        gallery = open_gallery_store(home)
        opened.callback(gallery.db.conn.close)
        students = gallery.students()
        if not students:
            raise GalleryError(*_NOBODY, home.enrol_step)
        lesson, plan = _rehearsed_lesson(home, wanted, camera.digest(), camera.count, seed)
        _check_course(gallery, lesson, ZoneInfo(config.device.time_zone))
        register_db = open_register(home.register_db_path)
        opened.callback(register_db.conn.close)
        check_writable(gallery.db)
        check_writable(register_db)
        gallery.erase_sightings_again(register_db)
        signer = open_signer(home)
        run = LessonRun(config, register_db, gallery, models, lesson, plan, camera.count, "unsynchronised", signer)
        try:
            with camera:
                taken, busy = _take_all(run, camera, lesson, progress)
            if not taken:
                raise CameraError("no picture could be read", str(frames), "check the files")
            with busy:
                register, believed = run.finalise(deliver_rehearsal=wanted.deliver)
        except BaseException:
            run.abandon()
            raise
    progress(camera.count, camera.count)
    if wanted.sightings is not None:
        write_sightings(wanted.sightings, believed, taken)
    names = {s.student_id: s.name for s in students}
    return Rehearsal(register, names, busy.wall_s / len(taken), busy.cpu_s / len(taken))


_NOBODY = ("nobody is enrolled", "gallery")


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return a time of a school's clock in UTC.

    Raises:
        RegisterError: no register can have this time.
    """
    try:
        at = local.replace(tzinfo=zone).astimezone(timezone.utc)
    except OverflowError:
        at = None
    if at is None or not is_plausible(at):
        raise RegisterError("no register can have this time", f"--at {local:%Y-%m-%dT%H:%M}", "check the year")
    return at


def _check_enrolled(home: Home) -> None:
    """Raise GalleryError if nobody is enrolled, before any missing file is created."""
    if not home.gallery_db_path.exists():
        raise GalleryError(*_NOBODY, home.enrol_step)


def _check_course(gallery: GalleryStore, lesson: Lesson, zone: ZoneInfo) -> None:
    """Refuse a course without students.

    Raises:
        GalleryError: nobody is in the course; the error lists the courses that exist.
    """
    enrolments, day = gallery.enrolments(), lesson.start.astimezone(zone).date()
    if not any(is_expected(one, lesson.course, day) for one in enrolments):
        known = sorted({course for one in enrolments for course in (*one.courses, *(p.course for p in one.periods))})
        hint = f"on the roster: {', '.join(known[:_SHOWN_COURSES])}" if known else "the roster names no courses"
        raise GalleryError(f"nobody is in the course {lesson.course!r} on {day}", "--course", hint)


class _Stopwatch:
    """Adds up the time of blocks of code: wall-clock time and processor time."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def __enter__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall_s += time.perf_counter() - self._begun[0]
        self.cpu_s += time.process_time() - self._begun[1]


def _choose(camera: FolderCamera | VideoCamera, source: Path, captures: int, seed: bytes) -> None:
    """Choose one random frame of each part of a video as a capture.

    Raises:
        CameraError: the source is a folder, or the video has too few frames.
    """
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
) -> tuple[dict[int, str], _Stopwatch]:
    """Take every picture of the camera; return the readable pictures' names by slot, and the time for all of them."""
    taken: dict[int, str] = {}
    busy = _Stopwatch()
    for slot in range(camera.count):
        progress(slot, camera.count)
        try:
            frame = camera.capture(slot)
        except CameraError as error:
            run.miss(MissedCapture(slot, f"{Path(error.where).name} {error.what}"))
            continue
        with busy:
            run.take(Frame(slot, frame.name, frame.picture, lesson.start))
        taken[slot] = frame.name
        del frame  # 36 MB at 12 megapixels; it need not stay in memory while the next picture is decoded
    return taken, busy


def _rehearsed_lesson(
    home: Home, wanted: RehearsalRequest, digest: str, captures: int, seed: bytes
) -> tuple[Lesson, CapturePlan]:
    device, now = home.config.device.name, datetime.now(timezone.utc)
    at = wanted.at or now
    lesson_id = rehearsal_lesson_id(device, digest, now)
    plan = make_plan(lesson_id, max(REHEARSED_S, captures * SLOT_S), captures, seed)
    return Lesson(lesson_id, device, wanted.course, at, at, "rehearsal"), plan
