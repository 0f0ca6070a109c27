"""Reads which documents the office's server has accepted, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import faults
from edge_daemon.store.outbox_items import DOCUMENT_SHA256
from edge_daemon.timestamps import parsed, stored

_QUERY: Final = (
    "SELECT settled_at_utc, kind, ref, coalesce(nullif(receipt_sha256, ''), "
    f"{DOCUMENT_SHA256}) FROM outbox WHERE destination = 'upstream' AND state = 'delivered' AND settled_at_utc >= ?1"
    " AND (EXISTS (SELECT 1 FROM registers WHERE outbox.kind = 'register' AND registers.lesson_id = outbox.lesson_id"
    " AND outbox.ref = registers.lesson_id || '/' || registers.revision AND instr(registers.document, ?2))"
    " OR EXISTS (SELECT 1 FROM commitments WHERE outbox.kind = 'commitment' AND commitments.ref = outbox.ref"
    " AND instr(commitments.document, ?2))) ORDER BY item_id"
)


@dataclass(frozen=True, slots=True)
class DeliveredDocument:
    """A document that the server has, as its receipt says."""

    at: datetime
    kind: str
    ref: str
    sha256: str


def delivered_since(db: sqlite_utils.Database, since: datetime, device: str) -> list[DeliveredDocument]:
    """Return the documents that were delivered since a time, in the order of their writing.

    Args:
        db: delivery.sqlite with register.sqlite attached.
        since: the earliest time of a receipt, by this device's clock.
        device: the device name in the documents; those from before a renaming are left out.

    Raises:
        StoreError: a database can't be read.
    """
    named = f'"device":{json.dumps(device, ensure_ascii=False)}'  # as documents have it: canonical JSON
    with faults(db):
        rows = db.execute(_QUERY, (stored(since), named)).fetchall()
    return [DeliveredDocument(parsed(row[0]), row[1], row[2], row[3]) for row in rows]
