"""Calendar files as they come: cut off, in other encodings, endless, or no calendars at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
import tracemalloc
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_daemon.errors import TimetableError
from edge_daemon.lesson import calendars
from edge_daemon.lesson.calendars import ReadingScope, read_calendars
from edge_daemon.lesson.event_reader import ReadingRules
from edge_daemon.lesson.ical_text import MAX_BYTES, read_source
from edge_daemon.lesson.timetable import load_timetable
from tests.lesson.calendar_files import BERLIN, calendar, event, lesson

GOOD = calendar(lesson("20260302T080000"), lesson("20260303T080000", uid="u2"))


@pytest.fixture
def refusal(tmp_path):
    def refused(content: bytes) -> str:
        path = tmp_path / "bad.ics"
        path.write_bytes(content)
        with pytest.raises(TimetableError) as caught:
            load_timetable([path], "", "box", "Europe/Berlin")
        line = caught.value.line()
        assert "\n" not in line
        assert "bad.ics" in line
        return line

    return refused


@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(refusal, content):
    assert "is empty" in refusal(content)


@pytest.mark.parametrize(
    "content", [b"<html>\n", b"\x00\x01\x02", b"student_id,name\n", b"\xff and more", b"END:VCALENDAR"]
)
def test_a_file_that_is_no_calendar_is_refused_with_its_line(refusal, content):
    assert "expected BEGIN:VCALENDAR here" in refusal(content)


def test_a_file_cut_off_within_an_event_is_refused(refusal):
    """Nobody knows what else it had: between two events it can't be seen, and is read with a remark."""
    ends = [at for at in range(GOOD.index(b"BEGIN:VEVENT") + 14, len(GOOD) - 2) if GOOD[at - 2 : at] == b"\r\n"]
    within = [at for at in (*ends, 200, 301) if GOOD[:at].count(b"BEGIN:VEVENT") > GOOD[:at].count(b"END:VEVENT")]
    assert len(within) > 10
    for end in within:
        line = refusal(GOOD[:end])
        assert "is truncated" in line
        assert ", line " in line


def test_utf_16_is_refused(refusal):
    assert "UTF-16" in refusal(GOOD.decode().encode("utf-16"))
    assert "expected BEGIN:VCALENDAR" in refusal(GOOD.decode().encode("utf-16-le"))


def test_a_byte_order_mark_unix_lines_and_letters_cut_by_a_fold_are_fine(office):
    folded = calendar(lesson("20260302T080000", summary="Übung für alle")).replace("Ü".encode(), b"\xc3\r\n \x9c")
    folded = folded.replace("für".encode(), b"f\xc3\r\n\t\xbcr").replace(b"\r\n", b"\n")
    path = office.folder / "t.ics"
    path.write_bytes(b"\xef\xbb\xbf" + folded)
    (one,) = office.lessons(load_timetable([path], "", "box", "Europe/Berlin"))
    assert one.course == "Übung für alle"


def test_a_file_of_50_mb_is_refused_before_it_is_read(refusal, tmp_path):
    path = tmp_path / "huge.ics"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(TimetableError, match="is larger than 10 MiB"):
        load_timetable([path], "", "box", "Europe/Berlin")
    assert time.process_time() - began < 0.5
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_path_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.ics")
    for path, what in (
        (tmp_path / "none.ics", "No such file"),
        (tmp_path, "is not a file"),
        (tmp_path / "pipe.ics", "is not a file"),
    ):
        with pytest.raises(TimetableError, match=what):
            load_timetable([path], "", "box", "Europe/Berlin")


