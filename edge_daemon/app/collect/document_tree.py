"""The tree of documents as it lies in a folder: that of the office's server, synced, mounted or downloaded."""

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
"""Of a document; the register of a thousand students has 250 kB."""
_DEEPEST: Final = 2
"""Folders below `registers`: one a lesson, and what a sync may add."""
_SETTLED_NS: Final = 3 * 10**9
"""FAT keeps times of change in steps of two seconds."""

Stamp = tuple[int, int]
"""Time of change in nanoseconds, and size in bytes: a file of the same stamp is taken to be the same."""


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """Something that was not believed, or could not be read."""

    where: str
    what: str
    is_left_out: bool = True
    """False: it is odd, and counts."""


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


def stamped(
    folder: Path, below: str, problems: list[DocumentProblem], folders: dict[str, int]
) -> Iterator[tuple[str, Stamp]]:
    """Yield the JSON files below a device's folder with size and time of change; hidden ones are left out.

    Short names come first: `1.json` before the `1 (conflicted copy).json` that a synced folder may grow.

    Args:
        folder: of the device.
        below: the folder in it; one that is not there has no files.
        problems: gets what can't be read.
        folders: gets each folder with its time of change in nanoseconds, from before it was read.
    """
    return _stamped(str(folder), below, problems, folders, _DEEPEST)


def _stamped(
    device: str, below: str, problems: list[DocumentProblem], folders: dict[str, int], deepest: int
) -> Iterator[tuple[str, Stamp]]:
    place = f"{device}{os.sep}{below}"
    where = f"{os.path.basename(device)}/{below}"  # noqa: PTH119 - of every folder
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
    """Return folders and files as a text that `is_tree` compares.

    Empty where something was changed just now, for it may be changed again and keep its time.
    """
    latest = max((*folders.values(), *(at for _, (at, _) in files)), default=0)
    if latest > time.time_ns() - _SETTLED_NS:
        return ""
    lines = [f"{below}\0{at}" for below, at in folders.items()]
    lines += [f"{below}\0{at}\0{size}" for below, (at, size) in files]
    return "\1".join(lines) if not any("\1" in line for line in lines) else ""


def is_tree(device: Path, text: str) -> bool:
    """Return whether the folder of a device has the files and folders of `tree_text`, unchanged."""
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
        return json_object(read_text(path))
    except (UnreadableError, RegisterError):
        return None


def _seen(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".")
