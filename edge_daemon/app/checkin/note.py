"""The signed note by which check-ins of another computer reach the room's device: ids and times, nothing else."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.registers.correct_register import check_in_register
from edge_daemon.attendance.export import write_whole
from edge_daemon.device.signing import fingerprint, is_signed_by, signed
from edge_daemon.errors import CheckinNoteError
from edge_daemon.home import Home
from edge_daemon.store.check_ins import add_check_ins, check_ins_between
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.registers import lessons_with_register
from edge_daemon.timestamps import parsed, written

KIND: Final = "check_ins"
SCHEMA: Final = 1
_MOST: Final = 5000
_MOST_BYTES: Final = 1 << 20
_FUTURE: Final = timedelta(minutes=5)
_LONGEST: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class TakenNote:
    """What a note did."""

    check_ins: int
    revisions: int
    """Registers that were made already and have the check-ins now."""


def write_note(home: Home, output: Path, since: datetime, now: datetime) -> int:
    """Write the check-ins of this installation since a time, signed; return how many there are.

    Raises:
        EdgeError: there is no device key, or a file can't be read or written.
    """
    db = open_register(home.register_db_path)
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
    """Take over the check-ins of a note; doing it twice is doing it once.

    Whoever is in a register that is made already gets its next revision.

    Raises:
        CheckinNoteError: the note is damaged, or signed by no computer of `checkin.devices`; nothing was changed.
        EdgeError: a database can't be written; nothing was changed.
    """
    check_ins = _read(home, path, now)
    revisions = 0
    home.ensure_state_dir()
    db = open_register(home.register_db_path)
    with closing(db.conn):
        signer, also = open_signer(home), outbox_writer(home.config)
        with transaction(db):
            add_check_ins(db, check_ins)
            times = [at for _, at in check_ins]
            known = lessons_with_register(db, min(times) - _LONGEST, max(times) + _LONGEST) if times else []
            for lesson_id in known:
                revisions += check_in_register(db, lesson_id, check_ins, signer, also, now) is not None
    return TakenNote(len(check_ins), revisions)


def _read(home: Home, path: Path, now: datetime) -> list[tuple[str, datetime]]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CheckinNoteError(
            f"can't be read: {error.strerror}", str(path), "check the path and its rights"
        ) from error
    try:
        fields: Any = json.loads(data.decode("utf-8")) if len(data) <= _MOST_BYTES else None
    except (UnicodeDecodeError, ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or (fields.get("schema"), fields.get("kind")) != (SCHEMA, KIND):
        raise CheckinNoteError("is no note of check-ins", str(path), "make it again: `edge-daemon checkin note`")
    key = fields.get("public_key")
    if not isinstance(key, str) or key not in home.config.checkin.devices:
        shown = f" ({fingerprint(key)})" if isinstance(key, str) and len(key) == 64 else ""
        hint = "add its public key, which `edge-daemon identity` prints there, to [checkin] devices"
        raise CheckinNoteError(f"is signed by a computer that this device does not trust{shown}", str(path), hint)
    if not is_signed_by(fields, key):
        raise CheckinNoteError(
            "was changed after it was signed", str(path), "make it again: `edge-daemon checkin note`"
        )
    return _entries(fields.get("check_ins"), path, now)


def _entries(entries: object, path: Path, now: datetime) -> list[tuple[str, datetime]]:
    found: list[tuple[str, datetime]] = []
    listed: list[Any] = entries if isinstance(entries, list) and len(entries) <= _MOST else [None]
    for entry in listed:
        try:
            student_id, at = entry["student_id"], parsed(entry["at"])
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise CheckinNoteError("has an entry without id or time", str(path), "make it again") from error
        if not isinstance(student_id, str) or not student_id or at > now + _FUTURE:
            raise CheckinNoteError("has an entry of a time to come, or without id", str(path), "set the clocks right")
        found.append((student_id, at.astimezone(timezone.utc)))
    return found
