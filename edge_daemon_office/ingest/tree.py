"""The tree of documents in a folder: files with their stamps; unreadable ones are tolerated."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.shared.attendance.fields import json_object
from edge_daemon_office.shared.errors import RegisterError

MAX_BYTES: Final = 4 * 2**20
"""Limit for a document; the register of a thousand students has 250 kB."""
_MOST_COUNTED: Final = 2**31 - 1
"""Largest size in the tables, bytes; a document is far smaller."""
_LONGEST: Final = 200
"""Longest name in the tables."""
_DEEPEST: Final = 2
PARTS: Final = ("registers", "commitments")
"""Folders of a device whose documents are signed."""


class UnreadableError(Exception):
    """The file is no document; the text of the error says why."""


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file below the folder of the devices."""

    path: str
    """Path below the folder of the devices, with `/`."""
    changed_ns: int
    size_bytes: int


def devices_folder(tree: Path) -> Path:
    """Return the folder that has one folder for each device.

    Raises:
        OfficeError: the folder contains none.
    """
    for place in (tree / "v1" / "devices", tree / "devices"):
        if place.is_dir():
            return place
    if tree.name == "devices" and tree.is_dir():
        return tree
    what = "has no folder v1/devices" if tree.is_dir() else "there is no such folder"
    raise OfficeError(what, str(tree), "name the folder that `upstream.url` of the devices leads to")


def device_folders(devices: Path, unreadable: dict[str, str] | None = None) -> list[str]:
    """Return the names of the devices' folders, sorted, without hidden ones and links.

    Args:
        devices: the folder of all devices.
        unreadable: receives folders whose names the tables can't hold, with the reason.

    Raises:
        OfficeError: the folder can't be read.
    """
    try:
        with os.scandir(devices) as found:
            names = sorted(
                one.name for one in found if not one.name.startswith(".") and one.is_dir(follow_symlinks=False)
            )
    except OSError as error:
        raise OfficeError(f"can't be read: {error.strerror}", str(devices), "check its rights") from error
    if unreadable is not None:
        unreadable.update({_as_text(name): what for name in names if (what := _wrong_name(name))})
    return [name for name in names if not _wrong_name(name)]


def files_of(devices: Path, folder: str, unreadable: dict[str, str]) -> Iterator[TreeFile]:
    """Yield the signed documents of a device; `1.json` comes before a synced folder's `1 (conflicted copy).json`.

    Args:
        devices: the folder of all devices.
        folder: name of the device's folder.
        unreadable: receives folders that can't be read, with the reason.
    """
    for part in PARTS:
        yield from _files(str(devices), f"{folder}/{part}", unreadable, _DEEPEST)


def file_at(devices: Path, path: str) -> TreeFile | None:
    """Return the file at a path below the folder of the devices; None if there is none, or it can't be read."""
    try:
        status = (devices / path).lstat()
    except (OSError, ValueError):
        return None
    return _tree_file(path, status) if stat.S_ISREG(status.st_mode) else None


def _tree_file(path: str, status: os.stat_result) -> TreeFile:
    return TreeFile(path, status.st_mtime_ns, min(status.st_size, _MOST_COUNTED))


def _wrong_name(name: str) -> str:
    """Return why the tables can't hold the name of a file or folder; empty if they can."""
    if len(name) > _LONGEST:
        return f"has a name of more than {_LONGEST} signs"
    return "" if name == _as_text(name) else "has a name that is not UTF-8"


def _as_text(name: str) -> str:
    """Return a name as valid Unicode text: on Linux a name is bytes, which need not be UTF-8."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _files(devices: str, below: str, unreadable: dict[str, str], deepest: int) -> Iterator[TreeFile]:
    try:
        with os.scandir(f"{devices}{os.sep}{below}") as found:
            entries = sorted(
                (one for one in found if not one.name.startswith(".")), key=lambda one: (len(one.name), one.name)
            )
        for one in entries:
            if what := _wrong_name(one.name):
                unreadable[f"{below}/{_as_text(one.name)}"] = what
            elif one.is_dir(follow_symlinks=False):
                if deepest:
                    yield from _files(devices, f"{below}/{one.name}", unreadable, deepest - 1)
                else:
                    unreadable[f"{below}/{one.name}"] = "is too deep a folder"
            elif one.name.endswith(".json"):
                yield _tree_file(f"{below}/{one.name}", one.stat(follow_symlinks=False))
    except FileNotFoundError:
        return
    except OSError as error:
        unreadable[below] = f"can't be read: {error.strerror}"


def read_text(path: Path) -> str:
    """Return the text of a document.

    Raises:
        UnreadableError: it is no regular file, too large, not UTF-8, or can't be read.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise UnreadableError("is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"can't be read: {getattr(error, 'strerror', None) or 'its name'}") from error
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError("is not UTF-8") from error


def read_object(path: Path) -> dict[str, object]:
    """Return the JSON object of a file; empty if there is none or it can't be read."""
    try:
        return json_object(read_text(path))
    except (UnreadableError, RegisterError):
        return {}
