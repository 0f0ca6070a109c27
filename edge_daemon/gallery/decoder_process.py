"""Decodes photographs in a separate process with a deadline, so that a malicious photograph affects only itself."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import time
from types import TracebackType
from typing import Final

import numpy as np

from edge_daemon.errors import PhotographError
from edge_daemon.gallery.photograph_decoding import WORKING_SIDE_PX
from edge_daemon.interpreter import WORKING_DIRECTORY, isolated
from edge_daemon.types import Picture

DEADLINE_S: Final = 30.0
"""Longest time for one photograph, in seconds. It was not checked on a Raspberry Pi."""
START_S: Final = 60.0
"""Longest time for loading the libraries from a busy card, in seconds."""
_KILL_WAIT_S: Final = 5.0
_CHILD: Final = "edge_daemon.gallery.decoder_child"
_CRASHED: Final = "made its decoder crash"


class DecoderProcess:
    """Decodes photographs one by one. The first call starts the process; a call after a crash restarts it.

    Args:
        deadline_s: longest time for one photograph.
        command: for tests; the command that starts the process, to which a descriptor and this process's id are added.
    """

    def __init__(self, *, deadline_s: float = DEADLINE_S, command: tuple[str, ...] = ()) -> None:
        self._deadline_s, self._command = deadline_s, command or isolated(_CHILD)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self.sandboxed = False
        """Whether the kernel denies the process access to files and sockets."""

    def __enter__(self) -> DecoderProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, data: bytes) -> Picture:
        """Return the decoded photograph, as `photograph_decoding.decode` does.

        Raises:
            PhotographError: the photograph can't be decoded, takes too long, or makes its decoder crash.
        """
        if self._socket is None:
            self._start()
        assert self._socket is not None
        try:
            _send(self._socket, data)
            reply, descriptors = _received(self._socket, time.monotonic() + self._deadline_s)
        except TimeoutError as error:
            self.close()
            what = f"took longer than {self._deadline_s:.0f} s to be decoded"
            raise PhotographError(what, hint="save it again as JPEG") from error
        except (OSError, ValueError) as error:
            self.close()
            raise PhotographError(_CRASHED, hint="save it again as JPEG") from error
        try:
            return _picture(reply, descriptors)
        except (OSError, ValueError, TypeError, KeyError) as error:
            self.close()
            raise PhotographError(_CRASHED, hint="save it again as JPEG") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def close(self) -> None:
        """End the process."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_KILL_WAIT_S)
            self._process = None

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A process that decodes untrusted files gets no keys.
        environment = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
        try:
            self._process = subprocess.Popen(
                [*self._command, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
                cwd=WORKING_DIRECTORY,
            )
            self._socket = ours
            reply, _ = _received(ours, time.monotonic() + START_S)
            self.sandboxed = reply.get("sandboxed") is True
        except (OSError, ValueError) as error:
            self.close()
            ours.close()
            raise PhotographError("the decoder can't be started", hint="see whether memory is left") from error
        finally:
            theirs.close()


def _send(sock: socket.socket, data: bytes) -> None:
    descriptor = os.memfd_create("photograph")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        socket.send_fds(sock, [b"decode"], [descriptor])
    finally:
        os.close(descriptor)


def _received(sock: socket.socket, deadline_s: float) -> tuple[dict[str, object], list[int]]:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    left_s = deadline_s - time.monotonic()
    if left_s <= 0 or not poll.poll(left_s * 1000):
        raise TimeoutError
    message, descriptors, _, _ = socket.recv_fds(sock, 1 << 12, 1)
    if not message:
        raise ConnectionError
    reply = json.loads(message)
    if not isinstance(reply, dict):
        raise ValueError("not an answer")
    return reply, list(descriptors)


def _picture(reply: dict[str, object], descriptors: list[int]) -> Picture:
    if "what" in reply:
        raise PhotographError(str(reply["what"])[:200], "", str(reply.get("hint", ""))[:200])
    height_px, width_px = reply["height_px"], reply["width_px"]
    if not (isinstance(height_px, int) and isinstance(width_px, int) and descriptors):
        raise ValueError("not an answer")
    if not (0 < height_px <= WORKING_SIDE_PX and 0 < width_px <= WORKING_SIDE_PX):
        raise ValueError("not an answer")
    size = height_px * width_px * 3
    # Read, not mapped, because the other side could shorten a mapped file.
    pixels = os.pread(descriptors[0], size, 0)
    if len(pixels) != size:
        raise ValueError("not an answer")
    picture: Picture = np.frombuffer(pixels, np.uint8).reshape(height_px, width_px, 3).copy()
    return picture
