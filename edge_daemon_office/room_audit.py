"""The audit of a room, as `edge-daemon audit --json` prints it on the device: how well the camera sees each seat.

It names no student. It lies beside the registers of its device (`audit.json`), and is not signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_daemon_office.decisions.lists import put
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.ingest.tree import UnreadableError, devices_folder, read_object, read_text
from edge_daemon_office.shared.delivery.document_paths import device_folder

FILE: Final = "audit.json"
_MOST_ROWS: Final = 40
_MOST_SEATS: Final = 60


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of seats; row 1 is the nearest to the camera."""

    row: int
    hit_rates: tuple[float, ...]
    """Expected share of the pictures in which somebody on a seat is recognised, from left to right in the picture."""


def audit_rows(top: Mapping[str, Any]) -> list[AuditRow]:
    """Return the rows of an audit, the nearest first; none if it is no audit, or found no seat."""
    rows = top.get("rows")
    if not isinstance(rows, list):
        return []
    found = []
    for one in rows[:_MOST_ROWS]:
        number, seats = (one.get("row"), one.get("seats")) if isinstance(one, dict) else (None, None)
        if not isinstance(number, int) or isinstance(number, bool) or not isinstance(seats, list) or not seats:
            return []
        placed = [_seat(seat) for seat in seats[:_MOST_SEATS]]
        if None in placed:
            return []
        found.append(AuditRow(number, tuple(rate for _, rate in sorted(seat for seat in placed if seat is not None))))
    return sorted(found, key=lambda row: row.row)


def read_audit(path: Path) -> list[AuditRow]:
    """Return the audit in a file; no rows if there is none, or it can't be read."""
    return audit_rows(read_object(path))


def keep_audit(school: School, device: str, source: Path) -> int:
    """Put the audit of a room beside the registers of its device; return the number of seats.

    Raises:
        OfficeError: the file is no audit with seats, the tree has no such device, or it can't be written.
    """
    rows = read_audit(source)
    if not rows:
        raise OfficeError(
            "has no seats of an audit", str(source), "make it with `edge-daemon audit --json` on the device"
        )
    target = devices_folder(school.tree) / device_folder(device).rpartition("/")[2] / FILE
    if not target.parent.is_dir():
        raise OfficeError("is not a device of this school", device, "`keys list` names the devices")
    try:
        put(target, read_text(source))
    except (OSError, UnreadableError) as error:
        raise OfficeError(f"can't be written: {error}", str(target), "check its rights") from error
    return sum(len(row.hit_rates) for row in rows)


def _seat(seat: object) -> tuple[float, float] | None:
    """Return a seat's distance from the left edge of the picture, px, and its hit rate, 0 to 1; None if invalid."""
    box, rate = (seat.get("box"), seat.get("hit_rate")) if isinstance(seat, dict) else (None, None)
    if not isinstance(box, list) or not box or not _is_number(box[0]) or not _is_number(rate):
        return None
    return float(box[0]), min(1.0, max(0.0, float(rate)))  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
