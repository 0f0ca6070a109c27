"""Keeps the laboratory away from installations: it uses no settings, no state folder and no gallery."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edge_daemon.errors import LabError

_INSTALLED = tuple(
    map(Path, ("/etc/edge-daemon", "/var/lib/edge-daemon", "/var/lib/edge-daemon-sync", "/run/edge-daemon"))
)
_MARKS = ("gallery.sqlite", "register.sqlite", "device.key", "gallery.keys")
"""A folder with one of these files belongs to an installation, and so does everything in it."""
_HINT = "use a folder outside all installations"


def refuse_installations(paths: Iterable[Path]) -> None:
    """Refuse paths that are in an installation or contain one.

    Args:
        paths: paths to read and write; they need not exist.

    Raises:
        LabError: a path belongs to an installation; the error names the folder.
    """
    for path in paths:
        where = path.expanduser().resolve()
        for folder in (where, *where.parents):
            if folder in _INSTALLED or any((folder / mark).exists() for mark in _MARKS):
                raise LabError("belongs to an installation, which the laboratory never touches", str(folder), _HINT)
