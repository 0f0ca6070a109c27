"""The camera process: `python -I -m edge_daemon.camera.child FD`, where FD is its end of a socket pair.

A driver that hangs or crashes affects only this process. The process has no keys, student data or databases, and ends
with its parent.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack

import numpy as np

from edge_daemon.camera import wire
from edge_daemon.camera.base import Camera
from edge_daemon.camera.exposure_check import digest_of, fault_of
from edge_daemon.camera.factory import open_camera
from edge_daemon.config import CameraConfig
from edge_daemon.device import journal
from edge_daemon.device.memory_lock import lock_memory
from edge_daemon.errors import CameraError
from edge_daemon.types import Frame, Picture

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1  # prctl(2)
_MAX_WORDS = 200


def main() -> int:
    """Answer the parent's requests until it closes its end of the socket pair; return the exit code."""
    _end_with_parent(int(sys.argv[2]))
    lock_memory()
    # The parent decides when the current picture is finished; Ctrl-C and systemd's SIGTERM reach the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    journal.set_up()
    journal.silence_libraries()
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        try:
            if data := wire.receive(sock)[0]:
                _serve(sock, wire.decode_start(data))
        except ConnectionError:
            pass  # the parent ended while it was being answered
    return 0


def _serve(sock: socket.socket, start: wire.Start) -> None:
    """Answer one request after the other."""
    with _HeldCamera(start) as held:
        while data := wire.receive(sock)[0]:
            request = wire.decode_request(data)
            if request.do == "close":
                held.close()
            elif request.do == "prepare":
                held.prepare()
            else:
                _answer(sock, held, request)


def _answer(sock: socket.socket, held: _HeldCamera, request: wire.Request) -> None:
    try:
        frame, taken_s = held.capture(request.slot)
    except CameraError as error:
        what, where, hint = (text[:_MAX_WORDS] for text in (error.what, error.where, error.hint))
        sock.send(wire.encode(wire.Reply(request.number, what, where, hint)))
        return
    if fault := fault_of(frame.picture):
        sock.send(wire.encode(wire.Reply(request.number, fault, refused=True)))
        return
    height, width = frame.picture.shape[:2]
    reply = wire.Reply(
        request.number,
        height_px=height,
        width_px=width,
        name=frame.name,
        taken_s=taken_s,
        lens_position=held.lens_position,
        digest=digest_of(frame.picture),
    )
    wire.send_picture(sock, reply, frame.picture)


class _HeldCamera:
    """The camera of this process, which may be open or closed.

    `capture` raises a CameraError in place of every exception of a camera library; `prepare` and `close` only log them.
    """

    def __init__(self, start: wire.Start) -> None:
        self._settings = CameraConfig(
            start.kind, start.source, lens_position=start.lens_position, upside_down=start.upside_down
        )
        self._factory = start.factory
        self._open = ExitStack()
        self._camera: Camera | None = None

    def __enter__(self) -> _HeldCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def lens_position(self) -> float | None:
        """Lens position at the last picture, in dioptres."""
        return None if self._camera is None else self._camera.lens_position

    def prepare(self) -> None:
        """Open the camera if it is closed, and start it.

        A failure is ignored here, because `capture` tries again and reports it.
        """
        try:
            self._opened().prepare()
        except Exception:  # the edge of the process: camera libraries raise exceptions of any type
            logger.debug("camera did not wake", exc_info=True)

    def capture(self, slot: int) -> tuple[Frame, float]:
        """Return the upright frame and its CLOCK_MONOTONIC time in seconds; raises CameraError."""
        try:
            frame = self._opened().capture(slot)
            taken_s = time.monotonic()
        except CameraError:
            raise
        except Exception as error:  # the edge of the process: camera libraries raise exceptions of any type
            logger.exception("camera library failed")
            raise CameraError(f"the camera failed: {_first_line(error)}") from error
        return Frame(slot, frame.name, _turned(frame.picture, self._settings.upside_down), frame.taken_at), taken_s

    def close(self) -> None:
        """Release the camera; the next request opens it."""
        self._camera = None
        try:
            self._open.close()
        except Exception:  # a camera that failed once may fail again when it is closed
            logger.warning("camera did not close", exc_info=journal.shows_tracebacks())

    def _opened(self) -> Camera:
        if self._camera is None:
            self._camera = self._open.enter_context(open_camera(self._settings, self._factory))
        return self._camera


def _turned(picture: Picture, upside_down: bool) -> Picture:
    """Return the picture, rotated by 180 degrees if the camera is mounted upside down."""
    return np.ascontiguousarray(picture[::-1, ::-1]) if upside_down else picture


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _end_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process with its parent, even while a driver blocks it."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(0)  # the parent ended before the kernel was asked


if __name__ == "__main__":
    sys.exit(main())
