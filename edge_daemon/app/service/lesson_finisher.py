"""Finishes lessons that did not run to their end: interrupted, called off or moved.

This may happen while another lesson runs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from edge_daemon.app.capture.missed_reasons import CALLED_OFF
from edge_daemon.app.service.schedule import Schedule
from edge_daemon.app.service.status_reporter import StatusReporter
from edge_daemon.app.service.worker_pool import WorkerFailure, WorkerPool
from edge_daemon.app.service.worker_process import Task
from edge_daemon.device.clock import Reading
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons

logger = logging.getLogger(__name__)

OF_A_LESSON: Final[Sequence[Task]] = ("lesson", "finalise")
"""The tasks that belong to one lesson."""
GIVE_UP_AFTER: Final = 3
"""After this many failures, a lesson that is over and has no picture gets no register."""


class LessonFinisher:
    """Starts a worker for each lesson that needs its register now, one at a time.

    Args:
        db: register.sqlite.
        pool: the workers.
        schedule: records lessons that will never have a register.
        report: shows that a lesson is over.
    """

    def __init__(self, db: sqlite_utils.Database, pool: WorkerPool, schedule: Schedule, report: StatusReporter) -> None:
        self._db, self._pool, self._schedule, self._report = db, pool, schedule, report

    def tend(self, reading: Reading) -> None:
        """Start the workers that have to finish a lesson now; call at each turn with a trusted time.

        Raises:
            StoreError: register.sqlite can't be used.
        """
        for lesson_id in self._pool.troubled_lessons():
            known = lessons.get_lesson(self._db, lesson_id)
            if known is None:
                self._forget(lesson_id)
            elif known.state == "finalised":  # only the last step, erasing the candidates, is missing
                self._pool.start("finalise", lesson_id, reading.boottime_s)
        for stored in lessons.running_lessons(self._db):
            lesson = stored.lesson
            if lesson.origin != "timetable":
                continue
            if stored.clock != "unsynchronised" and lesson.end > reading.utc:
                self._look_at_running(stored, reading)
            elif not self._pool.at("lesson", lesson.lesson_id):
                self._finish(stored, reading)

    def done(self, lesson_id: str) -> None:
        """Note that a register was made."""
        self._forget(lesson_id)
        self._report.lesson_ends(lesson_id, finalised=True)

    def _look_at_running(self, stored: lessons.StoredLesson, reading: Reading) -> None:
        """End a lesson that is called off; discard one that was moved, so that it begins again at its new time."""
        lesson_id = stored.lesson.lesson_id
        found = self._schedule.standings.get(lesson_id)
        if found is None or not self._schedule.is_ended(lesson_id, reading.utc):
            return  # a lesson that the timetable no longer has goes on, and the office is asked at its end
        if worker := self._pool.at("lesson", lesson_id):
            worker.stop()
        elif found.moved is None:
            if not self._pool.at("finalise", lesson_id) and not self._pool.trouble("finalise", lesson_id):
                self._pool.outages.note(reading.boottime_s, reading.boottime_s, CALLED_OFF)
            self._pool.start("finalise", lesson_id, reading.boottime_s)
        else:
            lessons.discard_lesson(self._db, lesson_id)  # the plan keeps its seed
            logger.warning("lesson moved", extra={"lesson_id": lesson_id})
            self._report.lesson_ends(lesson_id, finalised=False)
            self._schedule.look_again()

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
