"""What an office writes into its calendar becomes lessons, and nothing else does."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_daemon.lesson.lesson_ids import timetable_lesson_id
from edge_daemon.lesson.timetable import load_timetable
from tests.lesson.calendar_files import BERLIN, calendar, event, lesson

WEEKLY = "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260401T215959Z"


def test_a_single_event_is_one_lesson(office):
    (one,) = office.lessons(office.read(lesson("20260302T080000")))
    assert one.course == "Maths"
    assert one.device == "box 1"
    assert one.origin == "timetable"
    assert one.start == datetime(2026, 3, 2, 7, tzinfo=timezone.utc)
    assert one.start.tzinfo is timezone.utc
    assert one.end - one.start == timedelta(minutes=45)
    assert one.lesson_id == timetable_lesson_id("box 1", "u1", one.start)


def test_a_weekly_rule_ends_with_the_day_of_its_end(office):
    # Only a date, as many programs write it against the RFC: that day still has its lesson.
    for until in ("20260311T070000Z", "20260311T080000", "20260311"):
        read = office.read(lesson("20260302T080000", f"RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL={until}"))
        assert office.starts(read) == ["03-02 08:00", "03-04 08:00", "03-09 08:00", "03-11 08:00"], until


@pytest.mark.parametrize(
    "rule",
    [
        "RSCALE=GREGORIAN;FREQ=WEEKLY;COUNT=4;BYDAY=MO,WE",
        "RSCALE=GREGORIAN;SKIP=OMIT;FREQ=WEEKLY;COUNT=4;BYDAY=MO,WE",
        "FREQ=WEEKLY; COUNT=4; BYDAY=MO, WE",
        "freq=weekly;count=4;byday=mo,we;",
        "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260311T0800",
        "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260311T080000+0100",
    ],
)
def test_rules_as_programs_write_them_are_read(office, rule):
    read = office.read(lesson("20260302T080000", f"RRULE:{rule}"))
    assert office.starts(read) == ["03-02 08:00", "03-04 08:00", "03-09 08:00", "03-11 08:00"]
    assert read.remarks == ()


def test_a_start_that_its_rule_does_not_hit_is_held_and_named(office):
    read = office.read(lesson("20260301T080000", "RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=TU"))
    assert office.starts(read) == ["03-01 08:00", "03-03 08:00", "03-10 08:00"]
    (why,) = (one.why for one in read.remarks)
    assert why == "its rule does not hit its start, Sun 2026-03-01 08:00, which is held all the same"
    read = office.read(lesson("20260301T080000", "RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=TU", "EXDATE:20260301T080000"))
    assert office.starts(read) == ["03-03 08:00", "03-10 08:00"]
    assert read.remarks == ()


def test_a_number_before_a_weekday_that_a_weekly_rule_can_not_have_is_named(office):
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=1MO"))
    assert office.starts(read) == ["03-02 08:00", "03-09 08:00"]
    assert [one.why for one in read.remarks] == ["its rule has BYDAY=1MO with FREQ=WEEKLY: the number does not count"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("20260302T0800", "20260302T0845"),
        ("20260302T080000+0100", "20260302T084500+01:00"),
        ("20260302T070000+0000", "20260302T074500Z"),
        ("2026-03-02T08:00:00", "2026-03-02T08:45"),
        ("20260302T080000.000", "20260302t084459"),
        ("20260302T070000z", "20260302T074460Z"),
    ],
)
def test_times_as_programs_write_them_are_read(office, start, end):
    read = office.read(event(f"DTSTART:{start}", f"DTEND:{end}"))
    assert office.starts(read) == ["03-02 08:00"]
    assert read.remarks == ()


def test_midnight_may_be_the_24th_hour(office):
    read = office.read(event("DTSTART:20260302T230000", "DTEND:20260302T240000"))
    assert [one.end - one.start for one in office.lessons(read)] == [timedelta(hours=1)]
    assert (
        "DTEND can't be read" in office.read(event("DTSTART:20260302T230000", "DTEND:20260302T240100")).left_out[0].why
    )


def test_a_rule_with_the_schools_offset_keeps_the_schools_clock(office):
    read = office.read(event("DTSTART:20260326T080000+0100", "DURATION:PT45M", "RRULE:FREQ=WEEKLY;COUNT=2"))
    assert office.starts(read) == ["03-26 08:00", "04-02 08:00"]
    other = office.read(event("DTSTART:20260326T080000+0200", "DURATION:PT45M", "RRULE:FREQ=WEEKLY;COUNT=2"))
    assert office.starts(other) == ["03-26 07:00", "04-02 08:00"]
    assert [one.why for one in other.remarks] == [
        "repeats at a fixed offset from UTC: its local time moves when clocks change"
    ]


def test_the_same_rule_written_twice_is_one_rule(office):
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=2", "RRULE:FREQ=DAILY;COUNT=2"))
    assert office.starts(read) == ["03-02 08:00", "03-03 08:00"]


def test_a_year_written_out_lesson_by_lesson_is_worked_out_in_a_moment(office):
    days = [datetime(2026, 1, 1) + timedelta(days=n) for n in range(365)]  # noqa: DTZ001 - a clock on the wall
    events = [lesson(f"{day:%Y%m%d}T{hour:02}0000", uid=f"{day:%j}-{hour}") for day in days for hour in (8, 9, 10)]
    read = office.read(*events)
    began = time.process_time()
    assert len(office.lessons(read)) == 3 * 365
    assert time.process_time() - began < 10  # .5 s where nothing else runs


def test_exceptions_and_further_dates(office):
    read = office.read(
        lesson(
            "20260302T080000",
            "RRULE:FREQ=WEEKLY;COUNT=4",
            "EXDATE;TZID=Europe/Berlin:20260309T080000",
            "EXDATE:20260316T070000Z",
            "RDATE;TZID=Europe/Berlin:20260311T100000,20260312T110000",
        )
    )
    assert office.starts(read) == ["03-02 08:00", "03-11 10:00", "03-12 11:00", "03-23 08:00"]


def test_a_further_date_may_have_a_length_of_its_own(office):
    read = office.read(
        lesson("20260302T080000", "RDATE;VALUE=PERIOD:20260303T080000Z/PT2H,20260304T080000Z/20260304T083000Z")
    )
    assert [one.end - one.start for one in office.lessons(read)] == [timedelta(minutes=m) for m in (45, 120, 30)]


def test_a_bare_day_excepts_the_lesson_of_that_day(office):
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260303"))
    assert office.starts(read) == ["03-02 08:00", "03-04 08:00"]


@pytest.mark.parametrize(
    "which",
    [
        "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000",
        "RECURRENCE-ID:20260309T070000Z",
        "RECURRENCE-ID;TZID=America/New_York:20260309T030000",
        "RECURRENCE-ID:20260309T080000",
        "RECURRENCE-ID;VALUE=DATE:20260309",
    ],
)
def test_a_moved_lesson_moves_and_keeps_its_id(office, which):
    series = lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=3")
    as_planned = office.lessons(office.read(series))
    moved = office.read(series, lesson("20260310T140000", which, minutes=90, summary="Maths (moved)"))
    assert office.starts(moved) == ["03-02 08:00", "03-10 14:00", "03-16 08:00"]
    now = office.lessons(moved)
    assert [one.lesson_id for one in now] == [one.lesson_id for one in as_planned]
    assert now[1].end - now[1].start == timedelta(minutes=90)


def test_all_later_lessons_can_be_moved_and_keep_their_ids(office):
    series = lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=4")
    as_planned = office.lessons(office.read(series))
    later = lesson("20260316T093000", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260316T080000")
    moved = office.read(series, later)
    assert office.starts(moved) == ["03-02 08:00", "03-09 08:00", "03-16 09:30", "03-23 09:30"]
    assert [one.lesson_id for one in office.lessons(moved)] == [one.lesson_id for one in as_planned]


def test_lessons_moved_far_long_ago_are_still_moved(office):
    later = lesson("20000210T093000", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20000101T080000")
    read = office.read(lesson("19991201T080000", "RRULE:FREQ=DAILY;UNTIL=20260331T215959Z"), later)
    starts = office.starts(read, "2026-04-01", 90)
    assert (len(starts), starts[-1]) == (40, "05-10 09:30")


def test_a_changed_lesson_without_its_series_is_a_lesson(office):
    read = office.read(lesson("20260310T140000", "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000"))
    (one,) = office.lessons(read)
    assert one.lesson_id == timetable_lesson_id("box 1", "u1", datetime(2026, 3, 9, 7, tzinfo=timezone.utc))


def test_cancelled_events_are_passed_the_series_or_one_of_it(office):
    cancelled = office.read(lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2", "STATUS:CANCELLED"))
    assert office.starts(cancelled) == []
    assert office.reasons(cancelled) == ["is cancelled"] * 2
    one = office.read(
        lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2"),
        lesson("20260309T080000", "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000", "STATUS:cancelled"),
    )
    assert office.starts(one) == ["03-02 08:00"]
    assert office.reasons(one) == ["is cancelled"]


def test_a_cancelled_series_has_no_lesson_even_where_one_was_changed_before(office):
    read = office.read(
        lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2", "STATUS:CANCELLED"),
        lesson("20260310T080000", "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000"),
    )
    assert office.starts(read) == []


def test_a_calendar_that_calls_off_cancels_its_events(office):
    assert office.reasons(office.read("METHOD:CANCEL", lesson("20260302T080000"))) == ["is cancelled"]


def test_a_file_may_hold_several_calendars_and_one_called_off_cancels_no_other(office):
    path = office.folder / "two.ics"
    called_off = calendar("METHOD:CANCEL", lesson("20260302T080000"))
    path.write_bytes(called_off + calendar(lesson("20260303T080000", uid="u2")))
    assert office.starts(load_timetable([path], "", "box 1", "Europe/Berlin")) == ["03-03 08:00"]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("DTSTART;VALUE=DATE:20260302",), "is an all-day event"),
        (("DTSTART;VALUE=DATE:20260302", "DTEND;VALUE=DATE:20260305"), "is an all-day event"),
        (("DTSTART:20260302T080000Z",), "takes 0 s"),
        (("DTSTART:20260302T080000Z", "DURATION:PT4S"), "takes 4 s"),
        (("DTSTART:20260302T080000Z", "DTEND:20260305T080000Z"), "takes longer than 12 h"),
        (("DTSTART:20260302T080000Z", "DURATION:P3D"), "takes longer than 12 h"),
        (("DTSTART:20260302T080000Z", "DURATION:P9000W"), "takes longer than 12 h"),
    ],
)
def test_an_event_that_is_no_lesson_is_passed_with_a_remark(office, lines, why):
    read = office.read(event(*lines))
    assert office.starts(read) == []
    assert office.reasons(read) == [why]


def test_a_passed_event_is_named_with_course_day_file_and_line(office):
    read = office.read(lesson("20260302T080000"), event("DTSTART:20260303T080000Z", uid="u2", summary="Art"))
    (one,) = read.passed(datetime(2026, 3, 1, tzinfo=BERLIN), datetime(2026, 4, 1, tzinfo=BERLIN))
    assert (one.what, one.why) == ("Art, 2026-03-03 09:00", "takes 0 s")
    assert one.where == f"{office.folder / 'timetable.ics'}, line 11"


@pytest.mark.parametrize(
    ("location", "room", "is_there"),
    [
        ("Room 7", "room  7", True),
        ("Main building, ROOM 7", "Room 7", True),
        ("Main building\\, Room 7\\, 1st floor", "Room 7", True),
        ("Room 7; Room 8", "Room 8", True),
        ("Room 77", "Room 7", False),
        ("Room 7a", "Room 7", False),
        ("", "Room 7", False),
        ("", "", True),
        ("anywhere", "", True),
        ("Room 7/Room 8", "Room 8", True),
        ("Room 7 | Room 8", "Room 7", True),
        ("Hall & Room 7", "Room 7", True),
        ("Hall and Room 7 + Lab", "Room 7", True),
        ("Hall\\nRoom 7", "Room 7", True),
        ("Room 7 (24)", "Room 7", True),
        ("Room 7 [max. 30 seats]", "Room 7", True),
        ("Room 7 (Annex)", "Room 7", False),
        ("Room 7 Annex", "Room 7", False),
        ("Room\u00a07\u200b", "Room 7", True),
        ("Raum R101", "R101", True),
        ("Raum Nr. R101 (24 Plätze)", "R101", True),
        ("Zimmer: 7", "7", True),
        ("Musterstr. 7", "7", False),
        ("Saal 7", "Raum 7", False),
        ("R101 R102", "R102", True),
        ("Raum R101 R102", "R102", True),
        ("Räume R101\\, R102", "R101", True),
        ("R101 Haus 2", "R101", False),
        ("R-101", "R101", False),
        ("A/101, B/202", "A/101", True),
        ("Übungsraum", "U\u0308bungsraum", True),
        ("Lab", ("Room 7", "lab"), True),
        ("Hall", ("Room 7", "Lab"), False),
        ("Hall", ("", " "), True),
    ],
)
def test_only_events_of_the_room_are_lessons(office, location, room, is_there):
    assert bool(office.lessons(office.read(lesson("20260302T080000", location=location), room=room))) is is_there


def test_several_locations_of_an_event_are_all_of_it(office):
    read = office.read(lesson("20260302T080000", "LOCATION:Room 7", location="Hall"))
    assert office.starts(read) == ["03-02 08:00"]
    assert read.rooms == ("Hall, Room 7",)


def test_one_lesson_of_a_series_can_be_in_another_room(office):
    away = "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000"
    series = lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert office.starts(office.read(series, lesson("20260309T080000", away, location="Room 8"))) == [
        "03-02 08:00",
        "03-16 08:00",
    ]
    elsewhere = lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=3", location="Room 8")
    assert office.starts(office.read(elsewhere, lesson("20260309T080000", away))) == ["03-09 08:00"]


def test_a_changed_lesson_that_names_no_room_stays_in_its_room(office):
    moved = lesson("20260310T080000", "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000", location="")
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2"), moved)
    assert office.starts(read) == ["03-02 08:00", "03-10 08:00"]


def test_the_course_is_an_id_else_a_category_else_the_summary(office):
    def course(*lines: str) -> str:
        return office.lessons(office.read(lesson("20260302T080000", *lines)))[0].course

    assert course("X-COURSE-ID:M-1", "CATEGORIES:Exam,Maths") == "M-1"
    assert course("CATEGORIES:Exam\\, written,Maths") == "Exam, written"
    assert course("CATEGORIES:", "CATEGORIES:Maths") == "Maths"
    assert course() == "Maths"


def test_a_changed_lesson_stays_with_its_course(office):
    series = lesson("20260302T080000", "X-COURSE-ID:M-1", "RRULE:FREQ=WEEKLY;COUNT=2")
    moved = lesson("20260310T080000", "RECURRENCE-ID;TZID=Europe/Berlin:20260309T080000", summary="Maths, moved")
    assert [one.course for one in office.lessons(office.read(series, moved))] == ["M-1", "M-1"]


def test_a_lesson_across_midnight_is_one_lesson_of_its_first_day(office):
    read = office.read(lesson("20260302T233000", "RRULE:FREQ=DAILY;COUNT=2", minutes=60))
    assert office.starts(read) == ["03-02 23:30", "03-03 23:30"]
    assert office.starts(read, "2026-03-03", 1) == ["03-03 23:30"]
    assert {one.end - one.start for one in office.lessons(read)} == {timedelta(hours=1)}


def test_a_window_has_its_start_but_not_its_end(office):
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=3"))
    at = datetime(2026, 3, 3, 8, tzinfo=BERLIN)
    assert len(read.lessons(at, at + timedelta(days=1))) == 1
    assert read.lessons(at, at) == []
    assert read.lessons(at + timedelta(seconds=1), at + timedelta(days=1)) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cuts=st.lists(st.integers(0, 150 * 24 * 60), min_size=1, max_size=6))
def test_whatever_windows_are_asked_for_together_they_give_the_same_lessons(office, cuts):
    read = office.read(
        lesson("20260105T080000", WEEKLY.replace("20260401", "20260601")),
        lesson("20260105T083000", "RRULE:FREQ=DAILY", uid="u2", summary="Art", minutes=60),
        lesson("20260106T080000", "RECURRENCE-ID;TZID=Europe/Berlin:20260105T080000"),
    )
    start = datetime(2026, 1, 1, tzinfo=BERLIN)
    ends = [start + timedelta(minutes=cut) for cut in sorted(cuts)] + [start + timedelta(days=150)]
    windows = zip([start, *ends], ends, strict=False)
    piecewise = [one for first, end in windows for one in read.lessons(first, end)]
    assert piecewise == read.lessons(start, ends[-1])
    assert len({one.lesson_id for one in piecewise}) == len(piecewise) == 146 + 42


def in_utc(start: str, minutes: int, uid: str) -> str:
    return event(f"DTSTART:{start}", f"DURATION:PT{minutes}M", "RRULE:FREQ=DAILY", uid=uid)


def test_every_night_is_alike_wherever_the_weeks_are_cut_that_are_worked_out_at_once(office):
    read = office.read(
        in_utc("20260101T233000Z", 40, "u1"), in_utc("20260101T235000Z", 60, "u2"), in_utc("20260102T004500Z", 45, "u3")
    )
    start = datetime(2026, 1, 2, tzinfo=timezone.utc)
    nights = [read.lessons(start + timedelta(days=n), start + timedelta(days=n + 1)) for n in range(100)]
    clocks = {tuple(f"{one.start:%H:%M}-{one.end:%H:%M}" for one in night) for night in nights}
    assert clocks == {("00:10-00:50", "00:50-01:30", "23:30-00:10")}
    free = in_utc("20260101T001500Z", 5, "h")
    quiet = office.read(in_utc("20260101T235000Z", 60, "u2"), holidays=(free,))
    assert quiet.lessons(start, start + timedelta(days=100)) == []


def test_several_files_are_one_timetable_and_the_same_event_in_two_is_one_lesson(office):
    first = office.write(lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2"))
    second = office.write(
        lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=2", summary="again"),
        lesson("20260303T080000", uid="u2", summary="Art"),
        name="second.ics",
    )
    read = load_timetable([first, second], "", "box 1", "Europe/Berlin")
    assert [one.course for one in office.lessons(read)] == ["Maths", "Art", "Maths"]
    assert office.reasons(read) == [f"is the same lesson as the one of {first}, line 4"] * 2


def test_a_lesson_moved_in_one_file_is_not_held_twice_for_another_file_that_does_not_know(office):
    old = office.write(lesson("20260302T080000"), name="old.ics")
    new = office.write(lesson("20260512T080000", "RECURRENCE-ID;TZID=Europe/Berlin:20260302T080000"))
    read = load_timetable([old, new], "", "box 1", "Europe/Berlin")
    assert office.starts(read) == ["05-12 08:00"]
    assert office.reasons(read) == [f"was changed by the event of {new}, line 4"]


def test_a_later_version_of_an_event_replaces_the_earlier_one(office):
    new, old = lesson("20260302T080000", "SEQUENCE:2", minutes=60), lesson("20260302T080000", "SEQUENCE:1")
    for parts in ((new, old), (old, new)):
        read = office.read(*parts)
        assert [one.end - one.start for one in office.lessons(read)] == [timedelta(hours=1)]
        assert [one.why for one in read.left_out] == ["a later version of the same event is in the file"]
    twice = office.read(lesson("20260302T080000", summary="old"), lesson("20260302T080000", summary="new"))
    assert [one.course for one in office.lessons(twice)] == ["new"]


def test_an_office_that_gives_every_event_the_same_uid_still_has_its_lessons(office):
    read = office.read(lesson("20260302T080000"), lesson("20260303T080000"), lesson("20260304T080000"))
    assert office.starts(read) == ["03-02 08:00", "03-03 08:00", "03-04 08:00"]
    assert len({one.lesson_id for one in office.lessons(read)}) == 3
    assert "has the same UID as the event of" in read.remarks[0].why


def test_other_devices_have_other_lesson_ids(office):
    path = office.write(lesson("20260302T080000"))
    ids = {office.lessons(load_timetable([path], "", name, "Europe/Berlin"))[0].lesson_id for name in ("a", "b")}
    assert len(ids) == 2
