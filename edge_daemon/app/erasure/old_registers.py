"""Removes registers after `storage.keep_registers_days`, if the office has them and the clock is trusted.

The tables of register.sqlite name the registers that are due. An attacker may be able to write to these tables without
the key. The attacker could then name any register, or have a changed register removed, which would hide the change.
Therefore each register is verified first (`_check_due`). The lesson time in the document itself counts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta

from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance.proof import prove_register
from edge_daemon.attendance.retention_note import LedgerGap, sign_retention_note
from edge_daemon.device.clock import Reading
from edge_daemon.device.signing import Signer
from edge_daemon.errors import RegisterError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import ledger
from edge_daemon.store.alarms import LEDGER, raise_alarm
from edge_daemon.store.database import open_register
from edge_daemon.store.removed_registers import RemovedRegister, due_registers, mark_due, remove_registers

logger = logging.getLogger(__name__)


def remove_old_registers(home: Home, reading: Reading) -> int:
    """Remove the registers past their retention period, and write the signed note about them; return their number.

    Args:
        home: the installation.
        reading: the clock; an untrusted clock removes nothing.

    Raises:
        KeyFileError: there is no device key to sign the note; nothing was removed.
        StoreError: the database can't be written; nothing was removed.
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
        try:
            _check_due(db, gone, signer, reading.utc - timedelta(days=days))
        except RegisterError as error:
            raise_alarm(db, LEDGER, error.line(), reading.utc)
            mark_due(db, 0)
            return 0
        gaps = [LedgerGap(one.position, one.lesson_id, one.revision, one.sha256) for one in gone]

        def render(previous_sha256: str | None) -> str:
            return sign_retention_note(device, reading.utc, gaps, previous_sha256, signer)

        remove_registers(db, gone, render, reading.utc)
    logger.info("old registers removed")
    return len(gone)


def _check_due(
    db: sqlite_utils.Database, gone: Sequence[RemovedRegister], signer: Signer, ended_before: datetime
) -> None:
    """Refuse to remove registers that this device did not sign, or that are younger than their lesson's row says.

    Raises:
        RegisterError: a register fails a check; no register may be removed.
    """
    for one in gone:
        where, hint = f"register {one.lesson_id} revision {one.revision}", "see `edge-daemon ledger verify`"
        row = ledger.ledger_row(db, one.lesson_id, one.revision)
        if row is None:
            raise RegisterError("was due for removal, but is missing", where, hint)
        proven = prove_register(row.document, signer.public_key)
        register = proven.document.register
        if (proven.sha256, register.lesson.lesson_id, register.revision) != (one.sha256, one.lesson_id, one.revision):
            raise RegisterError("was due for removal, but is not the document that was written here", where, hint)
        if not proven.is_signed and ledger.any_signed_before(db, row):
            raise RegisterError("was due for removal, but is not signed, though earlier registers are", where, hint)
        if register.lesson.end >= ended_before:
            raise RegisterError("was due for removal too early", where, hint)