def test_too_many_events_of_a_room_are_refused_and_those_of_others_do_not_count(office, monkeypatch):
    monkeypatch.setattr(calendars, "MOST_EVENTS", 3)
    events = [lesson(f"202603{day:02}T080000", uid=f"u{day}") for day in range(1, 5)]
    others = [one.replace("Room 7", "Room 8").replace("UID:u", "UID:o") for one in events]
    with pytest.raises(TimetableError, match="more than 3 events"):
        office.read(*events)
    assert len(office.lessons(office.read(*events[:3], *others))) == 3


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("FREQ=SECONDLY", "repeats every second"),
        ("FREQ=MINUTELY;COUNT=1000000000", "repeats every minute"),
        ("FREQ=HOURLY", "repeats every hour"),
        (
            "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5,6,7,8,9",
            "repeats 1000 times a day",
        ),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "its rule names a day that no month has"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=10", "its rule is never met"),
        ("FREQ=YEARLY;BYDAY=60MO", "its rule can't be worked out"),
        ("FREQ=DAILY;BYMONTH=0", "its rule has BYMONTH=0"),
        ("FREQ=DAILY;BYHOUR=8,24", "its rule has BYHOUR=24"),
        ("FREQ=MONTHLY;BYMONTHDAY=--1", "its rule has BYMONTHDAY=--1"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,", "its rule has BYMONTHDAY="),
        ("FREQ=DAILY;BYSETPOS=2", "its rule has BYSETPOS with FREQ=DAILY"),
        ("FREQ=WEEKLY;INTERVAL=0", "its rule has INTERVAL=0"),
        ("FREQ=WEEKLY;INTERVAL=999999999999999999999", "repeats only every 99999999999999999999 times"),
        ("FREQ=WEEKLY;COUNT=-1", "its rule has COUNT=-1"),
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20260401", "its rule has both COUNT and UNTIL"),
        ("FREQ=WEEKLY;UNTIL=soon", "RRULE can't be read: 'FREQ=WEEKLY;UNTIL=soon'"),
        ("FREQ=FORTNIGHTLY", "its rule has the frequency 'FORTNIGHTLY'"),
        ("FREQ=WEEKLY;BYDAY=XX", "its rule can't be worked out"),
        ("RSCALE=CHINESE;FREQ=YEARLY", "its rule can't be read at 'RSCALE=CHINESE'"),
        ("FREQ=YEARLY;SKIP=FORWARD", "its rule can't be read at 'SKIP=FORWARD'"),
        ("BYDAY=MO", "its rule has the frequency ''"),
    ],
)
def test_rules_without_measure_or_meaning_are_left_out_fast_and_the_rest_goes_on(office, rule, why):
    began = time.process_time()
    read = office.read(lesson("20260302T080000", f"RRULE:{rule}"), lesson("20260303T100000", uid="u2"))
    assert office.starts(read) == ["03-03 10:00"]
    assert [one.why for one in read.left_out] == [why]
    assert time.process_time() - began < 20  # on a busy board


def test_a_file_full_of_rules_that_are_never_met_is_refused_before_they_are_all_tried(office):
    rule = "RRULE:FREQ=YEARLY;INTERVAL=100;BYMONTHDAY=29;BYMONTH=2;BYSETPOS=3"  # quick to try
    events = [lesson(f"200503{day:02}T080000", rule, uid=f"u{day}") for day in range(1, 9)]
    with pytest.raises(TimetableError, match="many rules that are never met"):
        office.read(*events)


@pytest.mark.parametrize(
    ("rule", "lessons"),
    [
        ("FREQ=DAILY", 7),
        ("FREQ=DAILY;COUNT=1000000000", 7),
        ("FREQ=DAILY;UNTIL=99991231T235959Z", 7),
        ("FREQ=DAILY;BYHOUR=8,9,10,11", 28),
    ],
)
def test_a_rule_without_end_costs_a_window_only(office, rule, lessons):
    read = office.read(lesson("19900101T080000", f"RRULE:{rule}"))
    tracemalloc.start()
    began = time.process_time()
    assert len(office.lessons(read, "2026-03-01", 7)) == lessons
    assert time.process_time() - began < 10  # traced, on a busy board
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_bytes < 2**20


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", "FREQ=DAILY;BYDAY=TU"]
)
def test_a_rule_of_many_years_goes_on_as_it_began(office, rule):
    """Long rules are worked out from near the window: that must not show."""
    old = office.read(lesson("19991229T080000", f"RRULE:{rule}"))
    counted = office.read(lesson("19991229T080000", f"RRULE:{rule};COUNT=999999"))  # from its beginning
    assert office.starts(old, "2026-01-01", 100) == office.starts(counted, "2026-01-01", 100) != []


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("DTSTART:20260302T250000Z", "DURATION:PT1H"), "DTSTART can't be read: '20260302T250000Z'"),
        (("DTSTART:tomorrow",), "DTSTART can't be read: 'tomorrow'"),
        (("DTSTART:",), "DTSTART can't be read: ''"),
        (("DTSTART:PT1H",), "DTSTART is not a time"),
        (("DTSTART",), "DTSTART can't be read: ''"),
        (("DURATION:PT1H",), "has no start"),
        (("DTSTART:00010101T000000Z",), "DTSTART is in the year 1"),
        (("DTSTART:99990101T000000Z",), "DTSTART is in the year 9999"),
        (("DTSTART:20260302T080000Z", "DTEND:20260302T070000Z"), "ends before it starts"),
        (("DTSTART:20260302T080000Z", "DURATION:-PT1H"), "ends before it starts"),
        (("DTSTART:20260302T080000Z", "DURATION:P99999999999999W"), "DURATION can't be read: 'P99999999999999W'"),
        (("DTSTART:20260302T080000Z", "DURATION:20260302"), "DURATION is not a length of time"),
        (("DTSTART:20260302T080000Z", "DURATION:PT1H", "RDATE:x"), "RDATE can't be read: 'x'"),
        (("DTSTART:20260302T080000Z", "DURATION:PT1H", "EXRULE:FREQ=DAILY"), "has an EXRULE, which is not read"),
        (("DTSTART:20260302T080000Z", "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), "has more than one RRULE"),
    ],
)
def test_an_event_that_makes_no_sense_is_left_out_with_a_word_and_the_rest_goes_on(office, lines, why):
    read = office.read(event(*lines), lesson("20260303T100000", uid="u2"))
    assert office.starts(read) == ["03-03 10:00"]
    assert [one.why for one in read.left_out] == [why]
    assert read.left_out[0].what == "Maths"


