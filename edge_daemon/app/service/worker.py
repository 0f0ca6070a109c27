"""The worker process of one lesson: models, templates and pictures exist only in it and end with it.

The service starts it (`worker_process.py`) and receives a report of every step through a pipe. A worker may be killed
at any moment: committed data stays, and the next worker continues from there.

    python -I -m edge_daemon.app.service.worker --report FD [--home DIR] TASK [LESSON_ID]
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import fcntl
import logging
import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from edge_daemon.app.capture import plan_trust
from edge_daemon.app.capture.comparer import Comparer
from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.capture.loop import LATE_S, LessonLoop, LoopContext
from edge_daemon.app.capture.outages import Outage
from edge_daemon.app.capture.plan_recorder import plan_of
from edge_daemon.app.capture.timetable_look import look_at_timetable
from edge_daemon.app.capture.untimed_loop import UntimedLoop
from edge_daemon.app.capture.worker_report import Kind, Report, encode
from edge_daemon.app.erasure.old_registers import remove_old_registers
from edge_daemon.app.erasure.removal import finish_erasures
from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.app.opening.database_recovery import gallery_of
from edge_daemon.app.opening.models_and_gallery import camera_settings, load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_plan_seeds, open_signer
from edge_daemon.app.upkeep.maintenance import disk_state, suspect
from edge_daemon.camera.process import CameraProcess
from edge_daemon.device import journal
from edge_daemon.device.clock import Clock, SystemClock
from edge_daemon.device.heap import return_large_blocks
from edge_daemon.device.memory_lock import lock_memory
from edge_daemon.errors import CameraError, DamageError, EdgeError, GalleryError, KeyFileError, StoreError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.vision.pipeline import Detector

logger = logging.getLogger(__name__)

STOPPED = 75
"""Exit code (EX_TEMPFAIL of sysexits.h): asked to stop before the end; another worker has to continue."""


class Worker:
    """One task, from its arguments to its last report; each task returns the exit code of the process.

    Args:
        home: the installation.
        clock: the clock.
        report_fd: file descriptor to which reports are written.
        outages: why there were no pictures before.
    """

    def __init__(self, home: Home, clock: Clock, report_fd: int, outages: Sequence[Outage] = ()) -> None:
        self._home, self._clock, self._report_fd = home, clock, report_fd
        self._stop = False
        reading, writing = os.pipe()
        for fd in (reading, writing):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_stop_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service handles Ctrl-C for all its workers
        # The service holds the other end of our stdin. If the service dies in any way, this worker stops, too.
        self._context = LoopContext(clock, (reading, 0), self._stopping, self._report, self._no_room, outages)

    def check(self) -> int:
        """Finish erasures, update the contacts for mail, and check that models and camera answer."""
        self._hand_contacts_on()
        Detector(load_models(self._home.config))
        with self._camera() as camera:
            camera.prepare(0)
            try:
                camera.capture(0)
            except CameraError:
                if not camera.answers:
                    raise
                # A black picture is an answer, too, because the room is dark early in the morning.
        self._report(Report("ready"))
        return 0

    def _hand_contacts_on(self) -> None:
        try:
            finish_erasures(self._home, self._clock.reading().utc)
            publish_contacts(self._home)
        except DamageError:
            raise  # the next start repairs it
        except (GalleryError, KeyFileError, StoreError) as error:  # registers are taken without contacts, too
            logger.warning("contacts not handed on", extra={"reason": error.what, "where": error.where})

    def hold_lesson(self, lesson_id: str, *, takes_pictures: bool = True) -> int:
        """Take the remaining pictures of a lesson, then finalise it.

        Args:
            lesson_id: the id of a lesson that was begun.
            takes_pictures: False for a past lesson: its register is made without camera and networks, because another
                lesson may be running.
        """
        with self._alone(lesson_id):
            db = open_register(self._home.register_db_path, create=False)
            stored = lessons.get_lesson(db, lesson_id)
            if stored is None:
                raise StoreError("was never started", f"lesson {lesson_id}", "start it first")
            if stored.state == "finalised":
                with gallery_of(self._home) as gallery_db:  # the previous worker ended just before erasing them
                    if gallery_db is not None:
                        candidate_rows.erase_candidates(gallery_db, lesson_id)
                self._report(Report("done"))
                return 0
            self._check_plan(db, stored)
            run = LessonRun(
                self._home.config,
                db,
                open_gallery_store(self._home),
                load_models(self._home.config),
                stored.lesson,
                plan_of(stored),
                stored.captures_planned,
                stored.clock,
                open_signer(self._home),
                takes_pictures=takes_pictures,
                door_faces=self._home.door_faces_dir if self._home.config.checkin.camera else None,
            )
            return self._hold(run, stored, takes_pictures=takes_pictures)

    def _check_plan(self, db: sqlite_utils.Database, stored: lessons.StoredLesson) -> None:
        """Check that this device drew the seed of a lesson; otherwise raise an alarm.

        A past lesson still gets its register.

        Raises:
            StoreError: the seed is another one, and the lesson is not over.
        """
        lesson = stored.lesson
        if stored.clock == "unsynchronised" or plan_trust.is_own(db, stored, open_plan_seeds(self._home)):
            return
        now = self._clock.reading().utc
        plan_trust.alarm(db, lesson.lesson_id, "was begun with a seed that this device did not draw", now)
        if now < lesson.end:
            what = "was begun with a seed that this device did not draw"
            raise StoreError(what, f"lesson {lesson.lesson_id}", "the service begins it again")

    def hold_untimed(self) -> int:
        """Take pictures without a trusted time, until asked to stop; return the exit code."""
        gallery = open_gallery_store(self._home)
        config = self._home.config
        comparer = Comparer(config, gallery, load_models(config), captures=config.lesson.captures)
        db = open_register(self._home.register_db_path)
        with self._alone("untimed"), self._camera() as camera:
            self._report(Report("ready"))
            UntimedLoop(db, gallery, comparer, camera, self._home.config.device.name, self._context).go()
        return STOPPED

    def settle(self) -> int:
        """Assign untimed captures to their lessons, now that the clock is right."""
        # Imported here because the calendar libraries take a tenth of a second and no other task needs them.
        from edge_daemon.app.capture.assign_untimed import settle

        with self._alone("untimed"):
            db = open_register(self._home.register_db_path)
            settle(self._home, db, open_gallery_store(self._home), self._clock.reading())
        self._report(Report("done"))
        return 0

    def apply_timetable(self) -> int:
        """Put the office's new calendar into force, even during a lesson, because it may call that lesson off."""
        from edge_daemon.app.inbox.apply import apply_inbox
        from edge_daemon.app.inbox.waiting import TIMETABLE

        apply_inbox(self._home, self._clock.reading().utc, {TIMETABLE})
        self._report(Report("done"))
        return 0

    def apply_inbox(self) -> int:
        """Apply the office's documents, wrap the data keys of an earlier release, and remove expired registers.

        The service starts this only if no lesson is on or near.
        """
        from edge_daemon.app.inbox.apply import apply_inbox  # imported here: no other task needs it

        apply_inbox(self._home, self._clock.reading().utc)
        finish_erasures(self._home, self._clock.reading().utc, upgrade=True)
        remove_old_registers(self._home, self._clock.reading())
        self._report(Report("done"))
        return 0

    def _hold(self, run: LessonRun, stored: lessons.StoredLesson, *, takes_pictures: bool) -> int:
        lesson, plan, camera = stored.lesson, plan_of(stored), self._camera()
        loop = LessonLoop(run, camera, lesson, plan, stored.clock, self._context)
        is_timed = stored.clock != "unsynchronised"
        if takes_pictures and is_timed and len(run.settled_slots) < stored.captures_planned:
            # The camera is needed until the last slot is too late: until then a picture may still be taken.
            ended = self._clock.reading().utc >= lesson.end + timedelta(seconds=LATE_S)
            with contextlib.nullcontext() if ended else camera:
                if not loop.go():
                    return STOPPED
        self._report(Report("closing"))
        found = look_at_timetable(self._home, run.register_db, stored)
        if is_timed:
            loop.miss_open()
            loop.write_missed()
        run.finalise(in_timetable=not found.is_doubtful)
        self._report(Report("done"))
        return 0

    def _camera(self) -> CameraProcess:
        return CameraProcess(camera_settings(self._home), now=lambda: self._clock.reading().utc)

    @contextlib.contextmanager
    def _alone(self, task: str) -> Iterator[None]:
        """Prevent a second worker on the same task; a worker whose service was killed may still finish its picture."""
        path = self._home.runtime_dir / f"{task}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._report(Report("waiting", text="for the worker before this one"))
                    self._clock.wait(0.5, self._context.wake)
                    if self._stopping():
                        sys.exit(STOPPED)
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def _stopping(self) -> bool:
        return self._stop or _hung_up(0)

    def _on_stop_signal(self, *_: object) -> None:
        self._stop = True

    def _report(self, report: Report) -> None:
        try:
            os.write(self._report_fd, encode(report))
        except BrokenPipeError:
            self._stop = True

    def _no_room(self) -> str:
        return disk_state(self._home).reason


