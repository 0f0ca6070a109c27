"""The tree of documents as it lies in a folder: that of the office's server, synced, mounted or downloaded."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon.errors import DeliveryError

MAX_BYTES: Final = 4 * 2**20
"""Of a document; the register of a thousand students has 250 kB."""


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """Something that was not believed, or could not be read."""

    where: str
    what: str


class UnreadableError(Exception):
    """A file that is no document; its text says why."""


def devices_folder(folder: Path) -> Path:
    """Return the folder that has one folder for each device.

    Args:
        folder: the server's root, its `v1`, or `v1/devices` itself.

    Raises:
        DeliveryError: there is no such folder in it.
    """
    for place in (folder / "v1" / "devices", folder / "devices"):
        if place.is_dir():
            return place
    if folder.name == "devices" and folder.is_dir():
        return folder
    what = "has no folder v1/devices" if folder.is_dir() else "there is no such folder"
    raise DeliveryError(what, str(folder), "name the folder that `upstream.url` leads to")


def room_folders(devices: Path) -> list[Path]:
    """Return the folders of the devices by name."""
    return sorted(Path(one.path) for one in os.scandir(devices) if one.is_dir(follow_symlinks=False) and _seen(one))


def documents(folder: Path) -> Iterator[Path]:
    """Yield the JSON files in a folder and below, hidden ones left out.

    Short names come first: `1.json` before the `1 (conflicted copy).json` that a synced folder may grow.
    """
    if not folder.is_dir():
        return
    entries = sorted((one for one in os.scandir(folder) if _seen(one)), key=lambda one: (len(one.name), one.name))
    for one in entries:
        if one.is_dir(follow_symlinks=False):
            yield from documents(Path(one.path))
        elif one.name.endswith(".json"):
            yield Path(one.path)


def read_text(path: Path) -> str:
    """Return the text of a document.

    Raises:
        UnreadableError: it is no ordinary file, too large, not UTF-8, or can't be read.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise UnreadableError("is no ordinary file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableError(f"can't be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError("is not UTF-8") from error


def read_object(path: Path) -> Mapping[str, object] | None:
    """Return the JSON object of a file, None where there is none that can be read."""
    try:
        found = json.loads(read_text(path))
    except (UnreadableError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _seen(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".")
