"""Keeps faces and keys in memory: this process's data is never written to swap, with or without cgroups."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Final

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
"""mlockall(2). On fault: memory that is never touched is not allocated by the lock."""
_CAP_IPC_LOCK: Final = 1 << 14


def lock_memory() -> bool:
    """Lock all present and future memory of this process; return False if the system does not allow it.

    The units allow it (`LimitMEMLOCK=infinity`), and so does root. Other shells have a limit, under which a process
    with locked memory soon gets no more of it, so nothing is locked. A lock ends with exec(2), so each program calls
    this.
    """
    if not _is_allowed():
        return False
    return bool(ctypes.CDLL(None).mlockall(_CURRENT | _FUTURE | _ON_FAULT) == 0)


def _is_allowed() -> bool:
    try:
        import resource  # an office's Windows has none, and nothing to lock
    except ImportError:
        return False
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    try:
        found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    except (OSError, ValueError):
        return False
    return found is not None and bool(int(found[1], 16) & _CAP_IPC_LOCK)
