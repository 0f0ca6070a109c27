"""What `doctor` says of updates: whether this device has the key of whom it takes releases."""

from __future__ import annotations

from pathlib import Path

from edge_daemon.app.update.bundle import read_public_key
from edge_daemon.app.update.releases import Releases
from edge_daemon.device.check import Check


def updates_check(root: Path, *, expected: bool) -> Check:
    """Look for the maintainer's key; one that is unusable is an UpdateError.

    Args:
        root: stands before the path, for tests.
        expected: whether this is an installed device.
    """
    path = Releases(root).public_key_path
    if not path.exists():
        if not expected:
            return Check("updates", "not checked", "only an installed device takes releases")
        advice = "put the maintainer's release.pub there (docs/UPDATES.md)"
        return Check("updates", "warning", f"none can be taken, for there is no {path}", advice)
    read_public_key(path)
    return Check("updates", "good", f"releases are taken that are signed by the key in {path}")