def test_of_an_event_of_a_hundred_years_only_its_beginning_is_worked_out(office):
    path = office.write(event("DTSTART:19900101T080000Z", "DURATION:P36500D", "RRULE:FREQ=DAILY"))
    reading = ReadingScope((), timedelta(hours=12), ReadingRules(BERLIN))
    (series,) = read_calendars([read_source(path)], reading).series
    start = datetime(2026, 3, 1, tzinfo=BERLIN)
    assert len(list(series.occurrences(start, start + timedelta(days=7)))) <= 8


def test_lessons_moved_by_centuries_are_left_out(office):
    later = lesson("20260302T080000", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:21260302T080000")
    read = office.read(lesson("19900101T080000", "RRULE:FREQ=DAILY"), later, lesson("20260303T100000", uid="u2"))
    assert office.starts(read) == ["03-03 10:00"]
    assert [one.why for one in read.left_out] == ["lessons are moved by more than a year"]


def test_an_event_without_uid_is_left_out(office):
    read = office.read(lesson("20260302T080000", uid=""), lesson("20260303T100000"))
    assert office.starts(read) == ["03-03 10:00"]
    assert "has no UID" in read.left_out[0].why


def test_control_characters_do_not_reach_the_course(office):
    (one,) = office.lessons(office.read(lesson("20260302T080000", summary="A\x1b[31m\\nB\u202ec")))
    assert one.course == "A [31m B c"


def test_a_file_of_many_thousand_events_of_other_rooms_is_read_in_seconds(office):
    others = [lesson(f"202603{n % 28 + 1:02}T080000", uid=f"o{n}", location=f"Room {n % 50 + 10}") for n in range(8000)]
    began = time.process_time()
    read = office.read(*others, lesson("20260302T080000"))
    assert len(office.lessons(read)) == 1
    assert time.process_time() - began < 20


PIECES = st.sampled_from(
    [
        *("BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "BEGIN:STANDARD", "END:STANDARD", "UID:a"),
        *("DTSTART:20260302T080000Z", "DTSTART;TZID=X:20260302T080000", "DTSTART;VALUE=DATE:20260302", "TZID:X"),
        *("DTEND:20260302T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=YEARLY;BYWEEKNO=53"),
        *("RRULE:FREQ=WEEKLY;BYDAY=9MO", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-31", "EXDATE;VALUE=DATE:20260302"),
        *("RDATE;VALUE=PERIOD:20260303T080000/PT1H", "RDATE:20260302T080000/20260301T080000", "RDATE:20260303"),
        *("RECURRENCE-ID:20260302", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260303T080000Z", "SEQUENCE:x", "SEQUENCE:3"),
        *("TZOFFSETFROM:+0100", "TZOFFSETTO:+2500", "CATEGORIES:,", " folded", "DTSTART:20261325T000000", "::", ";=;:"),
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=25), st.booleans())
def test_any_lines_are_a_timetable_or_one_line(tmp_path, office, lines, in_event):
    text = "\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"] if in_event else lines)
    path = tmp_path / "any.ics"
    path.write_bytes(f"BEGIN:VCALENDAR\n{text}\nEND:VCALENDAR\n".encode("utf-8", "surrogatepass"))
    with contextlib.suppress(TimetableError):
        read = load_timetable([path], "", "box", "Europe/Berlin", [path])
        lessons = office.lessons(read)
        assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(lessons))
        office.reasons(read)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_line(refusal, content):
    refusal(content)


def test_the_limit_leaves_room_for_a_large_school():
    one = len(calendar(lesson("20260302T080000"))) - len(calendar())
    assert one * 200 * 40 < MAX_BYTES / 5
