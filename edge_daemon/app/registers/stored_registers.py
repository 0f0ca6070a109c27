"""Reads the registers of this device for people: all of them, or one with its evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from edge_daemon.app.enrolment.enrolled_students import removed_of
from edge_daemon.attendance.capture_map import slots_of
from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.doubt import Standing, awaits_confirmation, counts, is_cancelled
from edge_daemon.attendance.room_state import FLAG_MEANS, UNUSUAL
from edge_daemon.attendance.rule import (
    SURE,
    distance_to_rule,
    interval_with_identity,
    needed_captures,
    share_of,
    was_looked_for,
)
from edge_daemon.attendance.seat_map import room_seats, usual_boxes
from edge_daemon.errors import RegisterError
from edge_daemon.home import Home
from edge_daemon.store import lessons, registers
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import StoredRegister
from edge_daemon.types import Register, RoomSeat, Sighting

__all__ = [
    "FLAG_MEANS",
    "SURE",
    "UNUSUAL",
    "Evidence",
    "ReadRegister",
    "Standing",
    "awaits_confirmation",
    "counts",
    "distance_to_rule",
    "interval_with_identity",
    "is_cancelled",
    "list_registers",
    "needed_captures",
    "read_register",
    "share_of",
    "slots_of",
    "was_looked_for",
]


@dataclass(frozen=True, slots=True)
class ReadRegister:
    """A stored register."""

    register: Register
    content: Mapping[str, Any]
    """The document (docs/register.schema.json)."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The data of single captures that still exists. Unlike registers, it is deleted after a time."""

    captures: Sequence[tuple[int, str]]
    """Slot and name of each capture that was taken."""
    sightings: Sequence[Sighting]
    removed: Mapping[str, datetime]
    """When students were removed; they have no sightings any more."""
    seats: Mapping[str, RoomSeat]
    """Row and seat of each seen student, while sightings are kept."""
    expired_days: int | None
    """Retention time of sightings in days, if the lesson is older than that; None if it is younger."""

    @property
    def slots(self) -> list[int]:
        """The slots of the captures that were taken."""
        return [slot for slot, _ in self.captures]


def list_registers(home: Home) -> Iterator[ReadRegister]:
    """Yield the newest revision of every register, the earliest lesson first; none without a database.

    Raises:
        StoreError: there is no state folder, or the database can't be read.
    """
    if not home.register_db_path.exists():
        home.check_folder()
        return
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        stored = registers.latest_registers(db)
    yield from map(_read, stored)


def read_register(home: Home, register_id: str, revision: int | None = None) -> tuple[ReadRegister, Evidence]:
    """Return one register and the evidence for it.

    Args:
        home: the installation.
        register_id: the lesson's id, or a beginning of it that only one register has.
        revision: the revision; None for the newest one.

    Raises:
        RegisterError: there is no such register or revision.
        StoreError: the database can't be read.
    """
    home.check_registers()
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        lesson_id = registers.find_lesson(db, register_id)
        found = _read(_revision(registers.revisions(db, lesson_id), revision))
        captures, sightings = lessons.captures(db, lesson_id), lessons.sightings(db, lesson_id)
    keep_days = home.config.storage.keep_sightings_days
    is_expired = found.register.lesson.end < datetime.now(timezone.utc) - timedelta(days=keep_days)
    removed = removed_of(home, [verdict.tally.student_id for verdict in found.register.verdicts])
    slots = [(one.slot, one.name) for one in captures]
    seats = room_seats(usual_boxes(sightings))
    return found, Evidence(slots, sightings, removed, seats, keep_days if is_expired else None)


def _read(stored: StoredRegister) -> ReadRegister:
    return ReadRegister(from_json(stored.document).register, json.loads(stored.document), stored.sha256)


def _revision(revisions: list[StoredRegister], wanted: int | None) -> StoredRegister:
    if wanted is None:
        return revisions[-1]
    if wanted > len(revisions):
        where = f"register {revisions[-1].lesson_id}"
        raise RegisterError(f"there is no revision {wanted}", where, f"its last revision is {len(revisions)}")
    return revisions[wanted - 1]
