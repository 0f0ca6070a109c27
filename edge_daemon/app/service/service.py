"""The service: follows the timetable for years, one lesson at a time, and reports its state.

It sees no picture. A worker, a process of its own, does everything that needs models, templates or the camera. So the
service stays small between lessons, and no fault of a camera or a picture can end it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import logging
import os
import signal
from collections.abc import Iterator, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from edge_daemon.app.capture.plan_recorder import begin, plan_of
from edge_daemon.app.capture.worker_report import Report
from edge_daemon.app.erasure.pending import is_work_left
from edge_daemon.app.inbox import waiting
from edge_daemon.app.notices.handover import Handover
from edge_daemon.app.notices.lesson_teachers import note_teachers
from edge_daemon.app.opening.signer import open_plan_seeds, open_signer
from edge_daemon.app.opening.timetable_files import watch_timetable
from edge_daemon.app.service import watchdog
from edge_daemon.app.service.called_off_registers import question_called_off
from edge_daemon.app.service.event_log import EventLog
from edge_daemon.app.service.lesson_finisher import GIVE_UP_AFTER, OF_A_LESSON, LessonFinisher
from edge_daemon.app.service.schedule import DEVICE_OFF, LEAD, LOST, Schedule
from edge_daemon.app.service.status_reporter import StatusReporter
from edge_daemon.app.service.worker_pool import WorkerPool
from edge_daemon.app.service.worker_process import COMMAND, WorkerProcess
from edge_daemon.app.upkeep.maintenance import open_databases, suspect
from edge_daemon.device import journal
from edge_daemon.device.clock import Clock, Reading, SystemClock
from edge_daemon.device.clock_jump_guard import ClockJumpGuard
from edge_daemon.device.notify import notify
from edge_daemon.device.status import age_s, read_status
from edge_daemon.errors import DamageError, EdgeError, KeyFileError, ServiceError, StoreError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons
from edge_daemon.store.removed_registers import are_due
from edge_daemon.store.untimed import untimed_captures
from edge_daemon.types import Lesson, MissedCapture

logger = logging.getLogger(__name__)

TURN_S = 25.0
"""The longest time between two turns of the service's loop."""
ANSWER_S = 45.0
"""Models and camera have to answer within this time at the start; a USB camera takes a while to be found."""
CHECK_S = 1200.0
"""The databases are checked, and restored if they are damaged, within this time."""
STOP_S = 8.0
"""A worker has this time to finish the current picture; systemd allows 10 s."""
GRACE_S = 120.0
"""How long the service waits for a time server before it takes pictures without a trusted time."""
FIRST_LOOK_S = 600.0
"""Seconds from the start until the service first looks for unfinished erasures.

By then, an update has been accepted or rolled back. Until then, the earlier release must be able to read the data keys.
"""
LOOK_AGAIN_S = 3600.0
"""Seconds between two later looks for unfinished erasures."""


