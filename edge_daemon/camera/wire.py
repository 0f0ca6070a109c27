"""The protocol between daemon and camera process: JSON over a socket pair, pictures as sealed memory files.

A picture is sent in a file of `memfd_create(2)`. This is memory without a name, which the kernel frees when the last
descriptor is closed, so a `kill -9` of either side leaves nothing behind, unlike files in /dev/shm. The seals
(`fcntl(2)`, F_ADD_SEALS) guarantee that nobody changes or shortens the file. Without them a camera process that dies
could end the daemon by SIGBUS.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import socket
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from edge_daemon.types import Picture

MAX_MESSAGE_BYTES = 1 << 16
TermRequest = Literal["prepare", "capture", "close"]
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


@dataclass(frozen=True, slots=True)
class Start:
    """The first message to a camera process: the camera, as in `CameraConfig`."""

    kind: str
    source: str
    lens_position: float
    upside_down: bool
    factory: str = ""
    """`module:function` that creates the camera in place of `camera.kind`, for check-in and tests."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; only `capture` is answered."""

    number: int
    do: TermRequest
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one `capture`: a picture accompanies it, or `what` says why there is none."""

    number: int
    what: str = ""
    where: str = ""
    hint: str = ""
    refused: bool = False
    """True: the camera gave a picture, but it is unusable."""
    height_px: int = 0
    width_px: int = 0
    name: str = ""
    taken_s: float = 0.0
    """Time of the picture in seconds of CLOCK_MONOTONIC, which is the same in all processes."""
    lens_position: float | None = None
    digest: str = ""
    """Digest of all pixels. If two digests in a row are equal, the sensor is frozen."""


def encode(message: Start | Request | Reply) -> bytes:
    """Return a message as bytes."""
    return json.dumps(asdict(message)).encode("utf-8")


def decode_start(data: bytes) -> Start:
    """Return the message; raises ValueError or TypeError for other data."""
    return Start(**_object(data))


def decode_request(data: bytes) -> Request:
    """Return the message; raises ValueError or TypeError for other data."""
    return Request(**_object(data))


def decode_reply(data: bytes) -> Reply:
    """Return the message; raises ValueError or TypeError for other data."""
    return Reply(**_object(data))


def send_picture(sock: socket.socket, reply: Reply, picture: Picture) -> None:
    """Send a reply with its picture, (height, width, 3) uint8; raises OSError."""
    fd = os.memfd_create("edge-daemon picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        # Written, not mapped, so the camera process never holds the picture twice.
        view = np.ascontiguousarray(picture).data.cast("B")
        while view:
            view = view[os.write(fd, view) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        socket.send_fds(sock, [encode(reply)], [fd])
    finally:
        os.close(fd)


def receive(sock: socket.socket) -> tuple[bytes, int | None]:
    """Return the next message, and the file descriptor sent with it or None. After the last one the message is empty.

    Raises OSError.
    """
    data, fds, _, _ = socket.recv_fds(sock, MAX_MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    return data, fds[0] if fds else None


def map_picture(fd: int, height_px: int, width_px: int) -> Picture:
    """Return the picture of a memory file, (height, width, 3) uint8, without copying it. `fd` may be closed after that.

    The array's memory is private to the caller (MAP_PRIVATE) and is freed with the array.

    Raises:
        ValueError: the file is not sealed, or is smaller than the picture.
        OSError: there is no memory.
    """
    size = height_px * width_px * 3
    if fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS != _SEALS or os.fstat(fd).st_size < size or size <= 0:
        raise ValueError("not a sealed picture")
    memory = mmap.mmap(fd, size, access=mmap.ACCESS_COPY)
    return np.frombuffer(memory, np.uint8).reshape(height_px, width_px, 3)


def _object(data: bytes) -> dict[str, Any]:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("not a message")
    return value
