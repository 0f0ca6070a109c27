"""The signed note that carries check-ins from another computer to the room's device: only ids and times."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.registers.check_in_note_reading import KIND, MAX_BYTES, SCHEMA, CheckIn, read_notes
from edge_daemon.app.registers.correct_register import check_in_register
from edge_daemon.app.registers.own_documents import TamperedError
from edge_daemon.attendance.export import write_whole
from edge_daemon.device.signing import signed
from edge_daemon.errors import CheckinNoteError
from edge_daemon.home import Home
from edge_daemon.store.alarms import LEDGER, raise_alarm
from edge_daemon.store.check_ins import add_check_ins, check_ins_between
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.registers import lessons_with_register
from edge_daemon.timestamps import written

_LONGEST: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class TakenNote:
    """The result of an import of check-ins."""

    check_ins: int
    revisions: int
    """Number of existing registers that got the check-ins."""
    problem: str = ""
    """How a register differs from the one that this device signed, in one line; such a register gets no check-ins.

    Empty if none differs.
    """


def write_note(home: Home, output: Path, since: datetime, now: datetime) -> int:
    """Write this installation's check-ins since a time as a signed note; return their number.

    Raises:
        EdgeError: there is no device key, or a file can't be read or written.
    """
    db = open_register(home.register_db_path, create=not home.register_db_path.exists())
    with closing(db.conn):
        found = check_ins_between(db, since, now)
    fields = {
        "schema": SCHEMA,
        "kind": KIND,
        "device": home.config.device.name,
        "check_ins": [{"student_id": student_id, "at": written(at)} for student_id, at in found],
    }
    text = signed(fields, open_signer(home))

    def write(part: Path) -> None:
        part.write_text(text + "\n", encoding="utf-8")

    write_whole(output, write)
    return len(found)


def take_note(home: Home, path: Path, now: datetime) -> TakenNote:
    """Import the check-ins of a note; safe to repeat.

    An existing register of a student in the note gets its next revision.

    Raises:
        CheckinNoteError: the note is damaged, or no computer of `checkin.devices` signed it; nothing was changed.
        EdgeError: a database can't be written; nothing was changed.
    """
    return take_check_ins(home, read_notes(_content(path), home.config.checkin.devices, str(path), now), now)


def take_check_ins(home: Home, check_ins: Sequence[CheckIn], now: datetime) -> TakenNote:
    """Store check-ins and revise their registers, in one transaction.

    A register that was changed after this device signed it is left as it is, and raises an alarm.

    Raises:
        EdgeError: a database can't be written; nothing was changed.
    """
    revisions, problem = 0, ""
    home.ensure_state_dir()
    db = open_register(home.register_db_path, create=not home.register_db_path.exists())
    with closing(db.conn):
        signer, also = open_signer(home), outbox_writer(home.config)
        with transaction(db):
            add_check_ins(db, check_ins)
            times = [at for _, at in check_ins]
            known = lessons_with_register(db, min(times) - _LONGEST, max(times) + _LONGEST) if times else []
            for lesson_id in known:
                try:
                    revisions += check_in_register(db, lesson_id, check_ins, signer, also, now) is not None
                except TamperedError as error:
                    problem = error.line()
        if problem:
            raise_alarm(db, LEDGER, problem, now)
    return TakenNote(len(check_ins), revisions, problem)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CheckinNoteError(
            f"can't be read: {error.strerror}", str(path), "check the path and its rights"
        ) from error
