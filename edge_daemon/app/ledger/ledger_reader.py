"""The ledger of an installation: its lines, its verification, and its signing key."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from edge_daemon.app.ledger.ledger_lines import GROUPS, DeliveryProgress, LedgerLine, ledger_lines
from edge_daemon.app.ledger.verify import VerificationResult, verify
from edge_daemon.app.opening.signer import existing_signer
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer, fingerprint
from edge_daemon.errors import KeyFileError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.ledger import rehearsal_count

__all__ = [
    "GROUPS",
    "DeliveryProgress",
    "LedgerLine",
    "check_exists",
    "count_rehearsals",
    "fingerprint",
    "own_key",
    "read_ledger",
    "signing_key",
    "verify_ledger",
]


def read_ledger(home: Home, start: datetime, end: datetime) -> list[LedgerLine]:
    """Return a line for every lesson that begins in [start, end), the earliest first.

    Raises:
        StoreError: there is no state folder, or the database can't be read.
    """
    if not home.register_db_path.exists():
        home.check_folder()
        return []
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        return ledger_lines(db, start, end)


def count_rehearsals(home: Home, start: datetime, end: datetime) -> int:
    """Return the number of rehearsals that begin in [start, end); the ledger has no line for them.

    Raises:
        StoreError: the database can't be read.
    """
    if not home.register_db_path.exists():
        return 0
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        return rehearsal_count(db, start, end)


def verify_ledger(home: Home, public_key: str | None, unsigned_before: datetime | None = None) -> VerificationResult:
    """Check the whole ledger.

    Args:
        home: the installation.
        public_key: the device's public key; None to check all with the key in the first signed document.
        unsigned_before: unsigned registers made before this time are no problem. If None, every unsigned one is.

    Raises:
        RegisterError: there is no register yet.
    """
    check_exists(home)
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        return verify(db, public_key, unsigned_before)


def check_exists(home: Home) -> None:
    """Refuse an installation without registers.

    Raises:
        RegisterError: there is no database yet.
    """
    home.check_registers()


def own_key(home: Home) -> str | None:
    """Return the device's public key, None if this command does not have the device key."""
    try:
        return Signer(device_key(home.key_path if home.home_mode else None, create=False)).public_key
    except KeyFileError:
        return None


def signing_key(home: Home) -> str:
    """Return the public key with which this device signs; makes no key.

    Raises:
        KeyFileError: the device key is missing or invalid.
    """
    return existing_signer(home).public_key
