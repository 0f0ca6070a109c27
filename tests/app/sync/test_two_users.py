"""Sync with read-only access to register.sqlite, beside the side that takes registers: each lesson arrives once."""

from __future__ import annotations

import random
from contextlib import closing
from datetime import timedelta

import pytest

from edge_daemon.app.inbox.apply import apply_inbox
from edge_daemon.app.inbox.waiting import handed_dir, inbox_dir, waits
from edge_daemon.app.notices.absences import queue_absence_notices
from edge_daemon.app.notices.handover import Handover
from edge_daemon.attendance.document import from_json, sign
from edge_daemon.attendance.register import correct
from edge_daemon.config import MailConfig
from edge_daemon.home import Home
from edge_daemon.store import outbox, registers
from edge_daemon.store.daily_events import events
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.delivery_file import OutboxMirror, open_delivery
from edge_daemon.store.delivery_report import write_report
from edge_daemon.store.pulled import pulled_document
from edge_daemon.types import Outcome
from tests.office_server import OfficeServer
from tests.registers import SIGNER, START
from tests.sync_device import NOW, Clock, a_device, held_registers, made_registers, run


@pytest.fixture
def office(tmp_path):
    with OfficeServer(tmp_path / "office") as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path, office, monkeypatch) -> Home:
    """A device whose sync runs as another user."""
    home = a_device(tmp_path / "home", office, more='pull = ["corrections"]')
    monkeypatch.setattr(Home, "may_write_registers", False)
    return home


def states(home: Home) -> list[str]:
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return [one.state for one in outbox.listed(db, outbox.STATES)]


def take_over(home: Home, now) -> None:
    db = open_register(home.register_db_path)
    with closing(db.conn):
        Handover(home).tend(db, now)


def test_registers_arrive_and_the_service_learns_it_from_the_report(home, office, clock):
    before = home.register_db_path.read_bytes()
    run(home, clock)
    assert held_registers(office) == made_registers(home)
    assert home.register_db_path.read_bytes() == before
    assert states(home) == ["waiting"] * 3
    take_over(home, clock())
    assert states(home) == ["delivered"] * 3


def test_all_of_the_other_folder_may_be_lost_at_any_time(home, office, clock):
    run(home, clock)
    take_over(home, clock())
    for path in sorted(home.delivery_dir.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    held = held_registers(office)
    for path in (office.folder / "v1").rglob("registers/*/*.json"):
        path.unlink()
    run(home, clock)
    assert held_registers(office) == held, "sent again"


def test_a_fetched_document_is_taken_over_once_and_erased_by_its_owner(home, office, clock):
    place = office.folder / "v1" / "devices" / "room 204"
    place.mkdir(parents=True)
    (place / "corrections.json").write_text('{"schema": 1, "device": "room 204", "corrections": []}')
    run(home, clock)
    handed = handed_dir(home) / "corrections.json"
    assert handed.exists()
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert waits(home, db)
        (result,) = apply_inbox(home, clock())
        assert not waits(home, db)
        applied = pulled_document(db, "corrections.json")
    assert result.document == "corrections.json"
    assert list(inbox_dir(home).iterdir()) == []
    run(home, clock)
    assert not handed.exists()
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert not waits(home, db)
        assert pulled_document(db, "corrections.json").taken == applied.taken


def test_a_document_that_can_not_be_used_is_an_event_of_the_day_once(home, office, clock):
    place = office.folder / "v1" / "devices" / "room 204"
    place.mkdir(parents=True)
    (place / "corrections.json").write_text("{}")
    for _ in range(2):
        run(home, clock)
        take_over(home, clock())
    db = open_register(home.register_db_path)
    with closing(db.conn):
        (event,) = [e for e in events(db, NOW, NOW + timedelta(days=1)) if e.event == "document refused"]
        assert event.fields["document"] == "corrections.json"
        assert pulled_document(db, "corrections.json").problem == event.fields["reason"]


def test_a_file_in_the_inbox_that_is_a_link_or_a_folder_is_no_document(home, clock, tmp_path):
    folder = handed_dir(home)
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("{}")
    (folder / "corrections.json").symlink_to(tmp_path / "secret")
    (folder / "roster.csv").mkdir()
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert not waits(home, db)
    assert apply_inbox(home, clock()) == ()


MAIL = MailConfig(host="mail.school.example", guardians=True, hold_h=0)


def test_a_notice_that_went_out_while_it_was_taken_back_is_taken_back_by_mail(tmp_path, clock):
    home = a_device(tmp_path / "home", None, lessons=1, more='[mail]\nhost = "m"\nfrom = "a@b.c"\nguardians = true')
    db = open_register(home.register_db_path)
    with closing(db.conn):
        lesson_id = db.execute("SELECT lesson_id FROM registers").fetchone()[0]
        absent = next(
            v.tally.student_id
            for v in from_json(registers.latest(db, lesson_id).document).register.verdicts
            if v.verdict == "absent"
        )
        with transaction(db):
            queue_absence_notices(db, from_json(registers.latest(db, lesson_id).document).register, START, MAIL)
            db.execute("UPDATE outbox SET state = 'waiting' WHERE kind = 'guardian'")
    theirs = open_delivery(home.delivery_db_path, home.register_db_path)
    with closing(theirs.conn):
        mirror, now = OutboxMirror(theirs), NOW + timedelta(days=1)
        mirror.refresh(now)
        claimed = outbox.claim(theirs, "mail", now, "sync")
        assert claimed is not None
        assert (claimed.kind, claimed.student_id) == (outbox.GUARDIAN, absent)

        db = open_register(home.register_db_path)
        with closing(db.conn):  # the teacher corrects, while the message is on its way

            def render(last):
                old = from_json(last.document).register
                new = correct(old, absent, "present", by="teacher", reason="was there", at=now)
                return sign(new, last.sha256, SIGNER)

            def also(db, stored):
                queue_absence_notices(db, from_json(stored.document).register, now, MAIL)

            registers.add_revision(db, lesson_id, render, now, also)
            kinds = {one.kind: one.state for one in outbox.of_lesson(db, lesson_id) if one.student_id == absent}
            assert kinds == {outbox.GUARDIAN: "void"}, "nobody here knows that it is on its way"

        mirror.refresh(now)
        outbox.settle(theirs, claimed, Outcome("delivered", "accepted"), now, random.Random(1))
        write_report(theirs, home.delivery_dir)
    take_over(home, now)
    take_over(home, now)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        found = [(one.kind, one.state) for one in outbox.of_lesson(db, lesson_id) if one.student_id == absent]
    assert found == [(outbox.GUARDIAN, "delivered"), (outbox.GUARDIAN_CORRECTION, "waiting")]
