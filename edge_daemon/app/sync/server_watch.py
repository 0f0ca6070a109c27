"""Checks whether the office's server still has the documents that this device put there.

Each sync makes one request for the newest document of the last check, and one for `key.json`. A server that was emptied
or replaced gets everything again. A key that is not this device's is replaced, and an alarm reports it, because
somebody else can write in this device's folder.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from edge_daemon.delivery import document_paths
from edge_daemon.delivery.upstream import PullResponse
from edge_daemon.errors import DeliveryError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.alarms import KEY, MISSING, clear_alarm, raise_alarm
from edge_daemon.store.database import faults, transaction
from edge_daemon.store.sync_note import Notebook

logger = logging.getLogger(__name__)

LOOKED_FOR: Final = 20
"""Number of documents to look for, newest first, if the server lacks the newest one."""
_LOOKED_AT: Final = "looked_for_item"
"""Key in `meta` of delivery.sqlite: the item that was on the server at the last check."""
_OK, _NOT_MODIFIED, _NOT_FOUND = 200, 304, 404
_MOST_OF_A_KEY: Final = 64 * 1024


def look_for_missing(
    db: sqlite_utils.Database, has: Callable[[str, str], bool | None], notebook: Notebook, now: datetime
) -> None:
    """Ask whether the server still has the newest document of the last check; send again what is missing.

    Call this before anything is delivered, because documents of this run do not show whether earlier ones are still
    there. If the newest document of the last check is missing, other recent ones are looked for. If all are missing,
    the server was replaced or emptied.

    Args:
        db: delivery.sqlite.
        has: asks whether the server has the document of a kind and ref; None if it does not answer that.
        notebook: what else the server has; it is emptied if the server is empty.
        now: the time.

    Raises:
        StoreError: a database can't be used.
    """
    with faults(db):
        row = db.execute("SELECT value FROM main.meta WHERE key = ?", (_LOOKED_AT,)).fetchone()
    newest = outbox.newest_delivered(db, LOOKED_FOR, int(row[0]) if row is not None else 2**62)
    is_there = has(newest[0][1], newest[0][2]) if newest else None
    if is_there is None:
        return
    if is_there:
        clear_alarm(db, MISSING)
        _remember(db, outbox.newest_delivered(db, 1)[0][0])
        return
    answers = [False, *(has(kind, ref) for _, kind, ref in newest[1:])]
    missing = [item_id for (item_id, _, _), is_there in zip(newest, answers, strict=True) if is_there is False]
    is_empty = True not in answers  # a missing answer shows nothing, and sending twice costs only a request
    count = outbox.send_missing(db, None if is_empty else missing, now)
    if is_empty:
        notebook.forget_server()
    what = f"{count} documents that the office's server had are missing there; they are sent again"
    hint = "" if is_empty else "; for earlier ones: `edge-daemon outbox resend --since DAY`"
    raise_alarm(db, MISSING, what + hint, now)
    logger.warning("documents missing at the server", extra={"destination": "upstream", "waiting": count})


def is_own_key_there(
    db: sqlite_utils.Database,
    get: Callable[[str, str, int], PullResponse],
    notebook: Notebook,
    device: str,
    body: bytes,
    now: datetime,
) -> bool:
    """Return whether `key.json` need not be sent; raise an alarm if another file is in its place.

    Args:
        db: delivery.sqlite.
        get: requests a document, by its path and ETag.
        notebook: what the server has.
        device: name of this device.
        body: this device's own `key.json`.
        now: the time.

    Raises:
        StoreError: the database can't be written.
    """
    path = document_paths.key(device)
    if notebook.documents.get(path) != hashlib.sha256(body).hexdigest():
        return False
    try:
        there = get(path, notebook.key_etag, _MOST_OF_A_KEY)
        is_other = there.status == _OK and there.body != body
    except DeliveryError:  # too large for a key
        there, is_other = PullResponse(_OK), True
    if is_other:
        what = "key.json on the office's server was replaced by another key; somebody may have the device's token"
        raise_alarm(db, KEY, what, now)
        logger.error("key at the server was replaced", extra={"destination": "upstream"})
    if is_other or there.status == _NOT_FOUND:
        notebook.key_etag = ""
        return False
    notebook.key_etag = there.etag if there.status in (_OK, _NOT_MODIFIED) else notebook.key_etag
    return True  # also if the server does not answer: a failed check must not stop the delivery


def _remember(db: sqlite_utils.Database, item_id: int) -> None:
    with transaction(db):
        db.execute(
            "INSERT INTO main.meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            (_LOOKED_AT, str(item_id)),
        )
