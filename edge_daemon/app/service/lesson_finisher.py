"""Registers of lessons that are over and were interrupted: made at once, beside the lesson that runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from edge_daemon.app.service.schedule import Schedule
from edge_daemon.app.service.status_reporter import StatusReporter
from edge_daemon.app.service.worker_pool import WorkerFailure, WorkerPool
from edge_daemon.app.service.worker_process import Task
from edge_daemon.device.clock import Reading
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons

OF_A_LESSON: Final[Sequence[Task]] = ("lesson", "finalise")
"""The tasks that are about one lesson."""
GIVE_UP_AFTER: Final = 3
"""A lesson that is over, has no picture, and failed so often will not have a register."""


class LessonFinisher:
    """Starts a worker for each such lesson, one at a time.

    Args:
        db: register.sqlite.
        pool: the workers.
        schedule: names what will never have a register.
        report: shows that a lesson is over.
    """

    def __init__(self, db: sqlite_utils.Database, pool: WorkerPool, schedule: Schedule, report: StatusReporter) -> None:
        self._db, self._pool, self._schedule, self._report = db, pool, schedule, report

    def tend(self, reading: Reading) -> None:
        """Start what has to be finished now; call at each turn, with a time that can be trusted.

        Raises:
            StoreError: register.sqlite can't be used.
        """
        for lesson_id in self._pool.troubled_lessons():
            known = lessons.get_lesson(self._db, lesson_id)
            if known is None:
                self._forget(lesson_id)
            elif known.state == "finalised":  # all but the last step was done
                self._pool.start("finalise", lesson_id, reading.boottime_s)
        for stored in lessons.running_lessons(self._db):
            lesson = stored.lesson
            if lesson.origin != "timetable" or (stored.clock != "unsynchronised" and lesson.end > reading.utc):
                continue
            if not self._pool.at("lesson", lesson.lesson_id):
                self._finish(stored, reading)

    def done(self, lesson_id: str) -> None:
        """Take in that a register was made."""
        self._forget(lesson_id)
        self._report.lesson_ends(lesson_id, finalised=True)

    def _finish(self, stored: lessons.StoredLesson, reading: Reading) -> None:
        lesson_id = stored.lesson.lesson_id
        hopeless = next((x for x in self._troubles(lesson_id) if x.failures >= GIVE_UP_AFTER), None)
        if hopeless and not lessons.captures(self._db, lesson_id):
            self._schedule.skip(stored.lesson, hopeless.reason, reading.utc)
            self._forget(lesson_id)
            self._report.lesson_ends(lesson_id, finalised=False)
        else:
            self._pool.start("finalise", lesson_id, reading.boottime_s)

    def _troubles(self, lesson_id: str) -> Iterator[WorkerFailure]:
        for task in OF_A_LESSON:
            if trouble := self._pool.trouble(task, lesson_id):
                yield trouble

    def _forget(self, lesson_id: str) -> None:
        for task in OF_A_LESSON:
            self._pool.forget(task, lesson_id)