def _hung_up(fd: int) -> bool:
    """Return whether the other end of a pipe is closed."""
    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))


def main(clock: Clock | None = None) -> None:
    """Run one task and exit: 0 done, 75 stopped before the end, 1 or 2 failed with the reason reported."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--report", type=int, required=True)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--outage", nargs=3, action="append", default=[], metavar=("SINCE_S", "UNTIL_S", "REASON"))
    parser.add_argument("task", choices=("check", "lesson", "finalise", "untimed", "settle", "inbox", "timetable"))
    parser.add_argument("lesson_id", nargs="?", default="")
    arguments = parser.parse_args()
    lock_memory()
    return_large_blocks()
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "100000000")
    journal.set_up()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    sys.exit(_run(arguments, clock))


def _run(arguments: argparse.Namespace, clock: Clock | None) -> int:
    home = Home(arguments.home)
    try:
        clock = clock or SystemClock(trusted=home.config.device.trust_clock)
        outages = [Outage(float(since), float(until), reason) for since, until, reason in arguments.outage]
        worker = Worker(home, clock, arguments.report, outages)
        tasks = {
            "check": worker.check,
            "lesson": lambda: worker.hold_lesson(arguments.lesson_id),
            "finalise": lambda: worker.hold_lesson(arguments.lesson_id, takes_pictures=False),
            "untimed": worker.hold_untimed,
            "settle": worker.settle,
            "inbox": worker.apply_inbox,
            "timetable": worker.apply_timetable,
        }
        return tasks[arguments.task]()
    except DamageError as error:
        suspect(home)
        os.write(arguments.report, encode(Report("failed", text=error.line())))
        return error.exit_code
    except EdgeError as error:
        kind: Kind = "no_camera" if isinstance(error, CameraError) else "failed"
        os.write(arguments.report, encode(Report(kind, text=error.line())))
        return error.exit_code
    except Exception:
        logger.exception("worker failed")
        os.write(arguments.report, encode(Report("failed", text="internal error; the log has more")))
        return 1


if __name__ == "__main__":
    main()
