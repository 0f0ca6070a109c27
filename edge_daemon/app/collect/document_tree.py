"""Reads the documents of the office's server from a folder that is a synced, mounted or downloaded copy of them."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon.attendance.fields import json_object
from edge_daemon.errors import DeliveryError, RegisterError

MAX_BYTES: Final = 4 * 2**20
"""Limit for a document; the register of a thousand students has 250 kB."""
_DEEPEST: Final = 2
"""Levels of folders below `registers`: one for lessons, and one that a sync program may add."""
_SETTLED_NS: Final = 3 * 10**9
"""Age from which a modification time is reliable, because FAT stores it in steps of two seconds."""

Stamp = tuple[int, int]
"""Modification time in nanoseconds, and size in bytes. A file with the same stamp counts as unchanged."""


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """A document that is not trusted or can't be read."""

    where: str
    what: str
    is_left_out: bool = True
    """False if the document looks wrong but still counts."""


class UnreadableError(Exception):
    """The file is no document; the text of the error says why."""


def devices_folder(folder: Path) -> Path:
    """Return the folder that has one folder for each device.

    Args:
        folder: the server's root, its `v1`, or `v1/devices` itself.

    Raises:
        DeliveryError: the folder contains none of these.
    """
    for place in (folder / "v1" / "devices", folder / "devices"):
        if place.is_dir():
            return place
    if folder.name == "devices" and folder.is_dir():
        return folder
    what = "has no folder v1/devices" if folder.is_dir() else "there is no such folder"
    raise DeliveryError(what, str(folder), "name the folder that `upstream.url` leads to")


def room_folders(devices: Path) -> list[Path]:
    """Return the folders of the devices, by name."""
    return sorted(Path(one.path) for one in os.scandir(devices) if one.is_dir(follow_symlinks=False) and _seen(one))


def stamped(
    folder: Path, below: str, problems: list[DocumentProblem], folders: dict[str, int]
) -> Iterator[tuple[str, Stamp]]:
    """Yield the JSON files below a device's folder with modification time and size; hidden files are left out.

    Short names come first: `1.json` before `1 (conflicted copy).json`, which a synced folder may contain.

    Args:
        folder: the device's folder.
        below: the folder within it; a missing folder has no files.
        problems: receives what can't be read.
        folders: receives each folder with its modification time in nanoseconds, from before it was read.
    """
    return _stamped(str(folder), below, problems, folders, _DEEPEST)


def _stamped(
    device: str, below: str, problems: list[DocumentProblem], folders: dict[str, int], deepest: int
) -> Iterator[tuple[str, Stamp]]:
    place = f"{device}{os.sep}{below}"
    where = f"{os.path.basename(device)}/{below}"  # noqa: PTH119 - faster, for every folder
    try:
        folders[below] = os.stat(place).st_mtime_ns  # noqa: PTH116
        with os.scandir(place) as found:
            entries = sorted((one for one in found if _seen(one)), key=lambda one: (len(one.name), one.name))
        for one in entries:
            if one.is_dir(follow_symlinks=False):
                if deepest:
                    yield from _stamped(device, f"{below}/{one.name}", problems, folders, deepest - 1)
                else:
                    problems.append(DocumentProblem(f"{where}/{one.name}", "is too deep a folder"))
            elif one.name.endswith(".json"):
                status = one.stat(follow_symlinks=False)
                yield f"{below}/{one.name}", (status.st_mtime_ns, status.st_size)
    except FileNotFoundError:
        folders[below] = 0
    except OSError as error:
        problems.append(DocumentProblem(where, f"can't be read: {error.strerror}"))


def tree_text(folders: Mapping[str, int], files: Iterable[tuple[str, Stamp]]) -> str:
    """Return folders and files as a text for comparison by `is_tree`.

    The text is empty if something was changed just now, because it may change again within the same time stamp.
    """
    latest = max((*folders.values(), *(at for _, (at, _) in files)), default=0)
    if latest > time.time_ns() - _SETTLED_NS:
        return ""
    lines = [f"{below}\0{at}" for below, at in folders.items()]
    lines += [f"{below}\0{at}\0{size}" for below, (at, size) in files]
    return "\1".join(lines) if not any("\1" in line for line in lines) else ""


def is_tree(device: Path, text: str) -> bool:
    """Return whether a device's folder has exactly the files and folders of `tree_text`, unchanged."""
    if not text:
        return False
    place = f"{device}{os.sep}"
    for line in text.split("\1"):
        below, at, *size = line.split("\0")
        try:
            status = os.lstat(place + below)
        except OSError:
            if at == "0":
                continue
            return False
        if str(status.st_mtime_ns) != at or (size and str(status.st_size) != size[0]):
            return False
    return True


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
    except OSError as error:
        raise UnreadableError(f"can't be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError("is not UTF-8") from error


def read_object(path: Path) -> Mapping[str, object] | None:
    """Return the JSON object in a file, None if there is none or it can't be read."""
    try:
        return json_object(read_text(path))
    except (UnreadableError, RegisterError):
        return None


def _seen(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".")
