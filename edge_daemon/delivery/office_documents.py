"""Documents from the office for a device: corrections, excuses, withdrawn consents, removals (docs/PULL.md).

All are JSON (RFC 8259), described by docs/corrections.schema.json, excuses.schema.json, withdrawals.schema.json and
removals.schema.json. They are untrusted input: this module checks every value, and accepts a document completely or not
at all. An error names the place in the document and never the value, because it goes into the log.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias, Union, cast, get_args

from edge_daemon.errors import DeliveryError
from edge_daemon.plain_text import is_plain
from edge_daemon.timestamps import parsed
from edge_daemon.types import Confirmation, Correction, VerdictName

CORRECTIONS: Final = "corrections.json"
WITHDRAWALS: Final = "withdrawals.json"
REMOVALS: Final = "removals.json"
EXCUSES: Final = "excuses.json"

MAX_ENTRIES: Final = 5000
"""Largest number of entries in one document. A room has a few hundred corrections in a school year."""
MAX_OF_A_LESSON: Final = 200
"""Largest number of corrections of one lesson.

Each correction makes a new revision with all earlier corrections in it, so a faulty list could fill the disk.
"""
MAX_TEXT: Final = 500
"""Largest number of characters of a name or a reason."""
MAX_TITLE: Final = 100
_MAX_ID: Final = 200
_LONGEST_EXCUSE: Final = timedelta(days=366)
_FUTURE: Final = timedelta(minutes=5)
"""Tolerance for clock differences; a decision from further in the future is refused."""
_LESSON_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CORRECTION_ID: Final = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
"""Form of a correction's id. It allows no blank, because the id appears in logs and must not be a person's name."""
_TODO: Final = "correct it at the office; nothing was changed"

Json = Union[None, bool, int, float, str, "Sequence[Json]", "Mapping[str, Json]"]


@dataclass(frozen=True, slots=True)
class OfficeCorrection:
    """A correction that the office requests."""

    correction_id: str
    """The office's own id of the correction, unique within the document. Reports about failures name it."""
    lesson_id: str
    correction: Correction

    @property
    def at(self) -> datetime:
        """When it was decided."""
        return self.correction.at


@dataclass(frozen=True, slots=True)
class OfficeConfirmation:
    """The office's statement that a lesson was held, or was not."""

    correction_id: str
    """The office's own id of the confirmation, as in `OfficeCorrection`."""
    lesson_id: str
    confirmation: Confirmation

    @property
    def at(self) -> datetime:
        """When it was decided."""
        return self.confirmation.at


@dataclass(frozen=True, slots=True)
class ExcuseList:
    """Excused students with their days."""

    at: datetime
    """Time at which the office wrote the list. An older list never replaces a newer one."""
    excuses: tuple[tuple[str, date, date], ...]
    """Student id, first day and last day of each excuse."""


OfficeDecision: TypeAlias = OfficeCorrection | OfficeConfirmation
_HELD: Final[Mapping[str, bool]] = {"held": True, "not_held": False}


def parse_corrections(data: bytes, device: str, now: datetime) -> tuple[OfficeDecision, ...]:
    """Return the corrections and confirmations of a document, in its order.

    Args:
        data: the document.
        device: name of this device; a document that names another one is refused.
        now: the current time; a decision from the future is refused.

    Raises:
        DeliveryError: the document, or an entry of it, does not follow docs/PULL.md.
    """
    entries = _entries(data, CORRECTIONS, "corrections", device)
    found = [_correction(entry, now) for entry in entries]
    known: dict[str, int] = {}
    for number, one in enumerate(found, 1):
        first = known.setdefault(one.correction_id, number)
        if first != number:
            raise _error(CORRECTIONS, f"correction {number}", f"its id is that of correction {first}, too")
    busiest = max(Counter(one.lesson_id for one in found).values(), default=0)
    if busiest > MAX_OF_A_LESSON:
        what = f"has {busiest} corrections of one lesson, at most {MAX_OF_A_LESSON} are accepted"
        raise _error(CORRECTIONS, "corrections", what)
    return tuple(found)


def parse_excuses(data: bytes, device: str, now: datetime) -> ExcuseList:
    """Return the list of excused students with their days.

    Args:
        data: the document.
        device: name of this device; a document that names another one is refused.
        now: the current time; a list from the future is refused.

    Raises:
        DeliveryError: the document, or an entry of it, does not follow docs/PULL.md.
    """
    top = _Entry(EXCUSES, "the list", _object(data, EXCUSES))
    entries = _entries(data, EXCUSES, "excuses", device)
    return ExcuseList(top.at("at", now), tuple(_excuse(entry) for entry in entries))


def _excuse(entry: _Entry) -> tuple[str, date, date]:
    first, last = entry.day("first_day"), entry.day("last_day")
    if last < first or last - first > _LONGEST_EXCUSE:
        raise entry.error("last_day", "a day up to a year after first_day was expected")
    return entry.text("student_id", _MAX_ID), first, last


