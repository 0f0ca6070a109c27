"""Exceptions that hit a lesson, that mean the lesson of their day, and that hit nothing."""

from __future__ import annotations

import pytest

from edge_daemon.lesson import exceptions
from edge_daemon.lesson.lesson_ids import timetable_lesson_id
from tests.lesson.calendar_files import Office, event, lesson

WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=3"
WITHOUT = ["03-02 08:00", "03-16 08:00"]
ALL = ["03-02 08:00", "03-09 08:00", "03-16 08:00"]


def whys(read) -> list[str]:
    return [one.why for one in read.remarks]


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE;TZID=Europe/Berlin:20260309T080000",
        "EXDATE:20260309T070000Z",
        "EXDATE:20260309T080000",
        "EXDATE:20260309T0800",
        "EXDATE:20260309T080000+0100",
        "EXDATE;VALUE=DATE:20260309",
        "EXDATE;VALUE=DATE-TIME:20260309",
        "EXDATE;VALUE=PERIOD:20260309T070000Z/PT45M",
        "EXDATE;TZID=W. Europe Standard Time:20260309T080000",
    ],
)
def test_an_exception_that_hits_its_lesson_takes_it_out_without_a_word(office, line):
    read = office.read(lesson("20260302T080000", WEEKLY, line))
    assert office.starts(read) == WITHOUT
    assert read.remarks == ()


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE;TZID=Europe/Berlin:20260309T000000",
        "EXDATE:20260309T000000Z",
        "EXDATE:20260309T000000",
        "EXDATE;TZID=America/New_York:20260309T000000",
        "EXDATE:20260308T230000Z",
        "EXDATE;TZID=Europe/Berlin:20260309T081500",
        "EXDATE:20260309T080000Z",
    ],
)
def test_another_time_of_the_same_day_takes_out_that_days_lesson_and_is_named(office, line):
    read = office.read(lesson("20260302T080000", WEEKLY, line))
    assert office.starts(read) == WITHOUT
    assert whys(read) == [
        f"its EXDATE {line.rpartition(':')[2]} matches no lesson's time; the lesson of 2026-03-09 is left out"
    ]
    assert read.remarks[0].where == f"{office.folder / 'timetable.ics'}, line 11"


def test_midnight_means_the_day_that_is_written_also_far_from_greenwich(tmp_path):
    office = Office(tmp_path, "America/Los_Angeles")
    daily = lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260303T000000Z", zone=str(office.zone))
    assert office.starts(office.read(daily)) == ["03-02 08:00", "03-04 08:00"]


@pytest.mark.parametrize("value", ["20260310", "20260310T080000", "20260302T080000Z,20270309", "20260323T080000"])
def test_an_exception_that_hits_no_lesson_is_named(office, value):
    read = office.read(lesson("20260302T080000", WEEKLY, f"EXDATE:{value}"))
    assert set(office.starts(read)) >= set(ALL[1:])
    assert whys(read)[-1] == f"its EXDATE {value.rpartition(',')[2]} matches no lesson"


def test_of_several_lessons_on_a_day_a_bare_day_means_all_and_another_time_none(office):
    def with_exception(value: str):
        return office.read(lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=4;BYHOUR=8,10", f"EXDATE:{value}"))

    for day in ("20260309", "20260309T000000"):
        assert office.starts(with_exception(day)) == ["03-02 08:00", "03-02 10:00"]
    assert office.starts(with_exception("20260309T100000")) == ["03-02 08:00", "03-02 10:00", "03-09 08:00"]
    assert len(office.starts(with_exception("20260309T090000"))) == 4
    assert whys(with_exception("20260309T090000")) == ["its EXDATE 20260309T090000 matches no lesson"]


def test_an_exception_of_a_single_event_and_of_a_further_date_hits_too(office):
    read = office.read(lesson("20260302T080000", "RDATE:20260304T110000", "EXDATE:20260302,20260304T000000"))
    assert office.starts(read) == []
    assert len(whys(read)) == 1


@pytest.mark.parametrize(
    "which",
    ["RECURRENCE-ID;TZID=Europe/Berlin:20260309T000000", "RECURRENCE-ID:20260309T081500", "RECURRENCE-ID:20260309"],
)
def test_a_changed_lesson_with_another_time_of_the_day_is_that_days_and_keeps_its_id(office, which):
    series = lesson("20260302T080000", WEEKLY)
    planned = office.lessons(office.read(series))
    read = office.read(series, lesson("20260309T100000", which))
    assert office.starts(read) == ["03-02 08:00", "03-09 10:00", "03-16 08:00"]
    assert [one.lesson_id for one in office.lessons(read)] == [one.lesson_id for one in planned]
    named = ["its RECURRENCE-ID matches no lesson's time; it applies to the lesson of 2026-03-09 08:00"]
    assert whys(read) == ([] if which.endswith(":20260309") else named)


def test_a_changed_lesson_that_hits_none_is_held_besides_and_named(office):
    read = office.read(lesson("20260302T080000", WEEKLY), lesson("20260311T100000", "RECURRENCE-ID:20260310T080000"))
    assert office.starts(read) == ["03-02 08:00", "03-09 08:00", "03-11 10:00", "03-16 08:00"]
    (why,) = whys(read)
    assert why.startswith("its RECURRENCE-ID matches no lesson of the event of ")
    assert why.endswith("line 4, and it is held in addition")


def test_a_cancellation_that_hits_none_is_named(office):
    off = lesson("20260310T080000", "RECURRENCE-ID:20260310T080000", "STATUS:CANCELLED")
    read = office.read(lesson("20260302T080000", WEEKLY), off)
    assert office.starts(read) == ALL
    assert whys(read)[0].endswith("so it cancels none")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("DTSTART;TZID=Foo:20260309T080000",),
        ("DTSTART:20260309T080000",),
        ("DTSTART:20260309T080000", "DTEND:20260309T070000"),
        ("DTSTART:soon", "DURATION:x"),
    ],
)
def test_a_cancellation_needs_no_times_of_its_own(office, lines):
    off = event("RECURRENCE-ID;VALUE=DATE:20260309", "STATUS:CANCELLED", *lines, location="")
    read = office.read(lesson("20260302T080000", WEEKLY), off)
    assert office.starts(read) == WITHOUT
    assert office.reasons(read) == ["is cancelled"]
    assert read.left_out == ()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("DTSTART;TZID=Foo:20260309T100000",), "the time zone 'Foo' is not known"),
        ((), "has no start"),
        (("DTSTART:x",), "DTSTART can't be read: 'x'"),
    ],
)
def test_a_changed_lesson_that_can_not_be_read_names_the_one_that_it_stood_for(office, lines, why):
    broken = event("RECURRENCE-ID:20260309T070000Z", *lines)
    read = office.read(lesson("20260302T080000", WEEKLY), broken)
    assert office.starts(read) == ALL
    stands_for = "it stands for the lesson of 2026-03-09 08:00, which stays as it was"
    assert [one.why for one in read.left_out] == [f"{why}; {stands_for}"]


