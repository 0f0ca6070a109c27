"""Which keys may sign for which room: those of a list that the office keeps, or, without one, those of the server."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from edge_daemon.errors import DeliveryError, RosterError
from edge_daemon.gallery.roster import csv_records, csv_text

_COLUMNS = ("device", "public_key")


def read_keys(path: Path) -> Mapping[str, frozenset[str]]:
    """Return the public keys of each device out of a CSV file with the columns device and public_key.

    A device that got another key stands in two lines.

    Raises:
        DeliveryError: the file can't be read, or a line of it is wrong.
    """
    records = _records(path)
    head = [cell.strip().lower() for cell in records[0][1]] if records else []
    if not set(_COLUMNS) <= set(head):
        raise DeliveryError("has no columns device and public_key", str(path), "begin it with device,public_key")
    device_at, key_at = (head.index(name) for name in _COLUMNS)
    found: dict[str, set[str]] = {}
    for line, cells in records[1:]:
        if len(cells) <= max(device_at, key_at):
            raise DeliveryError("a cell is missing", f"{path}, line {line}", "give device and public_key")
        device, key = cells[device_at].strip(), "".join(cells[key_at].split()).lower()
        if not device or len(key) != 64 or set(key) - set("0123456789abcdef"):
            hint = "64 hexadecimal digits, as `ledger verify` and key.json have them"
            raise DeliveryError("is no public key of a device", f"{path}, line {line}", hint)
        found.setdefault(device, set()).add(key)
    return {device: frozenset(keys) for device, keys in found.items()}


def read_names(path: Path) -> Mapping[str, str]:
    """Return the names of students by id, in the file's order: a CSV file with the columns student_id and name.

    Raises:
        DeliveryError: the file can't be read, or lacks a column.
    """
    records = _records(path)
    head = [cell.strip().lower() for cell in records[0][1]] if records else []
    if not {"student_id", "name"} <= set(head):
        raise DeliveryError("has no columns student_id and name", str(path), "the roster that `enrol` takes will do")
    id_at, name_at = head.index("student_id"), head.index("name")
    return {
        cells[id_at].strip(): cells[name_at].strip() for _, cells in records[1:] if len(cells) > max(id_at, name_at)
    }


def _records(path: Path) -> list[tuple[int, list[str]]]:
    try:
        return list(csv_records(csv_text(path), path))
    except (RosterError, csv.Error) as error:
        what = error.what if isinstance(error, RosterError) else str(error)
        where = error.where if isinstance(error, RosterError) else str(path)
        hint = "check the path and its rights" if isinstance(error.__cause__, OSError) else "save it as 'CSV UTF-8'"
        raise DeliveryError(what, where, hint) from error
