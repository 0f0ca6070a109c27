"""Events with one UID are the same only if start and room agree too; a lesson keeps its id for good."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone

import pytest

from edge_daemon.errors import TimetableError
from edge_daemon.lesson import calendars
from edge_daemon.lesson.lesson_ids import NAMESPACE, timetable_lesson_id
from edge_daemon.lesson.timetable import load_timetable
from tests.lesson.calendar_files import lesson

LATER = "a later version of the same event is in the file"


def in_room(start: str, room: str, *lines: str, **names: str) -> str:
    return lesson(start, *lines, uid="none", location=room, **names)


def test_nothing_is_lost_to_another_room_whatever_the_order_and_the_sequence(office):
    here = [in_room("20260302T080000", "Room 7"), in_room("20260302T090000", "Room 7", summary="Art")]
    there = [in_room("20260302T080000", "Room 8", "SEQUENCE:9"), in_room("20260303T080000", "Room 8", "SEQUENCE:9")]
    for parts in ((*here, *there), (*there, *here), (there[0], here[0], there[1], here[1])):
        read = office.read(*parts)
        assert office.starts(read) == ["03-02 08:00", "03-02 09:00"]
        assert read.left_out == ()
        assert len({one.lesson_id for one in office.lessons(read)}) == 2


def test_a_sequence_replaces_only_versions_of_the_same_event(office):
    read = office.read(
        in_room("20260302T080000", "Room 7", "SEQUENCE:0"),
        in_room("20260302T090000", "Room 7", "SEQUENCE:0"),
        in_room("20260303T080000", "Room 7", "SEQUENCE:1"),
        in_room("20260302T090000", "ROOM 7 (24)", "SEQUENCE:3", summary="Art"),
    )
    assert office.starts(read) == ["03-02 08:00", "03-02 09:00", "03-03 08:00"]
    assert [one.course for one in office.lessons(read)] == ["Maths", "Art", "Maths"]
    assert [one.why for one in read.left_out] == [LATER]


def test_events_of_other_rooms_with_the_uid_of_this_one_do_not_count_for_the_limit(office, monkeypatch):
    monkeypatch.setattr(calendars, "MOST_EVENTS", 3)
    here = [in_room(f"202603{day:02}T080000", "Room 7") for day in range(2, 6)]
    there = [in_room(f"202603{day:02}T080000", "Room 8") for day in range(1, 29)]
    assert len(office.lessons(office.read(*there, *here[:3]))) == 3
    with pytest.raises(TimetableError, match="more than 3 events"):
        office.read(*here)


def test_too_many_related_events_of_other_rooms_are_named_and_cost_no_lesson(office, monkeypatch):
    monkeypatch.setattr(calendars, "MOST_RELATED", 2)
    here = in_room("20260302T080000", "Room 7", "RRULE:FREQ=DAILY;COUNT=3")
    days = ("20260302", "20260303", "20260304")
    there = [in_room(f"{day}T080000", "Room 8", f"RECURRENCE-ID:{day}T070000Z") for day in days]
    read = office.read(here, *there)
    assert office.starts(read) == ["03-04 08:00"]
    assert [one.why for one in read.remarks] == ["more than 2 events of other rooms have the UID of one of this room"]


def test_a_changed_lesson_belongs_to_the_series_that_it_hits(office):
    """Four series have one UID: the time of the lesson decides, then the room."""
    rule = "RRULE:FREQ=WEEKLY;COUNT=3"
    series = [
        in_room("20260302T080000", "Room 8", rule, summary="PE"),
        in_room("20260302T080000", "Room 7", rule),
        in_room("20260303T080000", "Room 7", rule, summary="Art"),
        in_room("20260304T080000", "Room 7", rule, summary="Bio"),
    ]
    moved = in_room("20260311T100000", "Room 7", "RECURRENCE-ID:20260309T070000Z", summary="")
    away = in_room("20260310T080000", "Room 8", "RECURRENCE-ID:20260310T070000Z", summary="")
    off = in_room("20260318T080000", "", "RECURRENCE-ID;VALUE=DATE:20260318", "STATUS:CANCELLED", summary="")
    read = office.read(moved, *series, away, off)
    assert [(one.course, f"{one.start:%m-%d}") for one in office.lessons(read)] == [
        ("Maths", "03-02"),
        ("Art", "03-03"),
        ("Bio", "03-04"),
        ("Bio", "03-11"),
        ("Maths", "03-11"),
        ("Maths", "03-16"),
        ("Art", "03-17"),
    ]
    (remark,) = read.remarks
    assert remark.why.startswith("has the same UID as the event of")


@pytest.mark.parametrize(
    ("change", "more"),
    [("20260309T100000", ()), ("20260309T080000", ("STATUS:CANCELLED",)), ("20260309T080000", ("SUMMARY:Test",))],
)
@pytest.mark.parametrize("room", ["Room 8", "room  8 (30)"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_changed_lesson_of_another_room_costs_this_room_none(office, change, more, is_first, room):
    rule = "RRULE:FREQ=WEEKLY;COUNT=3"
    series = [in_room("20260302T080000", "Room 7", rule), in_room("20260302T080000", "Room 8", rule)]
    away = in_room(change, room, "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000", *more)
    read = office.read(*([*series, away] if is_first else [away, *reversed(series)]))
    assert office.starts(read) == ["03-02 08:00", "03-09 08:00", "03-16 08:00"]
    assert office.reasons(read) == []


def test_the_id_of_an_ordinary_lesson_is_what_it_always_was(office):
    """The rule for UUIDv5 of device, UID and start is repeated here, so that no change of the program changes it."""
    moved = lesson("20260310T140000", "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000")
    read = office.read(
        lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2"), moved, lesson("20260303T080000", uid="z")
    )
    assert [one.lesson_id for one in office.lessons(read)] == [
        str(uuid.uuid5(NAMESPACE, text))
        for text in ("box 1|u1|20260302T070000Z", "box 1|z|20260303T070000Z", "box 1|u1|20260309T070000Z")
    ]
    assert office.lessons(read)[0].lesson_id == "0e9fe3ab-5f13-5082-870f-62e7738f4ce2"


def test_events_with_one_uid_keep_the_ids_that_they_had_in_any_order_of_the_file(office):
    parts = [in_room(f"202603{day:02}T{hour:02}0000", "Room 7") for day in (2, 3) for hour in (8, 9)]
    parts.append(in_room("20260302T100000", "Room 7", "RRULE:FREQ=WEEKLY;COUNT=4"))
    for order in (parts, parts[::-1]):
        lessons = office.lessons(office.read(*order))
        assert len(lessons) == 8
        assert [one.lesson_id for one in lessons] == [
            timetable_lesson_id("box 1", "none", one.start) for one in lessons
        ]


@pytest.mark.parametrize("is_first", [True, False])
def test_two_lessons_that_were_to_start_together_have_two_ids(office, is_first):
    """A lesson of the series was moved away, and another event with its UID takes its place."""
    series = in_room("20260302T080000", "Room 7", "RRULE:FREQ=WEEKLY;COUNT=3")
    moved = in_room("20260310T100000", "Room 7", "RECURRENCE-ID:20260309T070000Z")
    instead = in_room("20260309T080000", "Room 7", summary="Art")
    read = office.read(*([series, moved, instead] if is_first else [instead, moved, series]))
    assert [one.course for one in office.lessons(read)] == ["Maths", "Art", "Maths", "Maths"]
    ids = {one.course + f"{one.start:%d}": one.lesson_id for one in office.lessons(read)}
    was_to_start = datetime(2026, 3, 9, 7, tzinfo=timezone.utc)
    assert ids["Maths10"] == timetable_lesson_id("box 1", "none", was_to_start)
    assert ids["Art09"] == timetable_lesson_id("box 1", "none|20260309T070000Z", was_to_start)


def test_an_event_in_the_place_of_an_excepted_lesson_has_the_ordinary_id(office):
    series = in_room("20260302T080000", "Room 7", "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20260309T070000Z")
    lessons = office.lessons(office.read(series, in_room("20260309T080000", "Room 7", summary="Art")))
    assert [one.course for one in lessons] == ["Maths", "Art", "Maths"]
    assert [one.lesson_id for one in lessons] == [timetable_lesson_id("box 1", "none", one.start) for one in lessons]


def test_a_cancellation_in_another_file_finds_its_lesson_by_the_day(office):
    first = office.write(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=3"))
    second = office.write(
        lesson("20260303T080000", "RECURRENCE-ID;VALUE=DATE:20260303", "STATUS:CANCELLED"), name="second.ics"
    )
    read = load_timetable([first, second], "", "box 1", "Europe/Berlin")
    assert office.starts(read) == ["03-02 08:00", "03-04 08:00"]
    assert read.remarks == ()


def test_a_week_of_a_whole_school_with_one_uid_is_worked_out_in_seconds(office):
    rule = "RRULE:FREQ=WEEKLY;UNTIL=20260720"
    parts = [
        in_room(f"202603{day:02}T{hour:02}0000", f"Room {room}", rule, "EXDATE:20260406T000000")
        for day in range(2, 7)
        for hour in range(8, 16)
        for room in range(1, 60)
    ]
    assert len(office.lessons(office.read(*parts), "2026-03-01", 28)) == 4 * 40