class Service:
    """`edge-daemon run`.

    Args:
        home: the installation.
        clock: the clock; None for the computer's.
        command: how to start a worker.
        turn_s: the longest time between two turns of the loop; the watchdog may shorten it.
    """

    def __init__(
        self, home: Home, clock: Clock | None = None, command: Sequence[str] = COMMAND, turn_s: float = TURN_S
    ) -> None:
        self._home, config = home, home.config
        self._turn_s = watchdog.turn_within(turn_s)
        raw = clock or SystemClock(trusted=config.device.trust_clock)
        self._clock = ClockJumpGuard(raw)
        self._begun = self._clock.reading()
        self._report = StatusReporter(home, self._begun)
        self._event_log = EventLog(lambda: raw.reading().boottime_s)
        self._handover = Handover(home)
        self._pool = WorkerPool(home, command, self._heard)
        self._stopping = self._reload = self._answered = False
        self._look_for_erasures_s = self._begun.boottime_s + FIRST_LOOK_S

    def run(self) -> None:
        """Run until SIGTERM.

        Raises:
            EdgeError: settings, databases or models can't be used, the camera does not answer, or another service is
                running.
        """
        self._home.ensure_state_dir()
        with self._alone(), self._end_is_recorded(), self._signals() as wake:
            journal.listen(self._event_log)
            # A full check of years of registers on a slow card takes minutes. If it were killed, it would start over
            # for ever.
            notify(f"EXTEND_TIMEOUT_USEC={int(CHECK_S * 1e6)}", "STATUS=checking the databases")
            opened = open_databases(self._home)
            self._report.repaired(opened.notes)
            self._db: sqlite_utils.Database = opened.register_db
            self._schedule = Schedule(
                watch_timetable(self._home),
                self._db,
                self._home.config.lesson.captures,
                lambda: open_signer(self._home),
                lambda: open_plan_seeds(self._home),
                ZoneInfo(self._home.config.device.time_zone),
                reason_before=LOST if opened.notes else DEVICE_OFF,
            )
            self._finisher = LessonFinisher(self._db, self._pool, self._schedule, self._report)
            self._schedule.refresh()
            try:
                if self._await_answer(wake):
                    self._loop(wake)
            finally:
                self._end()

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _loop(self, wake: int) -> None:
        notify("READY=1")
        logger.info("service started")
        reading = self._clock.reading()
        while not self._stopping:
            before, reading = reading, self._clock.reading()
            self._schedule.refresh(force=self._reload)
            self._reload = False
            self._pool.hear(reading.boottime_s)
            try:
                self._act(reading)
            except DamageError as error:
                suspect(self._home)
                raise ServiceError(error.what, error.where, "the next start repairs it") from error
            except StoreError as error:
                logger.warning("storage fault", extra={"reason": error.what})
                self._report.storage_fault(error.line())
                self._pool.outages.note(before.boottime_s, reading.boottime_s, error.what)
            self._mend_if_idle()
            self._event_log.write(self._db, reading)
            self._report.count_outbox(self._db, reading)
            self._say(reading)
            self._clock.wait(self._pause_s(reading), (wake, *self._pool.fds))
            _drain(wake)

    def _act(self, reading: Reading) -> None:
        """Start the workers that have to run now."""
        if reading.state == "unsynchronised":
            if reading.boottime_s - self._begun.boottime_s > GRACE_S:
                self._pool.start("untimed", "", reading.boottime_s)
            return
        # This comes first: untimed captures start their lessons, and lessons missed before those would go unrecorded.
        if self._schedule.tend(reading.utc):
            question_called_off(self._home, self._db, self._schedule.timetable, reading.utc)
        if self._pool.at("untimed"):
            self._pool.stop(task="untimed")
        else:
            self._pool.forget("untimed", "")
            if self._settles(reading):
                return
        self._finisher.tend(reading)
        self._hold_due(reading)
        self._handover.tend(self._db, reading.utc)
        self._apply_inbox(reading)

    def _settles(self, reading: Reading) -> bool:
        """Start assigning untimed captures to lessons; return whether everything else has to wait for that."""
        if self._pool.at("settle"):
            return True
        if not untimed_captures(self._db):
            return False
        trouble = self._pool.trouble("settle")
        hopeless = trouble is not None and trouble.failures >= GIVE_UP_AFTER
        # A permanent failure must not cost the coming lessons, so it is retried between them.
        if not hopeless or (self._pool.idle and self._schedule.due(reading.utc) is None):
            self._pool.start("settle", "", reading.boottime_s)
        return not hopeless or self._pool.at("settle") is not None

    def _hold_due(self, reading: Reading) -> None:
        lesson = self._schedule.due(reading.utc) or self._on(reading)
        if lesson is None:
            return
        stored = self._begin(lesson, reading)
        started = self._pool.start("lesson", lesson.lesson_id, reading.boottime_s)
        if started or self._report.status.lesson is None:  # the lesson is on even while its worker has to wait
            taken = len(lessons.captures(self._db, lesson.lesson_id))
            missed = len(lessons.missed_captures(self._db, lesson.lesson_id))
            self._report.lesson_begins(stored, taken, missed)
        if started:
            note_teachers(self._home, self._db, lesson, self._schedule.people(lesson), reading.utc)
            logger.info("lesson started", extra={"lesson_id": lesson.lesson_id, "slots_done": taken + missed})

    def _begin(self, lesson: Lesson, reading: Reading) -> lessons.StoredLesson:
        try:
            seeds = open_plan_seeds(self._home)
        except KeyFileError:  # the worker reports it, because it can't open a template without the key either
            seeds = None
        return begin(self._db, lesson, self._home.config.lesson.captures, reading, seeds)

    def _on(self, reading: Reading) -> Lesson | None:
        """Return a lesson that has begun and keeps its times although it left the timetable; None if there is none."""
        begun = [s.lesson for s in lessons.running_lessons(self._db) if s.clock != "unsynchronised"]
        on = [x for x in begun if x.origin == "timetable" and x.start - LEAD <= reading.utc < x.end]
        return next((x for x in on if not self._schedule.is_ended(x.lesson_id, reading.utc)), None)

    def _apply_inbox(self, reading: Reading) -> None:
        """Start applying the inbox and finishing erasures if no worker runs and no lesson is near.

        A new calendar does not wait for that, because it may move or call off a running lesson.
        """
        if self._pool.idle and self._has_work(reading) and not waiting.busy(self._db, reading.utc):
            self._pool.start("inbox", "", reading.boottime_s)
        elif not self._pool.idle and waiting.waits(self._home, self._db, {waiting.TIMETABLE}):
            self._pool.start("timetable", "", reading.boottime_s)

    def _has_work(self, reading: Reading) -> bool:
        if waiting.waits(self._home, self._db):
            return True
        if reading.boottime_s < self._look_for_erasures_s:
            return False
        self._look_for_erasures_s = reading.boottime_s + LOOK_AGAIN_S
        try:
            return is_work_left(self._home) or are_due(self._db)
        except KeyFileError as error:  # the file of key slots can't be read: `doctor` reports it, and lessons go on
            logger.warning("old key not destroyed", extra={"reason": error.what})
            return False

    def _mend_if_idle(self) -> None:
        """Exit if a worker or the nightly backup found damage; the next start checks and restores the databases."""
        if self._home.suspect_path.exists() and not self._pool.fds:
            raise ServiceError("a database is damaged", str(self._home.suspect_path), "the next start repairs it")

    def _pause_s(self, reading: Reading) -> float:
        pause_s = min(self._turn_s, self._pool.pause_s(reading.boottime_s))
        following = self._schedule.following(reading.utc)
        if following is None or reading.state == "unsynchronised":
            return pause_s
        return min(pause_s, max(1.0, (following.start - LEAD - reading.utc).total_seconds()))

    # --- the start ----------------------------------------------------------------------------------------------------

    def _await_answer(self, wake: int) -> bool:
        """Wait until models and camera have answered; return False if asked to stop before that."""
        until_s = self._begun.boottime_s + ANSWER_S
        while not self._answered and not self._stopping:
            reading = self._clock.reading()
            trouble = self._pool.trouble("check")
            if trouble and (not trouble.no_camera or reading.boottime_s > until_s):
                self._note_unanswered(trouble.reason, reading)
                raise ServiceError(trouble.reason)
            if trouble and reading.state != "unsynchronised":
                with contextlib.suppress(StoreError):  # registers of past lessons need no camera
                    self._finisher.tend(reading)
            self._pool.start("check", "", reading.boottime_s)
            detail = f"the camera does not answer: {trouble.reason}" if trouble else self._report.status.detail
            self._report.camera_fault(trouble.reason if trouble and trouble.no_camera else "")
            self._report.report(reading, "starting", detail)
            notify(f"EXTEND_TIMEOUT_USEC={int(ANSWER_S * 1e6)}")
            self._clock.wait(1.0, (wake, *self._pool.fds))
            _drain(wake)
            self._pool.hear(reading.boottime_s)
        return self._answered

    def _note_unanswered(self, reason: str, reading: Reading) -> None:
        """Record why the current lesson has no picture for the slots that fell due since this service started."""
        if reading.state == "unsynchronised":
            return
        self._schedule.tend(reading.utc)
        lesson = self._schedule.due(reading.utc)
        if lesson is None:
            return
        stored = self._begin(lesson, reading)
        for slot, offset_s in enumerate(plan_of(stored).offsets_s):
            if self._since <= stored.lesson.start + timedelta(seconds=offset_s) <= reading.utc:
                lessons.add_missed(self._db, lesson.lesson_id, MissedCapture(slot, reason))

    # --- what is heard and said ---------------------------------------------------------------------------------------

    def _heard(self, worker: WorkerProcess, report: Report) -> None:
        if worker.task == "check":
            if report.kind == "ready":
                self._answered = True
                if trouble := self._pool.trouble("check"):
                    self._pool.outages.note(trouble.since_s, self._clock.reading().boottime_s, trouble.reason)
                self._report.camera_fault("")
                self._pool.forget("check", "")
            return
        has_camera = worker.task != "finalise"
        self._report.heard(worker.lesson_id, report, has_camera=has_camera)
        if has_camera:
            self._event_log.heard(worker.lesson_id, report)
        if report.kind == "done" and worker.task in OF_A_LESSON:
            self._finisher.done(worker.lesson_id)

    def _say(self, reading: Reading) -> None:
        following = self._schedule.following(reading.utc)
        self._report.coming(following, self._schedule.error, self._pool.restarts)
        trouble = self._pool.worst()
        if reading.state == "unsynchronised":
            self._report.report(reading, "degraded", "the time is not known; pictures are kept until it is")
        elif self._pool.at("untimed") or self._pool.at("settle"):
            self._report.report(reading, "waiting", "the time is known; pictures get their lessons")
        elif trouble:
            self._report.report(reading, "degraded", f"tries again: {trouble.reason}")
        else:
            self._report.say_lesson(reading, following, self._schedule.on(reading.utc))

    # --- the process --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Prevent a second service on the same databases."""
        path = self._home.runtime_dir / "service.lock"
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            file = path.open("a+")
        except OSError as error:
            raise ServiceError(f"can't be written: {error.strerror}", str(path), "check the folder's owner") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ServiceError("a service runs already", str(path), "stop that one first") from error
            yield

    @contextlib.contextmanager
    def _end_is_recorded(self) -> Iterator[None]:
        """Read why the previous service ended, and record why this one ends."""
        self._since = self._begun.utc
        before = read_status(self._home.runtime_dir)
        if before is not None and before.ended_by:
            age = age_s(before)
            self._since = self._begun.utc - timedelta(seconds=age)
            now_s = self._begun.boottime_s
            self._pool.outages.note(now_s - age, now_s, before.ended_by)
        try:
            yield
        except EdgeError as error:
            self._report.ended(self._clock.reading(), error.line())
            raise

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """Yield a file descriptor that becomes readable after a signal."""
        reading, writing = os.pipe()
        for fd in (reading, writing):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGHUP, self._on_reload_signal)
        # Our handler passes the request on to the workers. faulthandler's own runs first, even if Python is stuck.
        signal.signal(signal.SIGUSR1, lambda *_: self._pool.dump_stacks())
        faulthandler.register(signal.SIGUSR1, all_threads=True, chain=True)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(-1)
            faulthandler.unregister(signal.SIGUSR1)
            os.close(reading)
            os.close(writing)

    def _on_stop_signal(self, *_: object) -> None:
        self._stopping = True

    def _on_reload_signal(self, *_: object) -> None:
        self._reload = True

    def _end(self) -> None:
        notify("STOPPING=1", "STATUS=finishing the current picture")
        self._pool.stop()
        self._pool.end(STOP_S)
        if self._stopping:
            self._report.forget()
        logger.info("service stopped")
        self._event_log.write(self._db, self._clock.reading(), last=True)
        self._db.conn.close()


def _drain(fd: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass
