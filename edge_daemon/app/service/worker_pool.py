"""The running workers: starts them, reads their reports, kills those that hang, and retries after a pause."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_daemon.app.capture.outages import Outages
from edge_daemon.app.capture.worker_report import Report
from edge_daemon.app.service.worker_process import BESIDE_A_LESSON, Task, WorkerProcess
from edge_daemon.home import Home

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0
HUNG = "its process hung and was ended"
STOPPED = 75
"""The exit code of a worker that was asked to stop (worker.py)."""


@dataclass(slots=True)
class WorkerFailure:
    """A task that has failed several times in a row."""

    failures: int
    again_at_s: float
    reason: str
    since_s: float
    """When the task last worked before the first failure, in seconds since boot."""
    no_camera: bool = False


class WorkerPool:
    """Starts and ends workers; only one at a time has the camera.

    Args:
        home: the installation.
        command: how to start a worker.
        heard: called with every report.
    """

    def __init__(self, home: Home, command: Sequence[str], heard: Callable[[WorkerProcess, Report], None]) -> None:
        self._home, self._command, self._heard = home, command, heard
        self._workers: list[WorkerProcess] = []
        self._troubles: dict[tuple[Task, str], WorkerFailure] = {}
        self._alive_s: dict[WorkerProcess, float] = {}
        self.outages = Outages()
        """Why there were no pictures, as reported by workers and by the service."""
        self.restarts = 0

    @property
    def fds(self) -> list[int]:
        """File descriptors that become readable when a worker sends a report."""
        return [worker.fd for worker in self._workers if not worker.hung_up]

    def at(self, task: Task, lesson_id: str = "") -> WorkerProcess | None:
        """Return the worker of a task, None if there is none."""
        return next((w for w in self._workers if (w.task, w.lesson_id) == (task, lesson_id)), None)

    def trouble(self, task: Task, lesson_id: str = "") -> WorkerFailure | None:
        """Return the failure of a task, None if its last attempt did not fail."""
        return self._troubles.get((task, lesson_id))

    @property
    def idle(self) -> bool:
        """Whether no worker is running."""
        return not self._workers

    def troubled_lessons(self) -> list[str]:
        """Return the ids of lessons whose last worker failed."""
        return sorted({lesson_id for task, lesson_id in self._troubles if task in ("lesson", "finalise")})

    def pause_s(self, now_s: float) -> float:
        """Return the seconds until a failed task may be retried; infinite if none is waiting."""
        left_s = (trouble.again_at_s - now_s for trouble in self._troubles.values())
        return min((one_s for one_s in left_s if one_s > 0), default=float("inf"))

    def worst(self) -> WorkerFailure | None:
        """Return the task failure with the most failures in a row, None if no task fails."""
        return max(self._troubles.values(), key=lambda trouble: trouble.failures, default=None)

    def forget(self, task: Task, lesson_id: str) -> None:
        """Forget the failure of a task that was given up."""
        self._troubles.pop((task, lesson_id), None)

    def start(self, task: Task, lesson_id: str, now_s: float) -> WorkerProcess | None:
        """Start a worker, unless the task is running, the camera is in use, or the task failed a moment ago.

        Two tasks run beside the worker that has the camera, one at a time: making the register of a past lesson, and
        putting a new calendar into force.
        """
        trouble = self.trouble(task, lesson_id)
        if self.at(task, lesson_id) or (trouble and now_s < trouble.again_at_s):
            return None
        if any(worker.camera_free == (task in BESIDE_A_LESSON) for worker in self._workers):
            return None
        try:
            for one in (self.trouble("lesson", lesson_id), trouble) if task == "finalise" else (trouble,):
                if one:
                    self.outages.note(one.since_s, now_s, one.reason)
            past = self.outages.at_start(now_s) if task in ("lesson", "finalise") else ()
            worker = WorkerProcess(self._command, self._home, task, lesson_id, past)
        except OSError as error:
            self._fail((task, lesson_id), f"its process can't be started: {error.strerror}", now_s, now_s)
            logger.warning("worker failed", extra={"task": task, "lesson_id": lesson_id, "reason": error.strerror})
            return None
        self._workers.append(worker)
        self._alive_s[worker] = now_s
        logger.info("worker started", extra={"task": task, "lesson_id": lesson_id})
        return worker

    def hear(self, now_s: float) -> None:
        """Read the workers' reports, kill workers that hang, and note those that have ended."""
        for worker in list(self._workers):
            self._take_in_all(worker, now_s)
            # Checked after reading the reports, because the service itself may have been suspended. A closed pipe is
            # handled at once, because nothing else wakes the loop for it.
            if worker.stalled or (worker.hung_up and not worker.wait(2.0)):
                logger.error("worker hangs", extra={"task": worker.task, "lesson_id": worker.lesson_id})
                worker.kill()
                self._take_in(worker, Report("failed", text=HUNG), now_s)
            code = worker.exit_code()
            if code is not None:
                self._take_in_all(worker, now_s)
                self._ended(worker, code, now_s)

    def stop(self, *, task: Task | None = None) -> None:
        """Ask workers to end after the current picture."""
        for worker in self._workers:
            if task is None or worker.task == task:
                worker.stop()

    def end(self, seconds: float) -> None:
        """Wait at most this long for all workers to end, then kill those that still run."""
        until_s = time.monotonic() + seconds
        for worker in self._workers:
            if not worker.wait(max(0.0, until_s - time.monotonic())):
                worker.kill()
            worker.close()
        self._workers.clear()

    def dump_stacks(self) -> None:
        """Make every worker write the stacks of its threads to the log."""
        for worker in self._workers:
            worker.dump_stacks()

    def _take_in_all(self, worker: WorkerProcess, now_s: float) -> None:
        for report in worker.reports():
            self._take_in(worker, report, now_s)

    def _take_in(self, worker: WorkerProcess, report: Report, now_s: float) -> None:
        key = (worker.task, worker.lesson_id)
        if report.kind not in ("no_camera", "failed"):
            self._alive_s[worker] = now_s
        if report.kind == "closing":
            worker.camera_free = True
        if report.kind in ("no_camera", "failed"):
            worker.failure_reason = True
            self._fail(key, report.text, now_s, self._alive_s[worker], no_camera=report.kind == "no_camera")
        elif report.kind in ("taken", "done"):
            self._troubles.pop(key, None)
        self._heard(worker, report)

    def _ended(self, worker: WorkerProcess, code: int, now_s: float) -> None:
        self._workers.remove(worker)
        alive_s = self._alive_s.pop(worker)
        worker.close()
        if code in (0, STOPPED):
            return
        self.restarts += 1
        key = (worker.task, worker.lesson_id)
        if not worker.failure_reason:
            why = f"its process was killed by signal {-code}" if code < 0 else f"exit code {code}"
            self._fail(key, why, now_s, alive_s)
        logger.warning(
            "worker failed",
            extra={"task": worker.task, "lesson_id": worker.lesson_id, "reason": self._troubles[key].reason},
        )

    def _fail(
        self, key: tuple[Task, str], reason: str, now_s: float, alive_s: float, *, no_camera: bool = False
    ) -> None:
        before = self._troubles.get(key)
        failures, since_s = (before.failures + 1, before.since_s) if before else (1, alive_s)
        pause_s = min(FIRST_PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S)
        self._troubles[key] = WorkerFailure(failures, now_s + pause_s, reason, since_s, no_camera)
