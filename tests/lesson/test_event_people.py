"""The people who may teach an event, by ORGANIZER and ATTENDEE: read in the calendar's process, passed on by lesson."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.config import Config, DeviceConfig, TimetableConfig
from edge_daemon.lesson.ical_lines import Source
from edge_daemon.lesson.timetable import build_timetable
from edge_daemon.lesson.timetable_process import ProcessTimetable

UTC = timezone.utc
NINE = tuple(f"ATTENDEE;ROLE=CHAIR:mailto:c{n}@x.example" for n in range(9))
TEACHER = "ORGANIZER;CN=Ms Tea:mailto:Tea@school.example"


def calendar(*lines: str, more: str = "") -> bytes:
    event = "\r\n".join(
        ("BEGIN:VEVENT", "UID:1", "DTSTART:20261116T080000Z", "DTEND:20261116T084500Z", "SUMMARY:7b", *lines)
    )
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
    return f"{head}{event}\r\nEND:VEVENT\r\n{more}END:VCALENDAR\r\n".encode()


def people(*lines: str) -> tuple[tuple[str, ...], ...]:
    read = build_timetable([Source(Path("t.ics"), calendar(*lines))], [], "", "room", "UTC")
    (lesson,) = read.lessons(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC))
    return read.people(lesson)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((), ()),
        ((TEACHER,), ((), ("Tea@school.example",), ())),
        (("ORGANIZER:MAILTO:tea@school.example",), ((), ("tea@school.example",), ())),
        (("ORGANIZER;EMAIL=tea@school.example:urn:uuid:1",), ((), ("tea@school.example",), ())),
        (("ORGANIZER:tea",), ()),
        (("ATTENDEE:mailto:tea@school.example",), ((), (), ("tea@school.example",))),
        (("ATTENDEE;ROLE=CHAIR:mailto:a@x.example", "ATTENDEE:mailto:b@x.example"), (("a@x.example",), (), ())),
        # Several who are invited may be the students.
        (("ATTENDEE:mailto:a@x.example", "ATTENDEE:mailto:b@x.example"), ()),
        (("ATTENDEE:mailto:a@x.example", "ATTENDEE:mailto:A@X.EXAMPLE"), ((), (), ("a@x.example",))),
        ((TEACHER, "ATTENDEE:mailto:Tea@school.example"), ((), ("Tea@school.example",), ())),
        *(
            ((f"ATTENDEE;{what}:mailto:r@x.example", "ATTENDEE:mailto:tea@x.example"), ((), (), ("tea@x.example",)))
            for what in ("CUTYPE=ROOM", "CUTYPE=RESOURCE", "CUTYPE=GROUP", "ROLE=NON-PARTICIPANT", "PARTSTAT=DECLINED")
        ),
        (NINE, (tuple(f"c{n}@x.example" for n in range(5)), (), ())),
        (("ATTENDEE;ROLE=CHAIR:mailto:a@x.example\\nBcc: b@x.example",), ()),
    ],
)  # fmt: skip
def test_the_people_of_an_event_are_its_possible_teachers(lines, found):
    assert people(*lines) == found


def test_a_lesson_of_a_series_that_was_changed_has_its_own_people():
    series = calendar("RRULE:FREQ=DAILY;COUNT=2", TEACHER, more=(
        "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20261117T080000Z\r\nDTSTART:20261117T080000Z\r\n"
        "DTEND:20261117T084500Z\r\nSUMMARY:7b\r\nORGANIZER:mailto:stand-in@school.example\r\nEND:VEVENT\r\n"
    ))  # fmt: skip
    start = datetime(2026, 11, 16, tzinfo=UTC)
    read = build_timetable([Source(Path("t.ics"), series)], [], "", "room", "UTC")
    assert [read.people(one)[1] for one in read.lessons(start, start + timedelta(days=3))] == [
        *(("Tea@school.example",), ("stand-in@school.example",)),
    ]


def test_the_calendars_process_hands_them_on_by_lesson():
    config = Config(device=DeviceConfig(name="room", time_zone="UTC"), timetable=TimetableConfig(files=("t.ics",)))
    read = ProcessTimetable([Source(Path("t.ics"), calendar(TEACHER))], [], config)
    (lesson,) = read.lessons(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC))
    assert read.people(lesson.lesson_id) == ((), ("Tea@school.example",), ())
    assert read.people("another") == ()
