"""Promised lessons without a register, as a device's own commitments and logs of its days name them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from edge_daemon.app.service.commitment_publisher import publish_commitments
from edge_daemon.app.sync.day_documents import day_document
from edge_daemon.attendance.commitment import read_commitment
from edge_daemon.delivery import document_paths
from edge_daemon.store.commitments import commitments
from edge_daemon.store.database import open_register
from edge_daemon.store.plans import commit_plan, forget_plan
from edge_daemon_office.ingest.day_logs import missing_registers
from edge_daemon_office.ingest.run import ingest
from tests.office.school_tree import pinned_room

NOW = datetime.now(timezone.utc).replace(microsecond=0)
DAY = (NOW - timedelta(days=2)).replace(hour=0, minute=0, second=0)


def promise(db, room, lessons, at: datetime) -> None:
    """Plan lessons and commit to the plans as the service does, and deliver the commitments."""
    for lesson in lessons:
        commit_plan(db, lesson, b"x" * 44, "ab" * 32, 20, at)
    assert publish_commitments(db, lambda: room.signer, at) == len(lessons)
    for one in commitments(db):
        room.put(document_paths.commitment(room.device, read_commitment(one.document).ref), one.document)


def deliver_log(db, room, school) -> None:
    day = (DAY + timedelta(hours=9)).astimezone(school.zone).date()
    room.put(document_paths.day(room.device, day), day_document(db, day, school.zone, room.device))


def test_a_promised_lesson_that_became_shorter_is_missed_once_and_a_dropped_one_is_not(office, tmp_path):
    school = office.schools["north"]
    room, db = pinned_room(school, "room 1"), open_register(tmp_path / "register.sqlite")
    long = room.lesson(DAY + timedelta(hours=9), minutes=60)
    short = replace(long, end=long.start + timedelta(minutes=45))
    promise(db, room, [long], long.start - timedelta(hours=19))
    promise(db, room, [short], long.start - timedelta(hours=2))
    deliver_log(db, room, school)
    ingest(school, NOW)
    found = missing_registers(school, DAY.date())
    assert [(one.lesson_id, one.end) for one in found.missing] == [(short.lesson_id, short.end)]
    assert found.withdrawn == []
    forget_plan(db, short.lesson_id)
    deliver_log(db, room, school)
    found = missing_registers(school, DAY.date())
    assert (found.missing, [one.end for one in found.withdrawn]) == ([], [short.end])


def test_a_later_commitment_to_other_lessons_withdraws_nothing(office, tmp_path):
    school = office.schools["north"]
    room, db = pinned_room(school, "room 1"), open_register(tmp_path / "register.sqlite")
    morning = [room.lesson(DAY + timedelta(hours=hour)) for hour in (8, 9)]
    afternoon = room.lesson(DAY + timedelta(hours=14))
    promise(db, room, morning, DAY - timedelta(hours=12))
    promise(db, room, [afternoon], DAY - timedelta(hours=6))
    deliver_log(db, room, school)
    ingest(school, NOW)
    found = missing_registers(school, DAY.date())
    assert ([one.start for one in found.missing], found.withdrawn) == (
        [one.start for one in [*morning, afternoon]],
        [],
    )
