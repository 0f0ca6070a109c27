"""Finds the /dev/video* node of a camera: one camera has several nodes, and their numbers change.

Source: Linux Media userspace API, VIDIOC_QUERYCAP and VIDIOC_S_CTRL (docs.kernel.org/userspace-api/media).
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_daemon.errors import CameraError

_VIDIOC_QUERYCAP = 0x80685600
_QUERYCAP = struct.Struct("16s32s32s3I12x")
_CAN_CAPTURE, _CAN_CAPTURE_PLANES = 0x1, 0x1000
_VIDIOC_S_CTRL = 0xC008561C
_EXPOSURE_AUTO_PRIORITY = 0x009A0903
_VIDEO_MAJOR = 81
_CSI_DRIVERS = frozenset(("unicam", "rp1-cfe", "bcm2835-isp", "pispbe", "bcm2835-codec"))
"""Drivers of a Raspberry Pi's own camera, which only libcamera can use."""


@dataclass(frozen=True, slots=True)
class Node:
    """A /dev/video* node that gives pictures."""

    path: str
    name: str
    """Name that the device reports; two devices of one model have the same name."""
    bus: str
    """Physical connection of the device."""


def find_node(source: str, nodes: Iterable[Node] | None = None) -> str:
    """Return the path of the camera that `source` names.

    Args:
        source: empty for the first camera, a number N for /dev/videoN, a path, or a camera's name.
        nodes: the attached cameras; None: search for them.

    Raises:
        CameraError: no camera matches, the node is not a camera, or two cameras have this name.
    """
    if source.isdecimal():
        return _checked(f"/dev/video{int(source)}")
    if source.startswith("/"):
        return _checked(source)
    found = list(list_nodes() if nodes is None else nodes)
    named = [node for node in found if source in ("", node.name)]
    if not named:
        what = f"there is no camera with the name {source}" if source else "there is no camera"
        raise CameraError(what, "camera.source", f"attached: {_listed(found)}" if found else "is its cable in?")
    if source and len(named) > 1:
        hint = f"name one by its place, as in /dev/v4l/by-path: {_listed(named)}"
        raise CameraError(f"{len(named)} cameras have the name {source}", "camera.source", hint)
    return named[0].path


def list_nodes() -> list[Node]:
    """Return every node that gives pictures, by number, except those for libcamera."""
    paths = [path for path in Path("/dev").glob("video*") if path.name[5:].isdecimal()]
    asked = (_node(str(path)) for path in sorted(paths, key=lambda path: int(path.name[5:])))
    return [node for node in asked if node is not None]


def keep_exposure_short(path: str) -> None:
    """Ask a camera to keep its frame rate in low light, so that its exposure stays short; raises OSError."""
    with Path(path).open("rb+", buffering=0) as device:
        fcntl.ioctl(device, _VIDIOC_S_CTRL, struct.pack("Ii", _EXPOSURE_AUTO_PRIORITY, 0))


def _checked(path: str) -> str:
    try:
        status = Path(path).stat()
    except OSError as error:
        raise CameraError("there is no such camera", path, f"attached: {_listed(list_nodes())}") from error
    if not stat.S_ISCHR(status.st_mode) or os.major(status.st_rdev) != _VIDEO_MAJOR:
        raise CameraError("is not a video device", path, "name one as in /dev/video0 or /dev/v4l/by-path/...")
    if not os.access(path, os.R_OK | os.W_OK):
        raise CameraError("no permission to read the camera", path, "the user must be in the group video")
    if _node(path) is None:
        raise CameraError("is a video device, but no camera for v4l2", path, f"attached: {_listed(list_nodes())}")
    return path


def _node(path: str) -> Node | None:
    """Return the node with the name and bus that its device reports.

    The result is None if the device gives no pictures, or gives them only through libcamera.
    """
    answer = bytearray(_QUERYCAP.size)
    try:
        with Path(path).open("rb", buffering=0) as device:
            fcntl.ioctl(device, _VIDIOC_QUERYCAP, answer)
    except OSError:
        return None
    driver, name, bus, _, _, can = _QUERYCAP.unpack(answer)
    if not can & (_CAN_CAPTURE | _CAN_CAPTURE_PLANES) or _text(driver) in _CSI_DRIVERS:
        return None
    return Node(path, _text(name), _text(bus))


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")


def _listed(nodes: Iterable[Node]) -> str:
    return ", ".join(f"{node.path} ({node.name}, {node.bus})" for node in nodes) or "none"
