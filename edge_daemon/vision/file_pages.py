"""Takes the pages of a network's file out of memory once the interpreter has its own copy of the weights."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

_MAPS: Final = Path("/proc/self/maps")
_MADV_DONTNEED: Final = 4
"""The advice of madvise(2) in Linux: the pages may go. If they are read again, they come from the file again."""


def release(file: Path) -> int:
    """Take the pages of a file out of this process's memory, wherever it is mapped for reading only.

    An interpreter maps its file, arranges the weights in memory of its own, and hardly reads the file again.

    Returns:
        The number of bytes that were mapped; 0 if there are none, or if the system is not Linux.
    """
    try:
        name = os.path.realpath(file)
        found = [line.split(maxsplit=5) for line in _MAPS.read_text(errors="surrogateescape").splitlines()]
        advise = ctypes.CDLL(None).madvise
    except (AttributeError, OSError, TypeError):  # not Linux
        return 0
    released = 0
    for fields in found:
        if len(fields) == 6 and fields[5] == name and "w" not in fields[1]:
            begin, end = (int(number, 16) for number in fields[0].split("-"))
            if advise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED) == 0:
                released += end - begin
    return released
