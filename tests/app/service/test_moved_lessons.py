"""A lesson that is moved or called off while it runs: one register, and families hear nothing before the office."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from edge_daemon.store import lessons, outbox
from tests.app.service.test_missed_reasons import in_lesson
from tests.cli.running import run
from tests.simulated_device import CALENDAR, FIRST_LESSON, MONDAY, Device

PLAIN = CALENDAR.replace("RRULE:FREQ=DAILY\n", "")
YESTERDAY = """BEGIN:VEVENT
UID:art
DTSTAMP:20260101T000000Z
DTSTART:20261122T080000Z
DTEND:20261122T084500Z
SUMMARY:Art
END:VEVENT
"""
MAIL = """[mail]
host = "mail.example"
from = "room@school.example"
office = ["office@school.example"]
guardians = true
"""


def moved(hours: int, minutes: int) -> str:
    start = MONDAY.replace(hour=hours, minute=minutes)
    end = start + timedelta(minutes=45)
    text = PLAIN.replace("20261123T080000Z", f"{start:%Y%m%dT%H%M%SZ}")
    return text.replace("20261123T084500Z", f"{end:%Y%m%dT%H%M%SZ}")


@pytest.fixture
def running(device) -> Device:
    """One plain event that has begun: one picture of four is taken, and time stands still."""
    with (device.home.state_dir / "config.toml").open("a") as file:
        file.write(MAIL)
    device.timetable(PLAIN)
    in_lesson(device, 1)
    return device


def until_evening(device: Device) -> None:
    device.clock.stop_at(MONDAY + timedelta(hours=12))
    device.until(lambda: device.clock.reading().utc >= MONDAY + timedelta(hours=12))


def families(device: Device) -> list[str]:
    return [f"{one.kind} {one.state}" for one in outbox.listed(device.db, outbox.STATES) if one.student_id]


def to_office(device: Device) -> int:
    return len([one for one in outbox.listed(device.db, outbox.STATES) if one.kind == outbox.OFFICE])


def test_a_plain_event_that_is_moved_a_little_stays_one_lesson_with_its_times(running):
    running.timetable(moved(8, 10))
    until_evening(running)
    (document,) = running.documents()
    assert (document["start"], document["captures_taken"]) == ("2026-11-23T08:00:00Z", 4)
    assert document["register_flags"] == []
    assert to_office(running) == 1
    running.stop()


def test_a_lesson_that_is_moved_to_another_time_is_held_at_that_time_only(running):
    running.timetable(moved(10, 0))
    running.until(lambda: not lessons.running_lessons(running.db))
    until_evening(running)
    (document,) = running.documents()
    assert (document["start"], document["captures_taken"]) == ("2026-11-23T10:00:00Z", 4)
    assert document["register_flags"] == []
    assert to_office(running) == 1
    ledger_text = run(running.home.state_dir, "ledger").stdout
    assert "withdrawn: moved to Mon 2026-11-23 11:00" in ledger_text, (
        "the office was promised 9 o'clock by its own time"
    )
    verified = run(running.home.state_dir, "ledger", "verify")
    assert verified.exit_code == 0, verified.stdout
    running.stop()


MOVED_TO_TOMORROW = """BEGIN:VEVENT
UID:maths
RECURRENCE-ID:20261123T080000Z
DTSTAMP:20260101T000000Z
DTSTART:20261124T100000Z
DTEND:20261124T104500Z
SUMMARY:Maths
END:VEVENT
"""


@pytest.mark.parametrize("pictures", [1, 3])
def test_a_lesson_of_a_series_that_is_moved_to_another_day_is_held_on_that_day(device, pictures):
    device.timetable(CALENDAR)
    in_lesson(device, pictures)
    if has_run := pictures == 3:
        device.clock.stop_at(MONDAY + timedelta(hours=4))
        device.until(lambda: len(device.documents()) == 1)
    device.timetable(CALENDAR.replace("END:VCALENDAR", f"{MOVED_TO_TOMORROW}END:VCALENDAR"))
    device.until(lambda: has_run or not lessons.running_lessons(device.db))
    device.clock.stop_at(MONDAY + timedelta(hours=30))
    device.until(lambda: device.clock.reading().utc >= MONDAY + timedelta(hours=30))
    starts = sorted(str(one["start"]) for one in device.documents())
    today = ["2026-11-23T08:00:00Z"] if has_run else []
    assert starts == [*today, "2026-11-24T08:00:00Z", "2026-11-24T10:00:00Z"]
    assert {one["captures_taken"] for one in device.documents()} == {4}
    verified = run(device.home.state_dir, "ledger", "verify")
    assert verified.exit_code == 0, verified.stdout
    device.stop()


def test_a_running_lesson_that_is_called_off_ends_at_once_and_the_office_is_asked(running):
    running.timetable(PLAIN.replace("SUMMARY", "STATUS:CANCELLED\nSUMMARY"))
    running.until(lambda: len(running.documents()) == 1)
    assert running.clock.reading().utc < FIRST_LESSON + timedelta(minutes=45)
    (document,) = running.documents()
    assert document["register_flags"] == ["not_in_timetable"]
    assert document["captures_taken"] == 1
    assert {one["reason"] for one in document["missed"]} == {"the timetable called the lesson off"}
    assert "absent" not in {one["verdict"] for one in document["students"]}
    until_evening(running)
    assert len(running.documents()) == 1
    assert families(running) == []
    assert to_office(running) == 1
    running.stop()


def test_a_lesson_that_only_vanished_is_held_to_its_end_and_the_office_is_asked(running):
    running.timetable(PLAIN[: PLAIN.index("BEGIN:VEVENT")] + YESTERDAY + "END:VCALENDAR\n")
    until_evening(running)
    (document,) = running.documents()
    assert (document["register_flags"], document["captures_taken"]) == (["not_in_timetable"], 4)
    assert "absent" not in {one["verdict"] for one in document["students"]}
    assert families(running) == []
    running.stop()


def test_a_series_that_goes_on_is_not_touched(running):
    running.timetable(PLAIN.replace("SUMMARY", "DESCRIPTION:room is warm\nSUMMARY"))
    until_evening(running)
    (document,) = running.documents()
    assert document["register_flags"] == []
    assert datetime.fromisoformat(str(document["end"]).replace("Z", "+00:00")) == FIRST_LESSON + timedelta(minutes=45)
    running.stop()


def test_the_offices_calendar_does_not_wait_for_a_gap_between_lessons(device):
    config = device.home.state_dir / "config.toml"
    text = config.read_text().replace('files = ["timetable.ics"]', 'files = ["upstream"]')
    config.write_text(f'{text}{MAIL}[upstream]\nurl = "https://127.0.0.1:9/attendance"\n')
    for name in ("pulled", "inbox"):
        (device.home.state_dir / name).mkdir()
    calendar = PLAIN.replace("\n", "\r\n")
    (device.home.state_dir / "pulled" / "timetable.ics").write_text(calendar)
    in_lesson(device, 1)
    later = YESTERDAY.replace("20261122", "20261124").replace("\n", "\r\n")  # one without any lesson is refused
    cancelled = calendar.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY").replace("END:VCAL", f"{later}END:VCAL")
    (device.home.state_dir / "inbox" / "timetable.ics").write_text(cancelled)
    device.until(lambda: len(device.documents()) == 1)
    (document,) = device.documents()
    assert (document["register_flags"], document["captures_taken"]) == (["not_in_timetable"], 1)
    device.stop()
