"""Data older than the settings allow is erased, also from the database file, and no rebuild brings it back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon_office.decisions.decide import WantedChange, decide
from edge_daemon_office.decisions.excuses import excuse, publish_excuses
from edge_daemon_office.decisions.lists import publish
from edge_daemon_office.decisions.models import Decision, Excuse
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import read_home
from edge_daemon_office.ingest.run import ingest, rebuild
from edge_daemon_office.people.models import Activity
from edge_daemon_office.registers.models import DayTally, Lesson, Mark, Problem, Revision, SignedChange
from edge_daemon_office.retention import apply_retention
from tests.office.browser import an_account
from tests.office.school_tree import pinned_room
from tests.registers import START

NOW = datetime(2027, 2, 1, 12, tzinfo=timezone.utc)


def test_registers_that_are_too_old_are_forgotten_and_the_ledger_stays_checkable(office):
    school = replace(office.schools["north"], keep_registers_days=62)
    room = pinned_room(school, "room 1")
    days = (0, 14, 15, 16, 60)  # 2026-11-16 and 30, December 1 and 2, 2027-01-15; kept from December 1 on
    registers = [room.register(START + timedelta(days=day), {"s1": 0.9, "s2": 0.0}) for day in days]
    for register in registers:
        room.deliver(register)
    ingest(school, NOW)
    assert apply_retention(office, school, NOW).rows == {"lessons": 2, "events sent to Ed-Fi": 0}
    for model in (Lesson, Mark, DayTally):
        assert {str(one.day) for one in model.objects.all()} == {"2026-12-01", "2026-12-02", "2027-01-15"}
    assert not any(apply_retention(office, school, NOW).rows.values())
    room.correct(registers[0], "s2", "present")  # a late revision comes, and is forgotten, too
    ingest(school, NOW)
    assert SignedChange.objects.count() == 1
    assert apply_retention(office, school, NOW).rows["lessons"] == 1
    assert (SignedChange.objects.count(), Problem.objects.count(), Revision.objects.count()) == (0, 0, 6)
    rebuild(school, NOW)
    apply_retention(office, school, NOW)
    assert Lesson.objects.count() == 3


def test_decisions_excuses_and_activities_go_and_the_devices_lists_with_them(office):
    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    room.deliver(room.register(datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=2), {"s1": 0.0}))
    ingest(school, datetime.now(timezone.utc))
    account = an_account("office")
    decide(account, Lesson.objects.get(), [WantedChange("s1", "present", "other")])
    today = datetime.now(timezone.utc).date()
    excuse(account, school, "s1", today - timedelta(days=2), today, "illness")
    assert publish(office, school) + publish_excuses(office, school, today) == []
    folder = school.tree / "v1/devices/room 1"
    assert "s1" in (folder / "corrections.json").read_text("utf-8")
    assert "s1" in (folder / "excuses.json").read_text("utf-8")
    school = replace(school, keep_decisions_days=62)
    assert not any(apply_retention(office, school, datetime.now(timezone.utc)).rows.values())
    later = datetime.now(timezone.utc) + timedelta(days=64)
    result = apply_retention(office, school, later)
    assert (result.rows["decisions"], result.rows["excuses"], result.problems) == (1, 1, [])
    assert Activity.objects.count() == Decision.objects.count() == Excuse.objects.count() == 0
    assert json.loads((folder / "corrections.json").read_text("utf-8"))["corrections"] == []
    assert json.loads((folder / "excuses.json").read_text("utf-8"))["excuses"] == []


def test_a_list_that_could_not_be_emptied_is_emptied_by_the_next_run(office):
    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    room.deliver(room.register(datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=2), {"s1": 0.0}))
    ingest(school, datetime.now(timezone.utc))
    decide(an_account("office"), Lesson.objects.get(), [WantedChange("s1", "present", "other")])
    assert publish(office, school) == []
    folder = school.tree / "v1/devices/room 1"
    blocks = folder / ".corrections.json.half"
    blocks.mkdir()
    later = datetime.now(timezone.utc) + timedelta(days=64)
    assert len(apply_retention(office, replace(school, keep_decisions_days=62), later).problems) == 1
    assert "s1" in (folder / "corrections.json").read_text("utf-8")
    blocks.rmdir()
    assert publish(office, school) == []
    assert json.loads((folder / "corrections.json").read_text("utf-8"))["corrections"] == []


def test_a_time_that_pages_need_is_no_time_of_retention(tmp_path):
    path = tmp_path / "office.toml"
    path.write_text('[schools.north]\ntree = "t"\nkeep_registers_days = 30\n', "utf-8")
    with pytest.raises(OfficeError, match="is too short: pages look back 60 days"):
        read_home(tmp_path)
    path.write_text('[schools.north]\ntree = "t"\nkeep_registers_days = 400\n', "utf-8")
    assert read_home(tmp_path).schools["north"].keep_registers_days == 400
