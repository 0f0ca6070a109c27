"""Checks, before each new revision, that the stored document is the one that this device signed.

Without this check, an attacker who can write to register.sqlite but lacks the key could change a verdict. The next
revision would then sign that change (`tests/app/registers/test_own_documents.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from edge_daemon.attendance.proof import digest, prove_register
from edge_daemon.attendance.retention_note import LedgerGap, prove_retention_note
from edge_daemon.device.signing import Signer
from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import ledger
from edge_daemon.store.alarms import LEDGER, clear_alarm, raise_alarm
from edge_daemon.store.ledger import LedgerRow
from edge_daemon.store.removed_registers import removed_before

_NEWEST: Final = 50
"""How many of the newest registers are checked here; `ledger verify` checks all of them."""
_HINT: Final = "see `edge-daemon ledger verify`, and compare it with the office's copy"


class TamperedError(RegisterError):
    """A register differs from what this device signed: it gets no revision, and an alarm is raised."""


def check_own(db: sqlite_utils.Database, lesson_id: str, revision: int, signer: Signer) -> None:
    """Check signature, SHA-256 and predecessor of a document before it gets a new revision.

    Args:
        db: register.sqlite.
        lesson_id: the lesson of the register.
        revision: the stored revision, which the new one will follow.
        signer: the signer of this device.

    Raises:
        TamperedError: the document fails a check.
    """
    row = ledger.ledger_row(db, lesson_id, revision)
    if row is not None:
        _check(row, _sha256_before(db, row, signer), signer, unsigned_before=not ledger.any_signed_before(db, row))


def find_tampered(db: sqlite_utils.Database, signer: Signer) -> str:
    """Return what is wrong with the newest registers, in one line; empty if nothing is."""
    for row in ledger.newest_rows(db, _NEWEST):
        try:
            unsigned_before = not ledger.any_signed_before(db, row)
            _check(row, _sha256_before(db, row, signer), signer, unsigned_before=unsigned_before)
        except TamperedError as error:
            return error.line()
    return ""


def watch(db: sqlite_utils.Database, signer: Signer, now: datetime) -> str:
    """Check the newest registers, and raise or clear the alarm; return what is wrong.

    Raises:
        StoreError: the database can't be used.
    """
    what = find_tampered(db, signer)
    if what:
        raise_alarm(db, LEDGER, what, now)
    else:
        clear_alarm(db, LEDGER)
    return what


def _sha256_before(db: sqlite_utils.Database, row: LedgerRow, signer: Signer) -> str | None:
    """Return the SHA-256 of the preceding document; if that one was removed, the SHA-256 in the signed note."""
    before = ledger.row_before(db, row)
    removed = removed_before(db, row.position) if row.revision == 1 else None
    if removed is None or (before is not None and before.position > removed[0].position):
        return None if before is None else digest(before.document)
    gone, note = removed
    try:
        gaps, _ = prove_retention_note(note, signer.public_key)
    except RegisterError:
        return None
    return gone.sha256 if LedgerGap(gone.position, gone.lesson_id, gone.revision, gone.sha256) in gaps else None


def _check(row: LedgerRow, before_sha256: str | None, signer: Signer, *, unsigned_before: bool) -> None:
    where = f"register {row.lesson_id} revision {row.revision}"
    try:
        proven = prove_register(row.document, signer.public_key)
    except RegisterError as error:
        raise TamperedError(error.what, where, _HINT) from error
    register = proven.document.register
    if proven.sha256 != row.sha256 or (register.lesson.lesson_id, register.revision) != (row.lesson_id, row.revision):
        raise TamperedError("is not the document that was written here", where, _HINT)
    if not proven.is_signed and not unsigned_before:
        raise TamperedError("is not signed, though registers before it are", where, _HINT)
    named = proven.document.previous_sha256
    if named != before_sha256:
        raise TamperedError("does not name the register that is before it now", where, _HINT)
