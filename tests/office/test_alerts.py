"""Alerts by mail, to a real server: each once, to whom it concerns, and never in clear text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.timestamps import written
from edge_daemon_office.alerts.digest import send_digests
from edge_daemon_office.decisions.models import Excuse
from edge_daemon_office.erasure import erase_student
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import MailSettings
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.people.models import ToldAlert
from edge_daemon_office.registers.models import Heartbeat, Promise
from tests.mail_server import PASSWORD, USER, Server
from tests.office.browser import an_account, signed_in
from tests.office.school_tree import pinned_room

NOW = datetime.now(timezone.utc).replace(microsecond=0)
LESSON = (NOW - timedelta(days=1)).replace(hour=9, minute=0, second=0)


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "ca") as found:
        yield found


@pytest.fixture
def mailing_office(office, server, tmp_path):
    """An office with a mail server: three accounts with an address, an absent student of each of two courses."""
    from django.conf import settings

    school = office.schools["north"]
    for device, course in (("room 1", "7a"), ("room 2", "8b")):
        room = pinned_room(school, device)
        room.deliver(room.register(LESSON, {f"{course} 1": 0.9, f"{course} 2": 0.0}, course))
        past = room.lesson(NOW - timedelta(minutes=90), course)
        room.promise([past], NOW - timedelta(hours=20), "0" * 64)
        room.heartbeat(NOW)
    school.roster.write_text("student_id,name,courses\n7a 2,Zoë,7a\n8b 2,Kim,8b\n", "utf-8")
    ingest(school, NOW)
    for role, courses in (("office", ()), ("teacher", ("7a",)), ("technician", ())):
        account = an_account(role, courses=courses)
        account.email = f"{role}@school.example"
        account.save()
    ca_file = str(tmp_path / "ca" / "ca.pem")
    mail = MailSettings("localhost", server.port, "starttls", "a@school.example", USER, PASSWORD, ca_file)
    settings.OFFICE = replace(office, mail=mail, hosts=("office.example",))
    return settings.OFFICE


def texts(server) -> dict[str, str]:
    return {one.receiver.partition("@")[0]: one.message.get_content() for one in server.taken}


def test_each_account_gets_its_own_digest_once(mailing_office, server):
    assert send_digests(mailing_office, NOW) == (3, [])
    found = texts(server)
    assert all(one.encrypted for one in server.taken)
    assert ("Zoë" in found["office"], "Kim" in found["office"]) == (True, True)
    assert ("Zoë" in found["teacher"], "Kim" in found["teacher"]) == (True, False)
    assert "Lessons without a register" in found["technician"]
    assert "Zoë" not in found["technician"]
    assert "https://office.example/" in found["office"]
    subjects = {str(one.message["Subject"]) for one in server.taken}
    assert all("Zoë" not in subject for subject in subjects)
    assert send_digests(mailing_office, NOW + timedelta(minutes=15)) == (0, [])


def test_a_register_that_is_missing_for_days_is_new_until_it_was_sent(mailing_office, server):
    start = NOW - timedelta(days=3)
    what = {"school": "north", "captures_planned": 40, "seed_sha256": "0" * 64, "at": start}
    for lesson_id, days in (("three days", 3), ("eight days", 8)):
        at = NOW - timedelta(days=days)
        Promise.objects.create(lesson_id=lesson_id, device=lesson_id, start=at, end=at + timedelta(minutes=45), **what)
    send_digests(mailing_office, NOW)
    local = start.astimezone(mailing_office.schools["north"].zone)
    found = texts(server)["technician"]
    assert f"three days, {local.day} {local:%b %Y} {local:%H:%M}" in found
    assert "eight days" not in found


def test_an_office_that_was_off_reports_no_registers_that_it_has_not_copied_yet(mailing_office, server):
    at = NOW - timedelta(days=3)
    what = {"school": "north", "captures_planned": 40, "seed_sha256": "0" * 64, "at": at}
    Promise.objects.create(lesson_id="lesson", device="room 3", start=at, end=at + timedelta(minutes=45), **what)
    Heartbeat.objects.update(at=at - timedelta(days=1))
    send_digests(mailing_office, NOW)
    assert "room 3" not in texts(server).get("technician", "")


def test_alerts_about_an_erased_student_are_not_sent_again(mailing_office, server):
    send_digests(mailing_office, NOW)
    taken, school = len(server.taken), mailing_office.schools["north"]
    assert ToldAlert.objects.filter(key__contains="7a 2").count() == 2
    with pytest.raises(OfficeError, match="no such student"):
        erase_student(mailing_office, school, "2")  # the end of another id
    assert erase_student(mailing_office, school, "7a 2").erased["alerts"] == 2
    assert not ToldAlert.objects.filter(key__contains="7a 2").exists()
    assert send_digests(mailing_office, NOW + timedelta(minutes=15)) == (0, [])
    assert len(server.taken) == taken


def test_an_excused_absence_is_no_alert(mailing_office, server):
    day = LESSON.date()
    for student_id in ("7a 2", "8b 2"):
        Excuse.objects.create(
            school="north",
            excuse_id=student_id,
            student_id=student_id,
            first_day=day,
            last_day=day,
            code="illness",
            at=NOW,
        )
    send_digests(mailing_office, NOW)
    assert "Absent and not excused" not in texts(server)["office"]
    assert "teacher" not in texts(server)


def test_a_message_that_was_not_taken_is_sent_again_under_the_same_id(mailing_office, server):
    server.mood.data = ["drop", "", ""]
    sent, problems = send_digests(mailing_office, NOW)
    assert (sent, len(problems)) == (2, 1)
    assert "@" not in problems[0]
    assert send_digests(mailing_office, NOW + timedelta(minutes=15)) == (1, [])
    ids = [str(one.message["Message-ID"]) for one in server.taken]
    assert (len(ids), len(set(ids))) == (4, 3)


def test_nothing_is_sent_in_clear_text(mailing_office, server):
    server.mood.starttls_offered = False
    sent, problems = send_digests(mailing_office, NOW)
    assert (sent, len(problems)) == (0, 3)
    assert server.taken == []


def test_without_a_mail_server_the_error_says_what_to_do(office):
    with pytest.raises(OfficeError, match="add a table"):
        send_digests(office, NOW)


def test_a_lesson_that_the_timetable_moved_is_no_missing_register(mailing_office, server):
    school = mailing_office.schools["north"]
    client = signed_in(an_account("head"))
    promised = Promise.objects.get(device="room 1")  # at night this is yesterday, or from yesterday to today
    first_day, day = (at.astimezone(school.zone).date() for at in (promised.start, promised.end))
    assert client.get(f"/north/today/?day={day}").content.decode().count("room 1") == 1
    for room in ("room 1", "room 2"):
        lesson = Promise.objects.get(device=room)
        moved = {"lesson_id": lesson.lesson_id, "start": written(lesson.start), "end": written(lesson.end)}
        path = school.tree / f"v1/devices/{room}/days/{first_day}.json"
        path.parent.mkdir()
        listed: object = [moved] if room == "room 1" else [7, {"lesson_id": lesson.lesson_id, "start": "soon"}]
        path.write_text(json.dumps({"lessons_withdrawn": listed}), "utf-8")
    text = client.get(f"/north/today/?day={day}").content.decode()
    missing, _, withdrawn = text.partition("Promised lessons that were moved or dropped")
    assert "room 2" in missing
    assert "room 1" in withdrawn
    assert "room 1" not in missing
    send_digests(mailing_office, NOW)
    lines = texts(server)["technician"]
    assert "room 2" in lines
    assert "room 1" not in lines
