"""Reports the service's state in the status file, in the metrics, and to systemd with the watchdog's message."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from edge_daemon.app.capture.missed_reasons import CALLED_OFF, CLOCK_SET, NOT_RUNNING, TOO_SLOW
from edge_daemon.app.capture.worker_report import Report
from edge_daemon.app.service import watchdog
from edge_daemon.device.clock import Reading
from edge_daemon.device.host import read_host
from edge_daemon.device.metrics import Outbox, write_metrics
from edge_daemon.device.status import FILE, LessonStatus, ServiceStatus, State, write_status
from edge_daemon.errors import StoreError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.backlog import DESTINATIONS, open_items
from edge_daemon.store.destinations import destination_state
from edge_daemon.store.lessons import StoredLesson
from edge_daemon.store.sync_note import read_note
from edge_daemon.types import Lesson

logger = logging.getLogger(__name__)

WRITE_EVERY_S = 15.0
COUNT_EVERY_S = 60.0
_WORDS = {NOT_RUNNING: "not_running", CLOCK_SET: "clock", TOO_SLOW: "slow", CALLED_OFF: "called_off"}


class StatusReporter:
    """Keeps the service's status and writes it when it has changed, and at intervals.

    Args:
        home: the installation; the files go to its runtime folder.
        reading: the clock at the start.
    """

    def __init__(self, home: Home, reading: Reading) -> None:
        self._home = home
        self._zone = ZoneInfo(home.config.device.time_zone)
        self.status = ServiceStatus(
            state="starting",
            detail="looking whether models and camera answer",
            pid=os.getpid(),
            started_utc=reading.utc,
            updated_utc=reading.utc,
            clock=reading.state,
        )
        self._repairs = ""
        self._missed: Counter[str] = Counter()
        self._written: ServiceStatus | None = None
        self._written_s = 0.0
        self._outbox: Outbox | None = None
        self._counted_s = float("-inf")

    def lesson_begins(self, stored: StoredLesson, taken: int, missed: int) -> None:
        """Show a lesson as running."""
        lesson = stored.lesson
        self.status = replace(
            self.status,
            lesson=LessonStatus(
                lesson_id=lesson.lesson_id,
                course=lesson.course,
                start=lesson.start,
                end=lesson.end,
                captures_planned=stored.captures_planned,
                captures_taken=taken,
                captures_missed=missed,
            ),
        )

    def lesson_ends(self, lesson_id: str, *, finalised: bool) -> None:
        """Count a register that was made, and no longer show its lesson as running."""
        if finalised:
            self.status = replace(self.status, lessons_total=self.status.lessons_total + 1)
        lesson = self.status.lesson
        if lesson is None or lesson.lesson_id != lesson_id:
            return
        self.status = replace(self.status, lesson=None)
        if finalised:
            repaired, self._repairs = self.status.storage_fault == self._repairs, ""
            self.status = replace(
                self.status,
                storage_fault="" if repaired else self.status.storage_fault,
                last_lesson_id=lesson.lesson_id,
                last_lesson_end=lesson.end,
                last_lesson_taken=lesson.captures_taken,
                last_lesson_planned=lesson.captures_planned,
            )

    def heard(self, lesson_id: str, report: Report, *, has_camera: bool = True) -> None:
        """Take in a worker's report. A report about another lesson than the one shown counts only in the totals.

        Args:
            lesson_id: the worker's lesson.
            report: the report.
            has_camera: False if the worker makes the register of a past lesson and knows nothing about the camera.
        """
        if report.kind == "taken":
            self.status = replace(self.status, captures_total=self.status.captures_total + 1)
        if report.kind == "missed":
            self._missed[self._word(report)] += 1
            self.status = replace(self.status, missed_total=dict(self._missed))
        if has_camera and report.kind in ("waiting", "taken", "missed"):
            self.status = replace(
                self.status, camera_fault=report.camera_fault, storage_fault=report.storage_fault or self._repairs
            )
        lesson = self.status.lesson
        if lesson is None or lesson.lesson_id != lesson_id:
            return
        if report.kind == "taken":
            lesson = replace(lesson, captures_taken=lesson.captures_taken + 1)
        elif report.kind == "missed":
            lesson = replace(lesson, captures_missed=lesson.captures_missed + 1, last_missed_reason=report.text)
        elif report.kind == "counts":
            lesson = replace(lesson, provisional=report.counts, provisional_of=report.counted or 0)
        self.status = replace(
            self.status, lesson=replace(lesson, next_capture_utc=report.next_utc or lesson.next_capture_utc)
        )

    @staticmethod
    def _word(report: Report) -> str:
        if report.untried:
            return _WORDS.get(report.text, "not_running")
        return "storage" if report.storage_fault else "camera"

    def repaired(self, notes: Sequence[str]) -> None:
        """Show the repairs at the start of the service, until the next lesson has been held."""
        self._repairs = "; ".join(notes)
        self.status = replace(self.status, storage_fault=self._repairs)

    def camera_fault(self, what: str) -> None:
        """Show that the camera does not answer; an empty text or the next picture clears this."""
        self.status = replace(self.status, camera_fault=what)

    def ended(self, reading: Reading, why: str) -> None:
        """Write to the status file why the service is ending, because no process will remain to answer."""
        self.status = replace(self.status, state="degraded", detail=why, ended_by=why, clock=reading.state, lesson=None)
        self._write(reading)

    def coming(self, following: Lesson | None, timetable_error: str, worker_restarts: int) -> None:
        """Show the next lesson, a timetable error, and the number of worker restarts."""
        self.status = replace(
            self.status,
            next_lesson_start=following.start if following else None,
            next_course=following.course if following else "",
            timetable_error=timetable_error,
            worker_restarts=worker_restarts,
        )

    def storage_fault(self, what: str) -> None:
        """Show that the databases can't be used; the next capture that is written clears this."""
        self.status = replace(self.status, storage_fault=what)

    def count_outbox(self, db: sqlite_utils.Database, reading: Reading) -> None:
        """Count the items that wait for delivery, at most once a minute.

        Another process delivers them, so the numbers come from the database.
        """
        if reading.boottime_s - self._counted_s < COUNT_EVERY_S:
            return
        self._counted_s = reading.boottime_s
        try:
            items = open_items(db)
            states = {name: destination_state(db, name).state for name in DESTINATIONS}
            last_sync = read_note(self._home.delivery_dir).began_at
        except (StoreError, OSError):
            return  # other parts, which depend on the database, report this
        self._outbox = Outbox(
            waiting={name: items.get((name, "waiting"), (0, None))[0] for name in DESTINATIONS},
            parked={name: items.get((name, "parked"), (0, None))[0] for name in DESTINATIONS},
            oldest={name: items[name, "waiting"][1] for name in DESTINATIONS if (name, "waiting") in items},
            refuses={name: state == "parked" for name, state in states.items()},
            last_sync=last_sync,
        )

    def say_lesson(self, reading: Reading, following: Lesson | None, on: Lesson | None) -> None:
        """Report the running lesson, or the next one.

        Args:
            reading: the clock.
            following: the next lesson that has not begun.
            on: the lesson that is on by the timetable.
        """
        lesson = self.status.lesson
        if lesson is None and on is not None and self.status.storage_fault:
            self.report(reading, "degraded", f"{on.course} is on, without pictures: {self.status.storage_fault}")
            return
        if lesson is None:
            when = f"next lesson {following.course} at {self.local(following.start)}" if following else ""
            over = f"no more pictures of {on.course} are wanted" if on is not None else "no lesson within a day"
            self.report(reading, "waiting", when or over)
            return
        done = lesson.captures_taken + lesson.captures_missed
        counts = f"{lesson.captures_taken} of {lesson.captures_planned} captures taken, {lesson.captures_missed} missed"
        if done >= lesson.captures_planned or lesson.end <= reading.utc:
            self.report(reading, "finalising", f"{lesson.course}: {counts}; the register is being made")
            return
        next_at = f", next at {self.local(lesson.next_capture_utc)}" if lesson.next_capture_utc else ""
        self.report(reading, "lesson", f"{lesson.course}: {counts}{next_at}")

    def report(self, reading: Reading, state: State, detail: str) -> None:
        """Write the status if it changed, and feed the watchdog. Only the loop calls this, at every turn."""
        self.status = replace(self.status, state=state, detail=detail, clock=reading.state)
        changed = self.status != self._written
        old = reading.boottime_s - self._written_s
        watchdog.feed(detail if changed else "")
        # During a lesson something changes every second. The file is in memory, but writing it takes time.
        if (changed and old >= 1.0) or old >= WRITE_EVERY_S:
            self._write(reading)

    def forget(self) -> None:
        """Remove the status file after a stop that was requested."""
        (self._home.runtime_dir / FILE).unlink(missing_ok=True)

    def local(self, at: datetime) -> str:
        """Return a time in the school's time zone as text, with the day if it is not today."""
        local = at.astimezone(self._zone)
        same_day = local.date() == datetime.now(timezone.utc).astimezone(self._zone).date()
        return local.strftime("%H:%M:%S" if same_day else "%a %d %b %H:%M")

    def _write(self, reading: Reading) -> None:
        self._written, self._written_s = self.status, reading.boottime_s
        status = replace(self.status, updated_utc=reading.utc)
        try:
            write_status(self._home.runtime_dir, status, 0o600 if self._home.home_mode else 0o640)
            write_metrics(self._home.runtime_dir, status, read_host(self._home.state_dir), self._outbox)
        except OSError as error:
            logger.warning("status can't be written", extra={"reason": error.strerror})
