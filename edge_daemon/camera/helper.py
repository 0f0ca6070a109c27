"""The camera process as seen by its parent: start it, send requests with a deadline, and kill it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

from edge_daemon.camera import wire
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from edge_daemon.interpreter import WORKING_DIRECTORY, isolated
from edge_daemon.types import Picture

_CHILD = "edge_daemon.camera.child"
_KILL_WAIT_S = 0.5
"""Longest wait in seconds for a killed process to end. In a driver call it ends only when the driver returns."""


class Helper:
    """A running camera process.

    Create it in a thread that lives at least as long, because the kernel ends the process together with that thread.
    """

    def __init__(self, settings: CameraConfig, factory: str) -> None:
        """Start the process, and do not wait until it runs; raises CameraError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [*isolated(_CHILD), str(theirs.fileno()), str(os.getpid())]
        # A process that runs camera drivers gets no credentials.
        environment = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
        # The child starts in another folder, so the path must be absolute.
        is_path = settings.kind == "files" and settings.source
        source = str(Path(settings.source).absolute()) if is_path else settings.source
        start = wire.Start(settings.kind, source, settings.lens_position, settings.upside_down, factory)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
                cwd=WORKING_DIRECTORY,
            )
            ours.setblocking(False)
            ours.send(wire.encode(start))
        except OSError as error:
            ours.close()
            raise CameraError(f"the camera process can't be started: {error.strerror}") from error
        finally:
            theirs.close()
        self._socket = ours

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def send(self, request: wire.Request) -> None:
        """Send a request and do not wait for the answer.

        If the process has ended or does not read the request, no error is raised; the answer is then missing.
        """
        with contextlib.suppress(OSError):
            self._socket.send(wire.encode(request))

    def ask(self, request: wire.Request, deadline_s: float) -> tuple[wire.Reply, Picture | None]:
        """Send a request, and return the reply and the picture, or None if the reply says why there is no picture.

        Raises:
            TimeoutError: no answer before `deadline_s`, a time of the monotonic clock.
            ConnectionError: the process ended.
            ValueError: the answer is malformed.
            OSError: there is no memory for the picture.
        """
        self.send(request)
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while True:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                raise TimeoutError
            data, fd = wire.receive(self._socket)
            try:
                reply = _understood(data)
                if reply.number == request.number:  # otherwise it answers an earlier request that timed out
                    return reply, None if fd is None else wire.map_picture(fd, reply.height_px, reply.width_px)
            except TypeError as error:
                raise ValueError("not a reply") from error
            finally:
                if fd is not None:
                    os.close(fd)

    def why_ended(self) -> str:
        """Return in words how the process ended. Call it only if the process has ended or is about to."""
        try:
            code = self._process.wait(_KILL_WAIT_S)
        except subprocess.TimeoutExpired:
            return "the camera process closed its connection"
        if code < 0:
            return f"the camera process was ended by {_signal_name(-code)}"
        return f"the camera process ended with code {code}"

    def stop(self, wait_s: float) -> None:
        """Let the process close its camera and end. If this takes more than `wait_s` seconds, kill it."""
        self._socket.close()
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the process. The call returns within half a second, even if a driver blocks the process."""
        self._process.kill()
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # subprocess reaps it at its next start of a process
            self._process.wait(_KILL_WAIT_S)


def _understood(data: bytes) -> wire.Reply:
    if not data:
        raise ConnectionError
    return wire.decode_reply(data)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
