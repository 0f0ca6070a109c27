"""Locks this process's memory, so that faces and keys are never written to swap."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Final

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
"""Flags of mlockall(2). With `_ON_FAULT`, a page is locked at its first use; unused pages take no memory."""
_CAP_IPC_LOCK: Final = 1 << 14


def lock_memory() -> bool:
    """Lock all present and future memory of this process; return False if the system does not allow it.

    The program's units allow it (`LimitMEMLOCK=infinity`), and root may always do it. An ordinary shell has a limit, at
    which a process with locked memory gets no more, so nothing is locked there. A call of exec(2) ends a lock, so each
    program must call this function.
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