def test_a_changed_lesson_that_names_its_lesson_wrongly_is_named_as_it_is_written(office):
    read = office.read(lesson("20260302T080000", WEEKLY), lesson("20260309T100000", "RECURRENCE-ID:soon"))
    assert read.left_out[0].why.endswith("it stands for the lesson of soon, which stays as it was")


def test_an_exception_counts_more_than_another_version_of_the_lesson(office):
    """So do recurring-ical-events and ical.js."""
    moved = lesson("20260309T100000", "RECURRENCE-ID:20260309T070000Z")
    read = office.read(lesson("20260302T080000", WEEKLY, "EXDATE:20260309T070000Z"), moved)
    assert office.starts(read) == WITHOUT
    assert [one.why for one in read.left_out] == [
        "is another version of the lesson of 2026-03-09 08:00, which an EXDATE excludes"
    ]


def test_exceptions_of_a_series_in_another_room_are_not_named(office):
    away = lesson("20260302T080000", WEEKLY, "EXDATE:20260310T080000", location="Room 8")
    read = office.read(away, lesson("20260309T100000", "RECURRENCE-ID:20260309T070000Z"))
    assert office.starts(read) == ["03-09 10:00"]
    assert read.remarks == ()


def test_of_two_versions_of_a_changed_lesson_the_higher_sequence_counts_else_the_later(office):
    def version(hour: int, sequence: int) -> str:
        return lesson(f"20260309T{hour}0000", "RECURRENCE-ID:20260309T070000Z", f"SEQUENCE:{sequence}")

    for versions, start in (((11, 2), (12, 1)), "11:00"), (((11, 1), (12, 1)), "12:00"):
        read = office.read(lesson("20260302T080000", WEEKLY), *(version(*one) for one in versions))
        assert office.starts(read)[1] == f"03-09 {start}"
        assert [one.why for one in read.left_out] == ["a later version of the same event is in the file"]


def test_a_lesson_keeps_its_id_when_its_exception_moves_it_across_the_night_of_a_clock_change(office):
    series = lesson("20260322T080000", "RRULE:FREQ=WEEKLY;COUNT=3")
    read = office.read(series, lesson("20260330T080000", "RECURRENCE-ID:20260329T060000Z"))
    assert office.starts(read) == ["03-22 08:00", "03-30 08:00", "04-05 08:00"]
    moved = office.lessons(read)[1]
    planned = office.lessons(office.read(series))[1]
    assert moved.lesson_id == planned.lesson_id == timetable_lesson_id("box 1", "u1", planned.start)


def test_a_series_of_too_many_lessons_keeps_its_exact_exceptions_and_claims_nothing(office, monkeypatch):
    monkeypatch.setattr(exceptions, "MOST_STARTS", 5)
    read = office.read(
        lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=9", "EXDATE:20260303T070000Z,20260309T070000Z,20260320")
    )
    assert len(office.starts(read)) == 7
    assert read.remarks == ()


def test_a_cancelled_lesson_without_a_start_whose_end_lies_before_it_is_cancelled_all_the_same(office):
    series = lesson("20260302T110000", "RRULE:FREQ=WEEKLY;COUNT=2")
    off = event("RECURRENCE-ID:20260302T110000", "DTEND:20260302T080000", "STATUS:CANCELLED")
    assert office.starts(office.read(series, off)) == ["03-09 11:00"]


def test_a_range_that_is_not_read_changes_one_lesson_and_is_named(office):
    change = "RECURRENCE-ID;RANGE=THISANDPRIOR;TZID=Europe/Berlin:20260309T080000"
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=3"), lesson("20260309T100000", change))
    assert office.starts(read) == ["03-02 08:00", "03-09 10:00", "03-16 08:00"]
    assert [one.why for one in read.remarks] == ["its RANGE=THISANDPRIOR is not read; it changes one lesson only"]
