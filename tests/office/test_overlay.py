"""Decisions about a device that is gone: signed by the office, in the marks, shown as what they are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from django.conf import settings

from edge_daemon_office.decisions.decide import WantedChange, decide, states
from edge_daemon_office.decisions.models import Decision
from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.decisions.overlay import apply_overlays
from edge_daemon_office.ingest.run import ingest, rebuild
from edge_daemon_office.registers.models import DayTally, Lesson, Mark
from edge_daemon_office.shared.device.signing import text_signer
from tests.office.browser import an_account, signed_in
from tests.office.school_tree import pinned_room, tables
from tests.registers import START

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture
def office_without_room(office):
    """An office whose room 1 is gone, with one register."""
    school = replace(office.schools["north"], gone_devices=("room 1",))
    settings.OFFICE = replace(office, schools={**office.schools, "north": school})
    room = pinned_room(school, "room 1")
    room.deliver(room.register(START, {"s1": 0.9, "s2": 0.0}))
    ingest(school, NOW)
    return settings.OFFICE


def test_a_correction_counts_at_once_is_signed_by_the_office_and_shown_as_such(office_without_room):
    school, lesson = office_without_room.schools["north"], Lesson.objects.get()
    client = signed_in(an_account("teacher", courses=("7b",)))
    address = f"/north/lessons/{lesson.lesson_id}/"
    assert "The device of this room is gone" in client.get(address).content.decode()
    assert client.post(address, {"revision": "1", "verdict:s2": "present"}).status_code == 302
    text = client.get(address).content.decode()
    assert "changed by the office in place of a device that is gone" in text
    assert "signed by the office: the device is gone" in text
    mark = Mark.objects.get(student_id="s2")
    assert (mark.verdict, mark.standing, mark.flags) == ("present", "present", "corrected overlay")
    lesson.refresh_from_db()
    assert (lesson.present, lesson.absent, lesson.revision) == (2, 0, 1)
    assert DayTally.objects.get(student_id="s2").present == 1
    assert [one.state for one in states("north", Decision.objects.all())] == ["overlay"]
    overlay = (school.tree / "v1/devices/room 1/overlay.json").read_text("utf-8")
    key = office_signer(office_without_room).public_key
    assert text_signer(overlay, {key}) == key
    assert client.get("/north/students/s2/?to=2026-11-30").status_code == 200
    before = tables(school)
    rebuild(school, NOW)
    assert Mark.objects.get(student_id="s2").standing == "absent"  # as the device signed it
    apply_overlays(office_without_room, school)
    assert tables(school) == before
    apply_overlays(office_without_room, school)
    assert tables(school) == before


def test_a_lesson_that_was_not_held_counts_nowhere_and_a_forged_overlay_does_nothing(office_without_room):
    school, lesson = office_without_room.schools["north"], Lesson.objects.get()
    decide(an_account("office"), lesson, [WantedChange("", "not_held")])
    client = signed_in(an_account("office", username="o2"))
    client.post(f"/north/lessons/{lesson.lesson_id}/", {"revision": "1", "confirm": "not_held"})
    lesson.refresh_from_db()
    assert (lesson.held, lesson.is_counted, DayTally.objects.count()) == (False, False, 0)
    path = school.tree / "v1/devices/room 1/overlay.json"
    fields = json.loads(path.read_text("utf-8"))
    fields["corrections"] = [{"lesson_id": lesson.lesson_id, "student_id": "s2", "verdict": "present"}]
    path.write_text(json.dumps(fields), "utf-8")
    rebuild(school, NOW)
    assert apply_overlays(office_without_room, school) == 0
    assert Mark.objects.get(student_id="s2").standing == "absent"
