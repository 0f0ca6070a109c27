"""Two lessons in one room, and days without any: one rule each."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.lesson.overlap import PlannedLesson, settle
from edge_daemon.types import Lesson
from tests.lesson.calendar_files import event, lesson

START = datetime(2026, 3, 2, tzinfo=timezone.utc)


def times(office, read) -> list[tuple[str, str, str]]:
    zone = office.zone
    return [
        (one.course, f"{one.start.astimezone(zone):%H:%M}", f"{one.end.astimezone(zone):%H:%M}")
        for one in office.lessons(read)
    ]


def test_the_next_lesson_begins_when_the_first_one_ends(office):
    read = office.read(lesson("20260302T080000", minutes=50), lesson("20260302T084500", uid="u2", summary="Art"))
    assert times(office, read) == [("Maths", "08:00", "08:50"), ("Art", "08:50", "09:30")]
    assert office.reasons(read) == []


def test_a_lesson_with_less_than_half_of_it_left_is_passed(office):
    first = lesson("20260302T080000")
    half = lesson("20260302T082500", uid="u2", summary="Art", minutes=40)
    assert times(office, office.read(first, half))[1:] == [("Art", "08:45", "09:05")]
    less = lesson("20260302T082400", uid="u2", summary="Art", minutes=40)
    read = office.read(first, less)
    assert times(office, read) == [("Maths", "08:00", "08:45")]
    assert office.reasons(read) == [f"overlaps Maths of {office.folder / 'timetable.ics'}, line 4"]


def test_of_two_that_begin_together_the_longer_one_keeps_the_rest(office):
    read = office.read(lesson("20260302T080000", minutes=90), lesson("20260302T080000", uid="u2", summary="Art"))
    assert times(office, read) == [("Art", "08:00", "08:45"), ("Maths", "08:45", "09:30")]


def test_of_two_equal_ones_the_first_of_the_file_is_held(office):
    read = office.read(lesson("20260302T080000"), lesson("20260302T080000", uid="u2", summary="Art"))
    assert times(office, read) == [("Maths", "08:00", "08:45")]


def test_lessons_that_touch_do_not_overlap(office):
    read = office.read(lesson("20260302T080000"), lesson("20260302T084500", uid="u2", summary="Art"))
    assert times(office, read) == [("Maths", "08:00", "08:45"), ("Art", "08:45", "09:30")]


def test_an_event_that_is_no_lesson_displaces_no_lesson(office):
    read = office.read(
        event("DTSTART;VALUE=DATE:20260302", uid="u3"),
        lesson("20260302T070000", "STATUS:CANCELLED", uid="u4", minutes=300),
        lesson("20260302T060000", uid="u5", minutes=800),
        lesson("20260302T080000"),
    )
    assert times(office, read) == [("Maths", "08:00", "08:45")]


def test_a_lesson_that_was_cut_keeps_its_id(office):
    art = lesson("20260302T084500", uid="u2", summary="Art")
    alone = office.lessons(office.read(art))[0].lesson_id
    assert office.lessons(office.read(lesson("20260302T080000", minutes=50), art))[1].lesson_id == alone


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 120)), max_size=20))
def test_however_lessons_lie_none_overlaps_another_and_each_has_half_of_itself(spans):
    planned = [
        PlannedLesson(Lesson(str(n), "box", "", at, at + timedelta(minutes=length), "timetable"), f"line {n}", n, at)
        for n, (start, length) in enumerate(spans)
        for at in [START + timedelta(minutes=start)]
    ]
    kept, beaten = settle(planned)
    assert {one.order for one in kept} | {one.order for one, _ in beaten} == set(range(len(planned)))
    assert len(kept) + len(beaten) == len(planned)
    assert all(one.lesson.end <= two.lesson.start for one, two in itertools.pairwise(kept))
    for one in kept:
        assert one.lesson.end - one.lesson.start >= (one.lesson.end - one.event_start) / 2
        assert one.lesson.start >= one.event_start
    assert not planned or kept  # somebody always has the room


def test_a_holiday_of_whole_days_cancels_what_starts_on_them(office):
    daily = lesson("20260302T233000", "RRULE:FREQ=DAILY;COUNT=5", minutes=60)
    holiday = event(
        "DTSTART;VALUE=DATE:20260303", "DTEND;VALUE=DATE:20260305", uid="h", summary="Carnival", location=""
    )
    read = office.read(daily, holidays=(holiday,))
    assert office.starts(read) == ["03-02 23:30", "03-05 23:30", "03-06 23:30"]
    assert office.reasons(read) == [f"falls on Carnival ({office.folder / 'holidays.ics'}, line 4)"] * 2


def test_a_holiday_by_the_clock_cancels_what_it_touches(office):
    lessons = [lesson(f"20260302T{hour:02}0000", uid=f"u{hour}") for hour in (8, 9, 10, 11)]
    off = lesson("20260302T094000", uid="h", summary="Heat", minutes=20)
    assert office.starts(office.read(*lessons, holidays=(off,))) == ["03-02 08:00", "03-02 10:00", "03-02 11:00"]


def test_a_holiday_may_come_every_year_and_may_be_called_off(office):
    daily = lesson("20260101T080000", "RRULE:FREQ=DAILY")
    may_day = event("DTSTART;VALUE=DATE:20000501", "RRULE:FREQ=YEARLY", uid="h")
    off = event("DTSTART;VALUE=DATE:20260502", "STATUS:CANCELLED", uid="h2")
    read = office.read(daily, holidays=(may_day, off))
    assert office.starts(read, "2026-04-30", 3) == ["04-30 08:00", "05-02 08:00"]
    assert office.starts(read, "2027-04-30", 3) == ["04-30 08:00", "05-02 08:00"]


def test_six_weeks_of_summer_hold_over_every_border_of_what_is_worked_out_at_once(office):
    daily = lesson("20260101T080000", "RRULE:FREQ=DAILY")
    summer = event("DTSTART;VALUE=DATE:20260629", "DTEND;VALUE=DATE:20260812", uid="h", summary="Summer")
    read = office.read(daily, holidays=(summer,))
    assert len(office.starts(read, "2026-01-01", 365)) == 365 - 44


def test_holidays_are_for_every_room_and_make_no_lessons(office):
    holiday = event("DTSTART;VALUE=DATE:20260302", uid="h", location="Room 99")
    read = office.read(lesson("20260302T080000"), holidays=(holiday, lesson("20260303T080000", uid="h2")))
    assert office.lessons(read) == []


def test_a_day_that_ends_on_itself_and_has_an_empty_rule_is_a_day_off(office):
    """As sites write them that offer lists of holidays."""
    holiday = event("DTSTART:20260302", "DTEND:20260302", "RRULE:", uid="h", summary="Monday")
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=2"), holidays=(holiday,))
    assert office.starts(read) == ["03-03 08:00"]


def test_a_day_off_from_midnight_without_end_is_the_whole_day_and_named(office):
    daily = lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=2")
    read = office.read(daily, holidays=(event("DTSTART:20260302T000000", uid="h"),))
    assert office.starts(read) == ["03-03 08:00"]
    assert [one.why for one in read.remarks] == ["has no end, and counts as the whole day"]
    moment = office.read(daily, holidays=(event("DTSTART:20260302T070000", uid="h"),))
    assert office.starts(moment) == ["03-02 08:00", "03-03 08:00"]
    assert [one.why for one in moment.remarks] == ["takes 0 s, so it cancels no lesson"]


def test_a_day_that_outlook_moved_is_moved(office):
    daily = lesson("20260301T080000", "RRULE:FREQ=DAILY;COUNT=8")
    off = event("DTSTART;VALUE=DATE:20260302", "RRULE:FREQ=DAILY;INTERVAL=3;COUNT=2", uid="h")
    for which in ("RECURRENCE-ID;TZID=GMT Standard Time:20260305T000000", "RECURRENCE-ID:20260304T230000Z"):
        moved = event("DTSTART;VALUE=DATE:20260306", which, uid="h")
        read = office.read(daily, holidays=(off, moved))
        assert [start[:5] for start in office.starts(read)] == ["03-01", "03-03", "03-04", "03-05", "03-07", "03-08"]
