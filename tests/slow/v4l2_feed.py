"""Opens a v4l2loopback device for writing, so that the test supplies the pictures of a simulated camera."""

from __future__ import annotations

import fcntl
import os
import struct

_BUF_TYPE_VIDEO_OUTPUT = 2
_VIDIOC_S_FMT = 0xC0D05605


def open_feed(path: str, width_px: int, height_px: int, jpeg_bytes: int) -> int:
    """Open a device for JPEGs of one size; return the descriptor, which takes one JPEG for each write.

    Args:
        path: the device, as /dev/video42.
        jpeg_bytes: largest size of a JPEG.

    Raises:
        OSError: there is no such device, or it takes no pictures of this kind.
    """
    fd = os.open(path, os.O_RDWR)
    form = bytearray(208)
    size = (width_px, height_px, int.from_bytes(b"MJPG", "little"), 1, 0, jpeg_bytes, 8)
    struct.pack_into("<I4x7I", form, 0, _BUF_TYPE_VIDEO_OUTPUT, *size)
    fcntl.ioctl(fd, _VIDIOC_S_FMT, form)
    return fd
