"""Reads the office's own lists: the keys that may sign for each room, and the names of the students."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge_daemon.errors import DeliveryError, RosterError
from edge_daemon.gallery import roster
from edge_daemon.gallery.class_list.table import TableRow
from edge_daemon.gallery.oneroster import read_student_names

_COLUMNS = ("device", "public_key")


def read_keys(path: Path) -> Mapping[str, frozenset[str]]:
    """Return the public keys of each device from a CSV file with the columns device and public_key.

    A device that got another key has two lines.

    Raises:
        DeliveryError: the file can't be read, or one of its lines is wrong.
    """
    rows = _rows(path)
    head = [cell.strip().lower() for cell in rows[0].cells] if rows else []
    if not set(_COLUMNS) <= set(head):
        raise DeliveryError("has no columns device and public_key", str(path), "begin it with device,public_key")
    device_at, key_at = (head.index(name) for name in _COLUMNS)
    found: dict[str, set[str]] = {}
    for row in rows[1:]:
        line, cells = row.line, row.cells
        if len(cells) <= max(device_at, key_at):
            raise DeliveryError("a cell is missing", f"{path}, line {line}", "give device and public_key")
        device, key = cells[device_at].strip(), "".join(cells[key_at].split()).lower()
        if not device or len(key) != 64 or set(key) - set("0123456789abcdef"):
            hint = "64 hexadecimal digits, as `ledger verify` and key.json have them"
            raise DeliveryError("is not a public key of a device", f"{path}, line {line}", hint)
        found.setdefault(device, set()).add(key)
    return {device: frozenset(keys) for device, keys in found.items()}


def read_names(path: Path) -> Mapping[str, str]:
    """Return the names of students by id, in the file's order, from any roster that `enrol import` reads.

    Raises:
        DeliveryError: the file can't be read, or has no columns for ids and names.
    """
    try:
        return read_student_names(path)
    except RosterError as error:
        hint = error.hint if "nothing was changed" not in error.hint else "use the roster of `enrol import`"
        raise DeliveryError(error.what, error.where, hint) from error


def _rows(path: Path) -> list[TableRow]:
    try:
        table = roster.read_table(path, lambda cell: cell.strip().lower() in _COLUMNS)
    except RosterError as error:
        raise DeliveryError(error.what, error.where, error.hint) from error
    if table.damaged:
        first = table.damaged[0]
        raise DeliveryError(first.text, f"{path}, line {first.line}", "give device and public_key")
    return list(table.rows)
