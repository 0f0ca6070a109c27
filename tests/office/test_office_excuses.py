"""Excuses: entered on the page, signed for the rooms where the student is taught, and counted on the pages."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone

import pytest

from edge_daemon.delivery.office_documents import parse_excuses
from edge_daemon.device.signing import is_signed_by
from edge_daemon_office.decisions.excuses import publish_excuses
from edge_daemon_office.decisions.models import Excuse
from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.people.models import Activity
from tests.office.browser import an_account, signed_in
from tests.office.school_tree import pinned_room

NOW = datetime.now(timezone.utc).replace(microsecond=0)
LESSON = (NOW - timedelta(days=1)).replace(hour=9, minute=0, second=0)
DAY = LESSON.date().isoformat()


@pytest.fixture
def school(office):
    found = office.schools["north"]
    for device, course in (("room 1", "7a"), ("room 2", "8b")):
        room = pinned_room(found, device)
        room.deliver(room.register(LESSON, {f"{course} 1": 0.9, f"{course} 2": 0.0}, course))
    found.roster.write_text("student_id,name,courses\n7a 2,Zoë,7a\nnew,Kim,8b\n", "utf-8")
    ingest(found, NOW)
    return found


def entries(school, device: str) -> list[dict[str, str]]:
    path = school.tree / "v1/devices" / device / "excuses.json"
    return json.loads(path.read_text("utf-8"))["excuses"] if path.exists() else []


def client(role: str = "office"):
    return signed_in(an_account(role, courses=("7a",) if role == "teacher" else ()))


def test_an_excuse_reaches_the_room_of_the_student_alone_and_the_pages(office, school):
    page = client()
    assert "Zoë" in page.get(f"/north/today/?day={DAY}").content.decode()
    answer = page.post("/north/excuses/7a 2/", {"first_day": DAY, "code": "illness"})
    assert answer.status_code == 302
    text = (school.tree / "v1/devices/room 1/excuses.json").read_text("utf-8")
    assert is_signed_by(json.loads(text), office_signer(office).public_key)
    assert "illness" not in text
    found = parse_excuses(text.encode(), "room 1", datetime.now(timezone.utc))
    assert found.excuses == (("7a 2", date.fromisoformat(DAY), date.fromisoformat(DAY)),)
    assert entries(school, "room 2") == []
    assert "Zoë" not in page.get(f"/north/today/?day={DAY}").content.decode()
    text = page.get("/north/students/7a 2/").content.decode()
    assert "Illness" in text
    assert ">E</a>" in text
    assert list(Activity.objects.filter(what="excuse").values_list("by", "student_id")) == [("office-north", "7a 2")]


def test_a_student_of_the_roster_who_had_no_lesson_yet_is_excused_too_and_it_can_be_taken_back(office, school):
    page = client()
    page.post("/north/excuses/new/", {"first_day": DAY, "last_day": DAY, "code": "illness"})
    assert [one["student_id"] for one in entries(school, "room 2")] == ["new"]
    before = (school.tree / "v1/devices/room 2/excuses.json").read_text("utf-8")
    assert publish_excuses(office, school, date.fromisoformat(DAY)) == []
    assert (school.tree / "v1/devices/room 2/excuses.json").read_text("utf-8") == before
    page.post("/north/excuses/new/", {"withdraw": Excuse.objects.get().excuse_id})
    assert Excuse.objects.count() == 0
    assert entries(school, "room 2") == []
    assert (school.tree / "v1/devices/room 2/excuses.json").exists()  # an empty list takes the excuse away there
    assert page.post("/north/excuses/new/", {"withdraw": "x"}).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"first_day": "x", "code": "illness"},
        {"first_day": DAY, "last_day": "2020-01-01", "code": "illness"},
        {"first_day": DAY, "last_day": "2999-01-01", "code": "illness"},
        {"first_day": DAY, "code": "flu since Monday"},
        {},
    ],
)
def test_an_invalid_excuse_is_not_saved(school, fields):
    client().post("/north/excuses/7a 2/", fields)
    assert Excuse.objects.count() == 0


@pytest.mark.parametrize("role", ["teacher", "head", "technician", "dpo"])
def test_only_the_office_excuses(school, role):
    answer = client(role).post("/north/excuses/7a 2/", {"first_day": DAY, "code": "illness"})
    assert (answer.status_code, Excuse.objects.count()) == (404, 0)


def test_a_list_of_another_author_is_left_alone_and_named(office, school):
    path = school.tree / "v1/devices/room 1/excuses.json"
    for text in ('{"schema": 1, "at": "2026-11-20T10:00:00Z", "excuses": []}', "nonsense", "[]"):
        path.write_text(text, "utf-8")
        client_ = signed_in(an_account("office", username=f"o{len(text)}"))
        client_.post("/north/excuses/7a 2/", {"first_day": DAY, "code": "illness"})
        assert path.read_text("utf-8") == text
        (line,) = publish_excuses(office, school, date.fromisoformat(DAY))
        assert line == "room 1/excuses.json was written by somebody else: remove it first"
    path.unlink()
    assert publish_excuses(office, school, date.fromisoformat(DAY)) == []
    assert len(entries(school, "room 1")) == 3
