"""The pages show the registers in both languages, and nobody sees the data of another school or course."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.pages import register_document, wording
from edge_daemon_office.pages.charts import day_and_month, rate_line
from edge_daemon_office.pages.urls import SCHOOL_PAGES
from edge_daemon_office.people import rights
from edge_daemon_office.people.models import ROLES
from edge_daemon_office.registers.models import Lesson
from edge_daemon_office.room_audit import keep_audit
from tests.office.browser import an_account, signed_in
from tests.office.school_tree import pinned_room
from tests.registers import START

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
PAGES = Path(register_document.__file__).parent


@pytest.fixture
def schools(office):
    """Two schools, each with two courses of students of its own, one lesson a course and day."""
    for name, school in office.schools.items():
        room = pinned_room(school, f"{name} room")
        rows = ["student_id,name,courses"]
        for course in ("7a", "7b"):
            rows += [f"{name} {course} {n},<b>{name.title()} {course} {n}</b>,{course}" for n in range(3)]
            for day in range(4):
                shares = {f"{name} {course} {n}": share for n, share in enumerate((0.9, 0.42, 0.0))}
                start = START + timedelta(days=day, hours=course == "7b")
                room.deliver(room.register(start, shares, course))
        room.heartbeat(NOW)
        school.roster.write_text("\n".join(rows) + "\n", "utf-8")
        assert ingest(school, NOW).problems == 0
    return office


def lesson_of(school: str, course: str) -> Lesson:
    return Lesson.objects.filter(school=school, course=course).order_by("start").first()


def addresses(school: str, course: str) -> dict[str, str]:
    """The address of every page there is, about a lesson and a student of a course."""
    lesson_id, student_id = lesson_of(school, course).lesson_id, f"{school} {course} 1"
    found = {}
    for one in SCHOOL_PAGES:
        words = re.findall(r"<\w+:(\w+)>", str(one.pattern))
        values = {"school": school, "lesson_id": lesson_id, "student_id": student_id}
        found[one.name] = reverse(one.name, kwargs={word: values[word] for word in words})
    return found


ABOUT_A_COURSE = {"lesson", "tick-list", "student"}
"""Pages whose address names a lesson or a student."""
POST_ONLY = {"excuses"}


@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_foreign_school_is_not_there(schools, role):
    client = signed_in(an_account(role, "north", ("7a",) if role == "teacher" else ()))
    for method in (client.get, client.post):
        for name, address in addresses("south", "7a").items():
            assert method(address).status_code == 404, name
    # The own school in the address does not help either.
    for name, address in addresses("south", "7a").items():
        if name in ABOUT_A_COURSE | {"student-file"} | POST_ONLY:
            for method in (client.post,) if name in POST_ONLY else (client.get,):
                assert method(address.replace("/south/", "/north/")).status_code == 404, name


def test_every_page_of_a_foreign_course_is_not_there_and_the_own_is(schools):
    client = signed_in(an_account("teacher", "north", ("7a",)))
    own, foreign = addresses("north", "7a"), addresses("north", "7b")
    for name in ABOUT_A_COURSE:
        assert client.get(own[name]).status_code == 200
        assert client.get(foreign[name]).status_code == 404
    for name, address in own.items():
        text = client.get(f"{address}?day=2026-11-16").content.decode()
        assert "7b" not in re.sub(r'csrfmiddlewaretoken" value="\w+"', "", text), name  # a token is by chance
    assert "North 7a 2" in client.get(own["today"] + "?day=2026-11-16").content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_the_pages_of_its_rights_and_no_other(schools, role):
    client = signed_in(an_account(role, "north", ("*",) if role == "teacher" else ()))
    for one in SCHOOL_PAGES:
        status = client.get(addresses("north", "7a")[one.name]).status_code
        there = 405 if one.name in POST_ONLY else 200
        assert status == (there if one.callback.right in rights.RIGHTS[role] else 404), one.name
    assert client.get(client.get("/").headers["Location"]).status_code == 200


def test_without_a_session_every_page_asks_to_sign_in(schools):
    for address in addresses("north", "7a").values():
        assert Client().get(address).headers["Location"].startswith("/sign-in/")


def test_the_technician_sees_no_name_and_no_id(schools):
    text = signed_in(an_account("technician")).get(addresses("north", "7a")["rooms"]).content.decode()
    assert "north room" in text
    assert "7a 1" not in text


def test_every_page_is_escaped_has_its_policy_and_no_script_or_style(schools):
    client = signed_in(an_account("office"))
    for name, address in addresses("north", "7a").items():
        response = client.get(f"{address}?day=2026-11-16&q=7a&from=2026-11-01&to=2026-11-30")
        assert "script" not in response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"
        if name not in {"student-file", *POST_ONLY}:
            text = response.content.decode()
            assert "<b>" not in text, name
            assert not re.search(r"<script|\sstyle=|\son\w+=", text), name
            assert text.count("<h1") == 1
            assert re.findall(r"<(?:input|select)(?![^>]*hidden)[^>]*id=\"([\w-]+)\"", text) == re.findall(
                r"<label for=\"([\w-]+)\"", text
            ), name


def test_the_register_says_the_rule_the_distance_and_the_doubts(schools):
    lesson = lesson_of("north", "7a")
    text = signed_in(an_account("head")).get(addresses("north", "7a")["lesson"]).content.decode()
    assert "facing the class in 8 of them or more" in text  # 40 % of 20
    assert "10 over the rule" in text
    assert "8 short of the rule" in text
    assert "close to the limit" in text
    assert text.count('class="strip"') == 3
    assert lesson.captures_planned == 20


def test_a_register_whose_document_was_changed_shows_the_proven_marks_only(schools):
    lesson = lesson_of("north", "7a")
    path = schools.schools["north"].tree / "v1/devices" / lesson.path
    path.write_text(path.read_text("utf-8").replace('"present"', '"absent"'), "utf-8")
    text = signed_in(an_account("head")).get(addresses("north", "7a")["lesson"]).content.decode()
    assert "is not the one that was proven" in text
    assert "strip" not in text
    assert text.count('class="mark present"') + text.count('class="mark to_confirm"') == 2


def test_low_attendance_and_days_in_a_row(schools):
    text = signed_in(an_account("office")).get(
        addresses("north", "7a")["below"] + "?from=2026-11-01&to=2026-11-30&limit=50"
    )
    words = re.sub(r"<[^>]+>|\s+", " ", text.content.decode())
    assert "North 7a 2&lt;/b&gt; 0% 0 4 0" in re.sub(r" +", " ", words)
    assert "North 7a 0" not in words
    assert "November 16" in text.content.decode() or "16 Nov 2026" in text.content.decode()


def test_a_wrong_day_or_limit_in_the_address_is_not_there(schools):
    client = signed_in(an_account("office"))
    long = f"below/?limit=00001{'0' * 5000}"
    for tail in (
        "today/?day=x",
        "today/?day=0001-01-01",
        "below/?limit=0",
        "below/?limit=x",
        "below/?from=2026-99-01",
        long,
    ):
        assert client.get(f"/north/{tail}").status_code == 404


def test_a_zero_sign_which_postgresql_refuses_is_on_no_page(schools):
    client = signed_in(an_account("office"))
    assert client.get("/north/students/?q=a").status_code == 200
    for tail in ("students/?q=a%00", "students/?a%00=q", "students/a%00/"):
        assert client.get(f"/north/{tail}").status_code == 404
    assert client.post("/north/ed-fi/", {"course": "a\0b"}).status_code == 404
    client.logout()
    assert client.post("/sign-in/", {"username": "a\0", "password": "b"}).status_code == 404


def test_why_absent_says_the_doubts_of_the_lesson_and_the_time_as_everywhere(office):
    room = pinned_room(office.schools["north"], "north room")
    room.deliver(replace(room.register(START, {"s1": 0.0}, "7a"), register_flags=("room_empty",)))
    ingest(office.schools["north"], NOW)
    text = signed_in(an_account("office")).get("/north/students/s1/").content.decode()
    assert "hardly anybody was in the room" in text
    assert re.search(r"16 Nov 2026 \d\d:\d\d <bdi>7a", text)


def test_the_file_about_a_student_has_every_row_and_is_noted(schools):
    from edge_daemon_office.people.models import Activity

    client = signed_in(an_account("dpo"))
    found = json.loads(client.get("/north/student-file/north 7a 1/").content)
    assert (len(found["Mark"]), len(found["Lesson"]), found["Student"][0]["courses"]) == (4, 4, "7a")
    assert "south" not in json.dumps(found)
    assert Activity.objects.filter(what="student file", student_id="north 7a 1").count() == 1
    assert client.get("/north/student-file/nobody/").status_code == 404


@pytest.mark.parametrize(("language", "word"), [("de", "Anwesend"), ("en", "Present"), ("fr", "Present")])
def test_the_language_is_the_browsers_until_somebody_chooses(schools, language, word):
    client = signed_in(an_account("head"), headers={"accept-language": f"{language}-CH,{language};q=0.9"})
    assert f">{word}<" in client.get("/north/today/?day=2026-11-16").content.decode()
    client.post("/language/", {"language": "de", "next": "https://evil.example/"})
    text = client.get("/north/today/?day=2026-11-16").content.decode()
    assert '<html lang="de" dir="ltr">' in text
    assert "16.11.2026" in text


def test_a_language_of_the_offices_own_may_run_from_right_to_left(schools):
    (schools.folder / "wording").mkdir()
    (schools.folder / "wording" / "ar.json").write_text('{"Today": "اليوم"}', "utf-8")
    wording.words_of.cache_clear()
    client = signed_in(an_account("head"), headers={"accept-language": "ar"})
    text = client.get("/north/today/?day=2026-11-16").content.decode()
    assert '<html lang="ar" dir="rtl">' in text
    assert "اليوم" in text


def test_short_dates_are_the_same_day_for_every_reader(schools):
    short = {"en": ("9 Nov", "9 Nov 2026"), "de": ("09.11.", "09.11.2026"), "fa": ("11/9", "2026/11/9")}
    for language, (day, whole) in short.items():
        with translation.override(language):
            assert day_and_month(date(2026, 11, 9)) == day
            assert date_format(date(2026, 11, 9), "SHORT_DATE_FORMAT") == whole


def test_charts_run_as_the_language_is_read_and_seats_as_the_camera_sees_them(schools, tmp_path):
    ltr = rate_line([("16.11.", 1.0), ("23.11.", 0.5)], "by week")
    rtl = rate_line([("16.11.", 1.0), ("23.11.", 0.5)], "by week", is_rtl=True)
    assert 'points="46.0,10.0 580.0,60.0"' in ltr
    assert 'points="554.0,10.0 20.0,60.0"' in rtl
    assert [one.count('direction="ltr"') for one in (ltr, rtl)] == [1, 1]
    assert '<text x="560" y="14" text-anchor="start">100 %' in rtl
    seat = {"box": [300.0, 5, 9, 9], "hit_rate": 0.8}
    rows = [{"row": 1, "seats": [seat, {"box": [10.0, 5, 9, 9], "hit_rate": 0.41}]}, {"row": 2, "seats": [seat]}]
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"rows": rows}), "utf-8")
    assert keep_audit(schools.schools["north"], "north room", file) == 3
    text = signed_in(an_account("technician"), headers={"accept-language": "de"}).get("/north/rooms/").content.decode()
    assert "Plätze: 3, Reihen: 2; der schwächste wird in 41 Prozent gesehen" in text
    assert re.findall(r"Reihe \d|\d+ %", text[text.index("<svg") :]) == ["Reihe 1", "41 %", "80 %", "Reihe 2", "80 %"]
    for wrong in ({}, {"rows": [{"row": 1, "seats": [{"box": [1], "hit_rate": "x"}]}]}, {"rows": [{"row": 1}]}):
        file.write_text(json.dumps(wrong), "utf-8")
        with pytest.raises(OfficeError, match="has no seats"):
            keep_audit(schools.schools["north"], "north room", file)
    file.write_text(json.dumps({"rows": rows}), "utf-8")
    with pytest.raises(OfficeError, match="is not a device"):
        keep_audit(schools.schools["north"], "nowhere", file)


def test_every_word_of_the_pages_has_its_german():
    from edge_daemon_office.pages import context
    from edge_daemon_office.shared.attendance.reason_codes import REASONS

    german = json.loads((PAGES / "wording" / "de.json").read_text("utf-8"))
    used = {*register_document.FLAGS.values(), *register_document.REGISTER_FLAGS.values(), *REASONS}
    used |= {words for _, words, _ in context._MENU}
    used |= {"present", "absent", "to_confirm", "not_assessed", "inconclusive", "held", "not_held"}
    for path in PAGES.rglob("*.html"):
        used.update(re.findall(r"""\{% t (?:"|')(.+?)(?:"|')(?: \w+=[^%]*)? %\}""", path.read_text("utf-8")))
    for path in PAGES.glob("*.py"):
        text = path.read_text("utf-8")
        used.update(re.findall(r'\bt\(\s*"((?:[^"\\]|\\.)+)"', text))
        used.update(re.findall(r'(?:words|_WRONG(?:: Final)?) = "(%?[^"]+)"', text))
        used.update(re.findall(r'note\(school, request\.user\.username, "([^"]+)"', text))
    assert {word for word in used if word not in german} == set()


def test_djangos_own_checks_for_a_deployment_find_nothing(schools):
    from edge_daemon_office.django_setup import django_settings

    wanted = django_settings(replace(schools, https=True, hosts=("office.example.org",)))
    names = [
        name for name in wanted if name.startswith(("SECURE", "SESSION", "CSRF", "X_", "DEBUG", "ALLOWED", "SECRET"))
    ]
    with override_settings(**{name: wanted[name] for name in names}):
        assert run_checks(include_deployment_checks=True) == []


def test_the_tables_are_those_of_the_migrations(office):
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)  # exits where one is missing
