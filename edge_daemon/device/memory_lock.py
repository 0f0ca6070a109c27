"""Faces and keys stay in memory: what this process holds is never written to a swap, with or without cgroups."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Final

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
"""mlockall(2). On fault: what is never touched takes no memory by being locked."""
_CAP_IPC_LOCK: Final = 1 << 14


def lock_memory() -> bool:
    """Lock all that this process has in memory and will have; False where the system does not allow it.

    The units allow it (`LimitMEMLOCK=infinity`), and root may. Other shells have a limit, under which a process
    that locks everything soon gets no more memory: then nothing is locked. A lock ends with exec(2), so that each
    program calls this.
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