def parse_withdrawals(data: bytes, device: str) -> tuple[str, ...]:
    """Return the ids of the students who withdrew their consent to recognition, each once.

    Raises:
        DeliveryError: as for `parse_corrections`.
    """
    entries = _entries(data, WITHDRAWALS, "withdrawals", device)
    return tuple(dict.fromkeys(entry.text("student_id", _MAX_ID) for entry in entries))


def parse_removals(data: bytes, device: str) -> tuple[str, ...]:
    """Return the ids of the students to erase, each once.

    Raises:
        DeliveryError: as for `parse_corrections`.
    """
    entries = _entries(data, REMOVALS, "removals", device)
    return tuple(dict.fromkeys(entry.text("student_id", _MAX_ID) for entry in entries))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a document, a JSON object. Each method returns a value, and refuses one of another type."""

    document: str
    place: str
    values: Mapping[str, Json]

    def text(self, key: str, longest: int) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "a text was expected")
        if len(value) > longest:
            raise self.error(key, f"has {len(value)} characters, at most {longest} are accepted")
        if not is_plain(value):
            raise self.error(key, "has a line break or another character that can't be printed")
        return value.strip()

    def at(self, key: str, now: datetime) -> datetime:
        try:
            at = parsed(self.text(key, _MAX_ID))
        except ValueError as error:
            raise self.error(key, "a time like 2026-11-21T08:00:00Z was expected") from error
        if at > now + _FUTURE:
            raise self.error(key, "is in the future")
        return at.replace(microsecond=0)

    def day(self, key: str) -> date:
        try:
            return date.fromisoformat(self.text(key, _MAX_ID))
        except ValueError as error:
            raise self.error(key, "a day like 2026-11-21 was expected") from error

    def error(self, key: str, what: str) -> DeliveryError:
        return _error(self.document, f"{self.place}, {key}", what)


def _correction(entry: _Entry, now: datetime) -> OfficeDecision:
    lesson_id = entry.text("lesson_id", _MAX_ID).lower()
    if not _LESSON_ID.fullmatch(lesson_id):
        raise entry.error("lesson_id", "a lesson's id was expected, as registers have it")
    correction_id = entry.text("id", _MAX_ID)
    if not _CORRECTION_ID.fullmatch(correction_id):
        raise entry.error("id", "letters, digits and . _ : / - were expected, 64 at most")
    if "confirm" in entry.values:
        return OfficeConfirmation(correction_id, lesson_id, _confirmation(entry, now))
    verdict = entry.text("verdict", _MAX_ID)
    if verdict not in get_args(VerdictName):
        raise entry.error("verdict", "expected one of " + ", ".join(get_args(VerdictName)))
    return OfficeCorrection(
        correction_id,
        lesson_id,
        Correction(
            student_id=entry.text("student_id", _MAX_ID),
            verdict=cast(VerdictName, verdict),
            by=entry.text("by", MAX_TEXT),
            reason=entry.text("reason", MAX_TEXT),
            at=entry.at("at", now),
            title=entry.text("title", MAX_TITLE) if entry.values.get("title") is not None else None,
        ),
    )


def _confirmation(entry: _Entry, now: datetime) -> Confirmation:
    word = entry.text("confirm", _MAX_ID)
    if word not in _HELD:
        raise entry.error("confirm", "expected one of " + ", ".join(_HELD))
    both = [key for key in ("student_id", "verdict") if key in entry.values]
    if both:
        raise entry.error(both[0], "an entry that confirms a lesson is about no single student")
    return Confirmation(_HELD[word], entry.text("by", MAX_TEXT), entry.at("at", now))


def _entries(data: bytes, document: str, key: str, device: str) -> list[_Entry]:
    """Return the entries of a document's list under `key`. Keys that this module does not know are ignored."""
    top = _object(data, document)
    if top.get("schema") != 1 or isinstance(top.get("schema"), bool):
        raise _error(document, "schema", "1 was expected: this program knows no other form")
    if top.get("device", device) != device:
        raise _error(document, "device", "names another device")
    values = top.get(key)
    if not isinstance(values, list):
        raise _error(document, key, "a list was expected")
    if len(values) > MAX_ENTRIES:
        raise _error(document, key, f"has {len(values)} entries, at most {MAX_ENTRIES} are accepted")
    entries = []
    for number, value in enumerate(values, 1):
        place = f"{key.removesuffix('s')} {number}"
        if not isinstance(value, dict):
            raise _error(document, place, "an object was expected")
        entries.append(_Entry(document, place, value))
    return entries


def _object(data: bytes, document: str) -> Mapping[str, Json]:
    try:
        top = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_pairs, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _error(document, f"byte {error.start}", "is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _error(document, f"line {error.lineno}, column {error.colno}", f"is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise _error(document, "", "nests too deep") from error
    except ValueError as error:  # a duplicate key, or a number that is too long or not allowed in JSON
        raise _error(document, "", "has a key twice in one object, or a number that JSON does not have") from error
    if not isinstance(top, dict):
        raise _error(document, "", "an object was expected")
    return top


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(_: str) -> float:
    raise ValueError("no number of JSON")


def _error(document: str, place: str, what: str) -> DeliveryError:
    return DeliveryError(what, f"{document}, {place}" if place else document, _TODO)
