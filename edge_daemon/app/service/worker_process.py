"""The service's side of a worker: starting it, hearing it, ending it."""

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
"""Tasks that need neither camera nor networks, so that they do not wait for a gap between lessons."""
COMMAND = isolated("edge_daemon.app.service.worker")
STALL_S = 120.0
"""A worker that was silent for so long hangs: the longest step, a capture on a slow board, takes a tenth of it."""


class WorkerProcess:
    """A running worker.

    Args:
        command: how to start one.
        home: where settings and databases are.
        task: what it shall do.
        lesson_id: of the tasks `lesson` and `finalise`.
        outages: why no pictures were taken before.

    Raises:
        OSError: no process can be started: no memory, or too many of them.
    """

    def __init__(
        self, command: Sequence[str], home: Home, task: Task, lesson_id: str = "", outages: Iterable[Outage] = ()
    ) -> None:
        self.task, self.lesson_id = task, lesson_id
        self.camera_free = task in ("settle", "inbox", *BESIDE_A_LESSON)
        """True once it needs the camera no more, so that the next lesson can begin while this one is finalised."""
        self.failure_reason = False
        """True once it has reported why it failed."""
        self.hung_up = False
        """True once nothing more will come from it."""
        self._buffer = b""
        self._heard_s = time.monotonic()
        self.fd, writing = os.pipe()
        os.set_blocking(self.fd, False)
        past = [text for x in outages for text in ("--outage", f"{x.since_s}", f"{x.until_s}", x.reason)]
        place = ("--home", str(home.state_dir.absolute())) if home.home_mode else ()
        try:
            # A session of its own: Ctrl-C is for the service alone, and one kill reaches the camera process, too.
            # Nothing is ever written to its stdin, which closes when the service dies: that ends the worker.
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
        """Whether it was silent for too long."""
        return time.monotonic() - self._heard_s > STALL_S

    def reports(self) -> Iterator[Report]:
        """Yield what it has told since the last call; never waits."""
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
        """Return its exit code, None while it runs; negative: the signal that killed it."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it came."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Ask it to end after the picture in hand."""
        self._process.terminate()

    def dump_stacks(self) -> None:
        """Have it write the stacks of its threads to the log."""
        self._process.send_signal(signal.SIGUSR1)

    def kill(self) -> None:
        """End it and its camera process now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Give back what is left of one that has ended; its camera process, too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self.fd)
        if self._process.stdin:
            self._process.stdin.close()
