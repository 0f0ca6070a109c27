"""Removing registers after `storage.keep_registers_days`: what the office has, and nothing under a doubtful clock."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import timedelta

from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance.retention_note import LedgerGap, sign_retention_note
from edge_daemon.device.clock import Reading
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.removed_registers import due_registers, mark_due, remove_registers

logger = logging.getLogger(__name__)


def remove_old_registers(home: Home, reading: Reading) -> int:
    """Remove the registers whose time is over, and write the signed note about them; return how many went.

    Args:
        home: the installation.
        reading: of the clock; one that nobody vouches for removes nothing.

    Raises:
        KeyFileError: there is no device key to sign the note with; nothing went.
        StoreError: the database can't be written; nothing went.
    """
    days = home.config.storage.keep_registers_days
    if not days or reading.state == "unsynchronised" or not home.register_db_path.exists():
        return 0
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        gone = due_registers(db, timedelta(days=days), reading.utc)
        if not gone:
            mark_due(db, 0)
            return 0
        signer, device = open_signer(home), home.config.device.name
        gaps = [LedgerGap(one.position, one.lesson_id, one.revision, one.sha256) for one in gone]

        def render(previous_sha256: str | None) -> str:
            return sign_retention_note(device, reading.utc, gaps, previous_sha256, signer)

        remove_registers(db, gone, render, reading.utc)
    logger.info("old registers removed")
    return len(gone)
