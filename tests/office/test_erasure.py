"""Erasing a student in the office: the erased data, and the report on data that stays."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon_office.decisions.decide import WantedChange, decide
from edge_daemon_office.decisions.excuses import excuse, publish_excuses
from edge_daemon_office.decisions.lists import publish
from edge_daemon_office.decisions.models import Decision, Excuse
from edge_daemon_office.erasure import erase_student
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.people.models import Activity
from edge_daemon_office.registers.models import Lesson
from tests.office.browser import an_account
from tests.office.school_tree import pinned_room

NOW = datetime.now(timezone.utc).replace(microsecond=0)
LESSON = (NOW - timedelta(days=1)).replace(hour=9, minute=0, second=0)


def test_erasure_removes_the_offices_own_records_and_names_the_rest(office):
    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    room.deliver(room.register(LESSON, {"S1": 0.9, "S2": 0.0}, "7a"))
    school.roster.write_text("student_id,name,courses\nS1,Zoë,7a\nS2,Kim,7a\n", "utf-8")
    ingest(school, NOW)
    account, today = an_account("office"), NOW.date()
    decide(
        account,
        Lesson.objects.get(),
        [WantedChange("S1", "absent", "not_there"), WantedChange("S2", "present", "other")],
    )
    excuse(account, school, "S2", today, today, "illness")
    assert publish(office, school) == publish_excuses(office, school, today) == []
    folder = school.tree / "v1/devices/room 1"
    assert "S2" in (folder / "excuses.json").read_text("utf-8")
    result = erase_student(office, school, "S2")
    assert result.erased == {"excuses": 1, "decisions": 1, "activities": 2, "alerts": 0}
    assert "S2" not in (folder / "excuses.json").read_text("utf-8")
    left = json.loads((folder / "corrections.json").read_text("utf-8"))["corrections"]
    assert [one["student_id"] for one in left] == ["S1"]
    assert (Excuse.objects.count(), Decision.objects.count()) == (0, 1)
    assert not Activity.objects.filter(student_id="S2").exists()
    stays = "\n".join(result.stays)
    for words in ("remove the line", "1 mark by bare id", "removals.json", "backups"):
        assert words in stays
    erase_student(office, school, "S1")
    assert json.loads((folder / "corrections.json").read_text("utf-8"))["corrections"] == []
    assert erase_student(office, school, "S1").erased["decisions"] == 0
    noted = Activity.objects.filter(what="student erased").count()
    with pytest.raises(OfficeError, match="S9: there is no such student"):
        erase_student(office, school, "S9")
    assert Activity.objects.filter(what="student erased").count() == noted == 3
