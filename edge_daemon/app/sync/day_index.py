"""The index of a day: which documents this device put on the office's server on that day (docs/delivered.schema.json).

With the index, a program that reads the server's folder finds new documents without listing the folder of every lesson.
The index is not signed, because it only says where to look. It is made from the delivery database, so that the next run
writes the index of a run that was killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timezone
from typing import Final

from edge_daemon.attendance.fields import Json
from edge_daemon.delivery import document_paths
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.delivered import DeliveredDocument, delivered_since

SCHEMA: Final = 1
MOST_DOCUMENTS: Final = 2000
"""Limit for one day; a device that sends a year again names the newest ones and counts the others."""


def day_indexes(db: sqlite_utils.Database, first: date, device: str) -> Mapping[date, dict[str, Json]]:
    """Return the index of each day on which a document was delivered.

    Args:
        db: delivery.sqlite with register.sqlite attached.
        first: the first day, in UTC.
        device: name of this device.

    Raises:
        StoreError: a database can't be read.
    """
    days: dict[date, list[Json]] = {}
    for one in delivered_since(db, datetime.combine(first, time(), timezone.utc), device):
        row: dict[str, Json] = {"path": _path(device, one), "sha256": one.sha256}
        days.setdefault(one.at.date(), []).append(row)
    return {
        day: {
            "schema": SCHEMA,
            "device": device,
            "day": day.isoformat(),
            "documents": rows[-MOST_DOCUMENTS:],
            "left_out": max(0, len(rows) - MOST_DOCUMENTS),
        }
        for day, rows in days.items()
    }


def _path(device: str, one: DeliveredDocument) -> str:
    """Return the path below the device's folder."""
    if one.kind == outbox.REGISTER:
        lesson_id, _, revision = one.ref.rpartition("/")
        path = document_paths.register(device, lesson_id, int(revision))
    else:
        path = document_paths.commitment(device, one.ref)
    return path.removeprefix(f"{document_paths.device_folder(device)}/")
