"""The page *Ed-Fi*: lines for courses, and the events sent by them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, time, timezone

import pytest
from django.core.management import call_command
from django.db import connection

from edge_daemon_office.backup import restore_tables, write_backup
from edge_daemon_office.interfaces.edfi.mapping import COLUMNS, mapping_of
from edge_daemon_office.interfaces.models import CourseSection
from edge_daemon_office.interfaces.settings import EdFiSettings
from edge_daemon_office.people.models import Activity
from edge_daemon_office.registers.models import Lesson
from tests.office.browser import an_account, signed_in

LINE = {
    **dict.fromkeys(COLUMNS, ""),
    "course": "7a",
    "local_course_code": "MATH",
    "section_identifier": "S7A",
    "session_name": "Fall <2026>",
    "school_year": "2027",
    "class_period": "P1",
}


@pytest.fixture
def page(office):
    """The page of a school with a mapping file, and a way to send its form."""
    school = office.schools["north"]
    path = office.folder / "edfi.csv"
    path.write_text(",".join(COLUMNS) + "\n7b,BIO,S7B,Fall,2027,,,,,\n7a,OLD,OLD,Fall,2027,,,,,\n", "utf-8")
    edfi = EdFiSettings("https://edfi.example.org", "key", "secret", 1, path, {})
    office.schools["north"] = replace(school, edfi=edfi)
    client = signed_in(an_account("head"))

    def send(**changed: str):
        return client.post("/north/ed-fi/", {**LINE, **changed})

    return client, send, path


def a_lesson(course: str) -> None:
    """Add a lesson of the last days without a register: the page needs its course and time only."""
    now = datetime.now(timezone.utc).replace(hour=8, minute=0, second=0, microsecond=0)
    texts = dict.fromkeys(("device", "sha256", "path", "clock", "register_flags"), "")
    counts = dict.fromkeys(
        ("captures_planned", "captures_taken", "present", "absent", "to_confirm", "not_assessed", "revision"), 0
    )
    when = {"start": now, "end": now, "day": now.date(), "month": now.year * 100 + now.month}
    about = {"lesson_id": course, "course": course, "origin": "timetable", "awaits": False, "is_counted": True}
    Lesson.objects.create(school="north", **texts, **counts, **when, **about)


def test_lines_are_added_used_and_removed_and_each_change_is_noted(page):
    client, send, path = page
    for course in ("7a", "7b", "7c"):
        a_lesson(course)
    text = client.get("/north/ed-fi/").content.decode()
    assert "OLD" in text  # the file's line
    assert re.findall(r"<li><bdi>(\w+)</bdi>", text) == ["7c"]
    assert mapping_of("north", path).row("7a", date(2026, 11, 16), time(8)).section.section_identifier == "OLD"
    for changed in ({}, {"start": "08:00", "class_period": "P2"}, {"weekday": "mon", "first_day": "2026-11-01"}):
        assert send(**changed).status_code == 302
    courses = mapping_of("north", path)
    found = courses.row("7a", date(2026, 11, 17), time(8))
    assert (found.section.session_name, found.class_period, found.section.school_year) == ("Fall <2026>", "P2", 2027)
    assert courses.row("7b", date(2026, 11, 17), time(8)).section.section_identifier == "S7B"
    text = client.get("/north/ed-fi/").content.decode()
    assert "OLD" not in text  # the page's lines of a course replace those of the file
    assert "Fall &lt;2026&gt;" in text
    lines = re.findall(r'name="remove" value="(\w+)"', text)
    assert len(lines) == 3
    for line in lines:
        assert client.post("/north/ed-fi/", {"remove": line}).status_code == 302
    assert client.post("/north/ed-fi/", {"remove": lines[0]}).status_code == 404
    assert mapping_of("north", path).row("7a", date(2026, 11, 16), time(8)).section.section_identifier == "OLD"
    assert Activity.objects.filter(what="Ed-Fi line added").count() == 3
    assert Activity.objects.filter(what="Ed-Fi line removed", by="head-north").count() == 3


@pytest.mark.parametrize(
    ("changed", "expected_message"),
    [
        ({"course": " "}, "has no course"),
        ({"school_year": "next"}, "is not a school year"),
        ({"weekday": "xyz"}, "is not a weekday"),
        ({"start": "25:00"}, "is not a time"),
        ({"first_day": "2026-02-30"}, "is not a day"),
        ({"first_day": "2026-12-01", "last_day": "2026-11-01"}, "last_day is before first_day"),
        ({"session_name": "x" * 61}, "session_name is too long"),
        ({"section_identifier": "a\x1bb"}, "section_identifier is too long, or has characters"),
        ({}, "There is a line for these lessons already."),
    ],
)
def test_a_wrong_line_is_named_nothing_is_saved_and_the_form_keeps_its_words(page, changed, expected_message):
    _, send, _ = page
    if not changed:
        assert send().status_code == 302
    count = CourseSection.objects.count()
    answer = send(**changed)
    assert answer.status_code == 400
    assert expected_message in answer.content.decode()
    assert 'value="MATH"' in answer.content.decode()
    assert CourseSection.objects.count() == count


def test_lines_are_their_schools_in_the_backup_and_go_with_the_table(page, office, tmp_path):
    client, send, _ = page
    a_lesson("7a")
    assert send(start="23:59").status_code == 302
    line = CourseSection.objects.get()
    south = signed_in(an_account("office", "south"))
    assert south.post("/south/ed-fi/", {"remove": line.line_id}).status_code == 404
    assert "MATH" not in south.get("/south/ed-fi/").content.decode()
    assert "Nothing is sent" in south.get("/south/ed-fi/").content.decode()
    assert re.search(r"<li><bdi>7a</bdi>, \w+ \d\d:00</li>", client.get("/north/ed-fi/").content.decode())
    assert ">Ed-Fi</a>" in client.get("/north/audit/").content.decode()
    assert ">Ed-Fi</a>" not in south.get("/south/audit/").content.decode()
    assert write_backup(office, tmp_path / "b")["CourseSection"] == 1
    call_command("migrate", "interfaces", "0002_row_security", verbosity=0)
    try:
        assert "interfaces_coursesection" not in connection.introspection.table_names()
    finally:
        call_command("migrate", verbosity=0)
    for model in (Activity, type(an_account("dpo"))):
        model.objects.all().delete()
    assert restore_tables(tmp_path / "b")["CourseSection"] == 1
    assert CourseSection.objects.get().local_course_code == "MATH"
