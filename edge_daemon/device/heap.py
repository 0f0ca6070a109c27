"""Makes the C library return large blocks of memory to the system as soon as they are released."""

from __future__ import annotations

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
"""The parameter of mallopt(3) in glibc's malloc.h."""
_LARGE_BYTES: Final = 4 << 20
"""Size in bytes from which a block gets its own mapping, as networks and pictures do. Smaller ones stay in the heap."""


def return_large_blocks() -> bool:
    """Fix the size from which a block gets its own mapping; return False if the C library has no such setting.

    Without this call, glibc raises the size, up to 32 MiB, whenever a larger block is released. Networks and pictures
    then leave gaps in the heap, which stay in memory.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES))
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False


def return_free_pages() -> bool:
    """Return the pages of released blocks to the system; return False if the C library can't do that.

    Networks that take turns leave gaps between blocks that stay. The gaps would count as memory until a block fits
    into them. This takes a few milliseconds.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
