"""The check of `doctor` about updates: whether this device has the maintainer's key."""

from __future__ import annotations

from pathlib import Path

from edge_daemon.app.update.bundle import read_public_key
from edge_daemon.app.update.releases import Releases
from edge_daemon.device.check import Check


def updates_check(root: Path, *, expected: bool) -> Check:
    """Check the maintainer's key.

    Args:
        root: prefix of the path, for tests.
        expected: True on an installed device.

    Raises:
        UpdateError: the key can't be used.
    """
    path = Releases(root).public_key_path
    if not path.exists():
        if not expected:
            return Check("updates", "not checked", "only an installed device installs releases")
        advice = "put the maintainer's release.pub there (docs/UPDATES.md)"
        return Check("updates", "warning", f"none can be installed, because there is no {path}", advice)
    read_public_key(path)
    return Check("updates", "good", f"releases signed by the key in {path} are accepted")
