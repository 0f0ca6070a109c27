"""Free text about a student in registers of an earlier release: it is signed, so it can't be erased."""

from __future__ import annotations

from contextlib import closing

from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.reason_codes import REASONS
from edge_daemon.errors import RegisterError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import latest_registers
from edge_daemon.types import Correction


def signed_words(home: Home, student_id: str) -> list[str]:
    """Return a line for each correction of the student with a free-text reason, the earliest lesson first.

    Raises:
        StoreError: the registers can't be read.
    """
    if not home.register_db_path.exists():
        return []
    db = open_register(home.register_db_path)
    with closing(db.conn):
        found = [(one.lesson_id, each) for one in latest_registers(db) for each in _corrections(one.document)]
    return [
        f"register {lesson_id}, {correction.at:%Y-%m-%d}: {correction.reason}"
        for lesson_id, correction in found
        if correction.student_id == student_id and correction.reason not in REASONS
    ]


def _corrections(document: str) -> tuple[Correction, ...]:
    try:
        return from_json(document).register.corrections
    except RegisterError:  # `maintain check` and `ledger verify` report it
        return ()
