"""Reads a signed note of check-ins; it counts only if a trusted computer signed it."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from edge_daemon.device.signing import fingerprint, is_signed_by
from edge_daemon.errors import CheckinNoteError
from edge_daemon.timestamps import parsed

DOCUMENT: Final = "check_ins.json"
"""Name of the document on the office's server: one note, or a list of notes."""
KIND: Final = "check_ins"
SCHEMA: Final = 1
MAX_BYTES: Final = 1 << 20
_MAX_CHECK_INS: Final = 5000
_MAX_NOTES: Final = 50
_FUTURE: Final = timedelta(minutes=5)
_FIRST: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""The earliest accepted time: the clock of a computer that never knew the time starts here."""
_AGAIN: Final = "make it again: `edge-daemon checkin note`"

CheckIn = tuple[str, datetime]
"""Student id and time, in UTC."""


def read_notes(data: bytes, trusted: Collection[str], where: str, now: datetime) -> list[CheckIn]:
    """Return the check-ins of a note or a list of notes; one error refuses them all.

    Args:
        data: JSON in UTF-8.
        trusted: public keys of the computers whose notes count (`checkin.devices`).
        where: the document's name for errors.
        now: the time; a check-in more than five minutes later, or before 1970, is refused.

    Raises:
        CheckinNoteError: a note is damaged, or no trusted computer signed it.
    """
    try:
        found: Any = json.loads(data.decode("utf-8")) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        found = None
    notes = found if isinstance(found, list) and found else [found]
    if len(notes) > _MAX_NOTES:
        raise CheckinNoteError(
            f"has {len(notes)} notes; at most {_MAX_NOTES} are accepted", where, "send only newer ones"
        )
    return [check_in for note in notes for check_in in _checked(note, trusted, where, now)]


def _checked(note: object, trusted: Collection[str], where: str, now: datetime) -> list[CheckIn]:
    if not isinstance(note, dict) or (note.get("schema"), note.get("kind")) != (SCHEMA, KIND):
        raise CheckinNoteError("is not a note of check-ins", where, _AGAIN)
    key = note.get("public_key")
    if not isinstance(key, str) or key not in trusted:
        whose = f" ({fingerprint(key)})" if isinstance(key, str) and len(key) == 64 else ""
        hint = "add its public key, which `identity` prints there, to [checkin] devices"
        raise CheckinNoteError(f"is signed by a computer that this device does not trust{whose}", where, hint)
    if not is_signed_by(note, key):
        raise CheckinNoteError("was changed after it was signed", where, _AGAIN)
    return _check_ins(note.get("check_ins"), where, now)


def _check_ins(entries: object, where: str, now: datetime) -> list[CheckIn]:
    found: list[CheckIn] = []
    listed: list[Any] = entries if isinstance(entries, list) and len(entries) <= _MAX_CHECK_INS else [None]
    for entry in listed:
        try:
            student_id, at = entry["student_id"], parsed(entry["at"])
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise CheckinNoteError("has an entry without id or time", where, _AGAIN) from error
        if not isinstance(student_id, str) or not student_id or not _FIRST <= at <= now + _FUTURE:
            raise CheckinNoteError(
                "has an entry from the future or before 1970, or one without id", where, "set the clocks right"
            )
        found.append((student_id, at.astimezone(timezone.utc)))
    return found
