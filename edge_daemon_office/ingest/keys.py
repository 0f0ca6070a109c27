"""The office's pinned keys: a CSV file with the columns device and public_key. Only these keys are trusted."""

from __future__ import annotations

import csv
import os
import string
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.tree import device_folders, devices_folder, read_object
from edge_daemon_office.shared.delivery.document_paths import device_folder
from edge_daemon_office.shared.device.signing import fingerprint

_COLUMNS: Final = ("device", "public_key")
_KEY_DIGITS: Final = 64


def read_keys(path: Path) -> dict[str, frozenset[str]]:
    """Return the pinned keys of each device; empty without a file. A device may have several lines.

    Raises:
        OfficeError: the file can't be read, or one of its lines is wrong.
    """
    rows = read_csv(path, _COLUMNS)
    found: dict[str, set[str]] = {}
    for line, row in rows:
        device, key = row["device"], "".join(row["public_key"].split()).lower()
        if not device or not is_key(key):
            hint = "64 hexadecimal digits, as `ledger verify` on the device and key.json have them"
            raise OfficeError("is not a public key of a device", f"{path}, line {line}", hint)
        found.setdefault(device, set()).add(key)
    return {device: frozenset(keys) for device, keys in found.items()}


def is_key(text: str) -> bool:
    """Return whether a text is a public key in hexadecimal digits."""
    return len(text) == _KEY_DIGITS and not set(text) - set(string.hexdigits)


def by_folder(keys: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, frozenset[str]]]:
    """Return device and keys by the name of the device's folder."""
    return {device_folder(device).rpartition("/")[2]: (device, pinned) for device, pinned in keys.items()}


def pin(path: Path, device: str, key: str) -> frozenset[str]:
    """Add a key to the list; return the device's other pinned keys, which stay pinned.

    Raises:
        OfficeError: the name or the key is invalid, or the file can't be written.
    """
    device, key = _checked(device, key)
    others = read_keys(path).get(device, frozenset()) - {key}
    if key in read_keys(path).get(device, frozenset()):
        return others
    try:
        text = path.read_text("utf-8-sig") if path.exists() else ""
        names = _names(_reader(text)) if text else list(_COLUMNS)
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=_delimiter(text), lineterminator="\n")
            if not text:
                writer.writerow(names)
            elif not text.endswith("\n"):  # as some editors leave it
                file.write("\n")
            writer.writerow([{"device": device, "public_key": key}.get(name, "") for name in names])
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OfficeError(f"can't be written: {error.strerror}", str(path), "check its rights") from error
    return others


def unpin(path: Path, device: str, key: str) -> None:
    """Remove a key from the list; all other lines stay as they are.

    Raises:
        OfficeError: the device does not have this key, or the file can't be read or written.
    """
    device, key = _checked(device, key)
    if key not in read_keys(path).get(device, frozenset()):
        raise OfficeError("is not pinned for this device", "KEY", "see `keys list`")
    wrong = {
        line
        for line, row in read_csv(path, _COLUMNS)
        if (row["device"], "".join(row["public_key"].split()).lower()) == (device, key)
    }
    try:
        file = path.resolve()
        lines = file.read_bytes().decode("utf-8").splitlines(keepends=True)
        if any(lines[line - 1].count('"') % 2 for line in wrong):
            raise OfficeError("has a cell of several lines beside this key", str(path), "take the key off by hand")
        part, before = file.with_name(f".{file.name}.new"), file.stat()
        with part.open("wb") as new:
            new.write("".join(line for number, line in enumerate(lines, 1) if number not in wrong).encode("utf-8"))
            new.flush()
            os.fsync(new.fileno())
        part.chmod(before.st_mode & 0o777)
        with suppress(OSError, AttributeError):  # only root may, and Windows has none
            os.chown(part, before.st_uid, before.st_gid)
        part.replace(file)
    except OSError as error:
        raise OfficeError(f"can't be written: {error.strerror}", str(path), "check its rights") from error


def _checked(device: str, key: str) -> tuple[str, str]:
    """Return name and key without spaces around or in them; raise OfficeError if one is invalid."""
    device, key = device.strip(), "".join(key.split()).lower()
    if not device or not device.isprintable():
        raise OfficeError("is not a name of a device", "DEVICE", "give device.name of the device's config.toml")
    if not is_key(key):
        raise OfficeError("is not a public key", "KEY", "give the 64 hexadecimal digits of the device's key")
    return device, key


def without_pinned_key(tree: Path, path: Path) -> list[str]:
    """Return the devices in the tree that have no pinned key, or that offer a key that is not pinned; sorted.

    Raises:
        OfficeError: the tree or the list can't be read.
    """
    known = by_folder(read_keys(path))
    folders = {one for one in device_folders(devices_folder(tree)) if one not in known and one.isprintable()}
    return sorted(folders | {device for device, _, _, is_pinned in offered(tree, path) if not is_pinned})


def offered(tree: Path, path: Path) -> list[tuple[str, str, str, bool]]:
    """Return device, key, fingerprint, and whether it is pinned, for every key.json in the tree.

    A device whose name has characters that can't be printed is left out: they could change what a terminal shows.

    Raises:
        OfficeError: the tree or the list can't be read.
    """
    devices, pinned = devices_folder(tree), read_keys(path)
    found = []
    for folder in device_folders(devices):
        document = read_object(devices / folder / "key.json")
        device, key = document.get("device"), document.get("public_key")
        if isinstance(device, str) and device.isprintable() and isinstance(key, str) and is_key(key):
            key = key.lower()
            found.append((device, key, fingerprint(key), key in pinned.get(device, frozenset())))
    return found


def read_csv(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file (with `,` or `;`) and their line numbers; empty without a file.

    Raises:
        OfficeError: the file can't be read, or lacks a column.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise OfficeError(f"can't be read: {error}", str(path), "save it as CSV in UTF-8") from error
    try:
        reader = _reader(text)
        names = _names(reader)
        if not set(columns[:2]) <= set(names):
            raise OfficeError(f"has no columns {' and '.join(columns[:2])}", str(path), "begin it with their names")
        reader.fieldnames = names
        return [
            (reader.line_num, {name: (row.get(name) or "").strip() for name in names if name})
            for row in reader
            if any(isinstance(cell, str) and cell.strip() for cell in row.values())
        ]
    except csv.Error as error:
        raise OfficeError(f"is not a CSV file: {error}", str(path), "save it as CSV in UTF-8") from error


def _delimiter(text: str) -> str:
    """Return the delimiter of a CSV file: a comma, or the semicolon that some spreadsheets write."""
    first = text.partition("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def _reader(text: str) -> csv.DictReader[str]:
    return csv.DictReader(text.splitlines(), delimiter=_delimiter(text), skipinitialspace=True)


def _names(reader: csv.DictReader[str]) -> list[str]:
    """Return the names of the columns, in lower case; raises csv.Error."""
    return [(name or "").strip().lower() for name in reader.fieldnames or ()]
