"""The decoder process: `python -I -m edge_daemon.gallery.decoder_child FD PARENT`, FD one end of a socket pair.

A malicious photograph may crash or take over its decoder. This process has no keys and no student data, and it can't
open files, sockets or programs. Messages are JSON; memory files carry the bytes of files and pixels.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import sys
from pathlib import Path

import cv2

from edge_daemon.device.memory_lock import lock_memory
from edge_daemon.device.syscall_filter import refuse_files_and_sockets
from edge_daemon.errors import PhotographError
from edge_daemon.gallery.photograph_decoding import decode, load_optional_decoders

_PR_SET_PDEATHSIG = 1  # prctl(2)
_MEMORY_BYTES = 768 * 2**20
"""Limit in bytes of this process's memory, in addition to that of the libraries.

The largest pictures need under 250 MB; HEIC may need more.
"""


def main() -> int:
    """Decode photographs for the parent process until it closes its end of the socket."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[2]):
        return 0  # the parent ended before the line above
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lock_memory()
    cv2.setNumThreads(1)
    load_optional_decoders()
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        _limit()
        sock.send(json.dumps({"sandboxed": refuse_files_and_sockets()}).encode())
        while True:
            message, descriptors, _, _ = socket.recv_fds(sock, 64, 1)
            if not message or not descriptors:
                return 0
            _answer(sock, descriptors[0])


def _limit() -> None:
    in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(sock: socket.socket, descriptor: int) -> None:
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            picture = decode(file.read())
    except PhotographError as error:
        sock.send(json.dumps({"what": error.what, "hint": error.hint}).encode())
        return
    except MemoryError:
        sock.send(json.dumps({"what": "needs too much memory to be decoded", "hint": "save it again as JPEG"}).encode())
        return
    finally:
        os.close(descriptor)
    result = os.memfd_create("picture")
    try:
        os.truncate(result, picture.nbytes)
        with mmap.mmap(result, picture.nbytes) as pixels:
            pixels[:] = picture.tobytes()
        message = json.dumps({"height_px": picture.shape[0], "width_px": picture.shape[1]}).encode()
        socket.send_fds(sock, [message], [result])
    finally:
        os.close(result)


if __name__ == "__main__":
    sys.exit(main())
