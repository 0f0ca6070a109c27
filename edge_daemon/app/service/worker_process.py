"""The service's side of a worker process: starts it, reads its reports, ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from edge_daemon.app.capture.outages import Outage
from edge_daemon.app.capture.worker_report import Report, decode
from edge_daemon.home import Home
from edge_daemon.interpreter import WORKING_DIRECTORY, isolated

Task = Literal["check", "lesson", "untimed", "settle", "inbox", "finalise", "timetable"]

BESIDE_A_LESSON: tuple[Task, ...] = ("finalise", "timetable")
"""Tasks that need neither camera nor networks, and therefore need no gap between lessons."""
COMMAND = isolated("edge_daemon.app.service.worker")
STALL_S = 120.0
"""Seconds without a report after which a worker counts as hung.

The longest step, a capture on a slow board, takes a tenth of this time.
"""


class WorkerProcess:
    """A running worker.

    Args:
        command: how to start a worker.
        home: the installation.
        task: the task of the worker.
        lesson_id: the lesson, for the tasks `lesson` and `finalise`.
        outages: why no pictures were taken before.

    Raises:
        OSError: the process can't be started, because memory or the number of processes is exhausted.
    """

    def __init__(
        self, command: Sequence[str], home: Home, task: Task, lesson_id: str = "", outages: Iterable[Outage] = ()
    ) -> None:
        self.task, self.lesson_id = task, lesson_id
        self.camera_free = task in ("settle", "inbox", *BESIDE_A_LESSON)
        """True once the worker no longer needs the camera, so that the next lesson can begin."""
        self.failure_reason = False
        """True once the worker has reported why it failed."""
        self.hung_up = False
        """True once the worker has closed its end of the pipe."""
        self._buffer = b""
        self._heard_s = time.monotonic()
        self.fd, writing = os.pipe()
        os.set_blocking(self.fd, False)
        past = [text for x in outages for text in ("--outage", f"{x.since_s}", f"{x.until_s}", x.reason)]
        place = ("--home", str(home.state_dir.absolute())) if home.home_mode else ()
        try:
            # The worker gets a session of its own: Ctrl-C reaches only the service, and one kill also ends the camera
            # process. Nothing is ever written to its stdin. When the service dies, stdin closes and the worker ends.
            self._process = subprocess.Popen(
                [*command, "--report", str(writing), *place, *past, "--", task, *([lesson_id] if lesson_id else [])],
                stdin=subprocess.PIPE,
                pass_fds=(writing,),
                start_new_session=True,
                cwd=WORKING_DIRECTORY,
            )
        except OSError:
            os.close(self.fd)
            raise
        finally:
            os.close(writing)

    @property
    def stalled(self) -> bool:
        """Whether the worker was silent for too long."""
        return time.monotonic() - self._heard_s > STALL_S

    def reports(self) -> Iterator[Report]:
        """Yield the reports since the last call; never waits."""
        while True:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                return
            if not data:
                self.hung_up = True
                return
            self._heard_s = time.monotonic()
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            for line in lines:
                yield decode(line)

    def exit_code(self) -> int | None:
        """Return the exit code, None while the worker runs; a negative code is the signal that killed it."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Wait for the worker to end; return whether it did."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Ask the worker to end after the current picture."""
        self._process.terminate()

    def dump_stacks(self) -> None:
        """Make the worker write the stacks of its threads to the log."""
        self._process.send_signal(signal.SIGUSR1)

    def kill(self) -> None:
        """Kill the worker and its camera process now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Release the pipes of a worker that has ended, and kill its camera process."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self.fd)
        if self._process.stdin:
            self._process.stdin.close()
