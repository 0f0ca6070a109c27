"""One check of an installation: what was found, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_daemon.errors import EdgeError

LEAST_FREE_MB = 500


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    state: Literal["good", "warning", "bad"]
    found: str
    advice: str = ""


def checked(name: str, look: Callable[[], Check]) -> Check:
    """Return what a check finds; an error that it meets is what it finds."""
    try:
        return look()
    except EdgeError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        return Check(name, "bad", what, error.todo)


def disk(folder: Path) -> Check:
    """Say whether the disk that holds a folder has room; the folder need not be there yet."""
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    if free_mb < LEAST_FREE_MB:
        return Check("disk", "warning", f"{free_mb} MB free", f"make room: {LEAST_FREE_MB} MB at least")
    return Check("disk", "good", f"{free_mb} MB free")
