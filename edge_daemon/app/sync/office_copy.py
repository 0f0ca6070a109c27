"""Copies all documents for the office into a folder, such as a USB stick, from a room without network.

The folder gets the same tree as the office's server (docs/UPSTREAM.md), so that `collect` can read it. The copy counts
as no delivery, because a stick can be lost. Each call copies everything that is not there yet.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon.app.sync.day_documents import day_document, days_to_send
from edge_daemon.app.sync.device_documents import device_of, json_bytes, key_document
from edge_daemon.app.sync.heartbeat import heartbeat
from edge_daemon.delivery import document_paths
from edge_daemon.errors import DeliveryError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.commitments import commitments
from edge_daemon.store.daily_events import KEPT_DAYS
from edge_daemon.store.ledger import ledger_rows, refs_of_outbox


@dataclass(frozen=True, slots=True)
class CopyResult:
    """How many registers and commitments were copied, were there already, or were left out."""

    new: int
    there: int
    rehearsals: int = 0
    """Number of rehearsals' registers that are left out, because nobody asked to deliver them."""


def copy_all(home: Home, db: sqlite_utils.Database, folder: Path, now: datetime) -> CopyResult:
    """Copy missing registers and commitments, then the key, the event log of each day, and the state of the device.

    Raises:
        DeliveryError: something can't be written, or another document has the same name; earlier copies stay.
        StoreError: the database can't be read.
    """
    new = there = rehearsals = 0
    for path, document in _written_once(home, db):
        if not path:
            rehearsals += 1
        elif _put(folder / path, document.encode("utf-8"), write_once=True):
            new += 1
        else:
            there += 1
    for path, fields in _replaced(home, db, now):
        _put(folder / path, json_bytes(fields), write_once=False)
    os.sync()
    return CopyResult(new, there, rehearsals)


def _written_once(home: Home, db: sqlite_utils.Database) -> Iterator[tuple[str, str]]:
    """Yield path and text of each document; a rehearsal that stays here has an empty path."""
    device, to_deliver = home.config.device.name, refs_of_outbox(db, outbox.REGISTER)
    for row in ledger_rows(db):
        # A rehearsal is no lesson; the office gets it only if somebody asked for that.
        if json.loads(row.document)["origin"] == "timetable" or f"{row.lesson_id}/{row.revision}" in to_deliver:
            yield document_paths.register(device_of(row.document, device), row.lesson_id, row.revision), row.document
        else:
            yield "", row.document
    for one in commitments(db):
        yield document_paths.commitment(device_of(one.document, device), one.ref), one.document


def _replaced(home: Home, db: sqlite_utils.Database, now: datetime) -> Iterator[tuple[str, Mapping[str, object]]]:
    device, zone = home.config.device.name, ZoneInfo(home.config.device.time_zone)
    if (key := key_document(home, db)) is not None:
        yield document_paths.key(device), key
    for day in days_to_send(db, "", now, zone, KEPT_DAYS):
        yield document_paths.day(device, day), day_document(db, day, zone, device)
    how = heartbeat(home, db, now)
    queue = how["queue"]
    if isinstance(queue, dict) and isinstance(upstream := queue["upstream"], dict):
        upstream.update(waiting=0, oldest=None)  # a reader of this folder has all documents
    yield document_paths.status(device), how


def _put(path: Path, body: bytes, *, write_once: bool) -> bool:
    """Write a file; return False if the same bytes are there already."""
    part = path.with_name(f".{path.name}.part")
    try:
        with contextlib.suppress(FileNotFoundError):
            if path.read_bytes() == body:
                return False
            if write_once:
                hint = "look at it; if a stick was pulled out too early, delete that file and copy again"
                raise DeliveryError("another document has that name; it was not overwritten", str(path), hint)
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(body)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        what = f"can't be written: {error.strerror}"
        raise DeliveryError(what, str(path), "check that the folder is on the stick, and its free space") from error
    return True
