"""Clocks change, lessons do not: they start when the clock on the wall says so."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lesson.calendar_files import Office, event, lesson

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
"""Change in March and October, in March and November, and by half an hour in April and October."""
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ANY_FILE = [HealthCheck.function_scoped_fixture]


@settings(max_examples=20, suppress_health_check=ANY_FILE)
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    # Between 3 and 23 o'clock: no clock of these zones is changed then.
    at=st.times(time(3, 0), time(22, 59)).map(lambda t: t.replace(second=0, microsecond=0)),
    weekdays=st.sets(st.integers(0, 6), min_size=1, max_size=5),
    minutes=st.integers(5, 60),
)
def test_two_years_of_a_weekly_rule_start_at_the_same_local_time(tmp_path, zone, first, at, weekdays, minutes):
    office = Office(tmp_path, zone)
    rule = "RRULE:FREQ=WEEKLY;BYDAY=" + ",".join(DAYS[day] for day in sorted(weekdays))
    start = datetime.combine(first, at)
    read = office.read(lesson(f"{start:%Y%m%dT%H%M%S}", rule, minutes=minutes, zone=zone))
    lessons = office.lessons(read, "2026-01-01", 3 * 366)
    until = first + timedelta(days=730)
    found = [one.start.astimezone(office.zone) for one in lessons if one.start.astimezone(office.zone).date() < until]
    # The lesson that the rule begins with counts even where its weekday is none of the rule.
    days = [day for n in range(730) if (day := first + timedelta(days=n)).weekday() in weekdays or day == first]
    assert [one.date() for one in found] == days
    assert {one.time() for one in found} == {at}
    assert {one.end - one.start for one in lessons} == {timedelta(minutes=minutes)}
    assert len({one.lesson_id for one in lessons}) == len(lessons)


@pytest.mark.parametrize(
    ("zone", "before", "after", "shift_min"),
    [
        ("Europe/Berlin", "20260328", "20260329", -60),
        ("Europe/Berlin", "20261024", "20261025", 60),
        ("America/New_York", "20260307", "20260308", -60),
        ("America/New_York", "20261031", "20261101", 60),
        ("Australia/Lord_Howe", "20261003", "20261004", -30),
        ("Australia/Lord_Howe", "20260404", "20260405", 30),
        ("Asia/Tokyo", "20260328", "20260329", 0),
    ],
)
def test_on_both_change_days_of_each_zone(tmp_path, zone, before, after, shift_min):
    office = Office(tmp_path, zone)
    read = office.read(lesson(f"{before}T080000", "RRULE:FREQ=DAILY;COUNT=3", zone=zone))
    one, two, three = office.lessons(read)
    assert two.start - one.start == timedelta(hours=24, minutes=shift_min)
    assert three.start - two.start == timedelta(hours=24)
    assert f"{two.start.astimezone(office.zone):%Y%m%dT%H%M}" == f"{after}T0800"


def test_a_lesson_through_the_night_of_a_change_ends_by_the_clock_on_the_wall(office):
    for day, hours in (("20260328", 4), ("20260329", 5), ("20261024", 6)):
        read = office.read(lesson(f"{day}T230000", minutes=300))
        (one,) = office.lessons(read)
        assert one.end - one.start == timedelta(hours=hours)
        weekly = office.read(lesson("20260103T230000", "RRULE:FREQ=DAILY", minutes=300))
        (same,) = office.lessons(weekly, f"{day[:4]}-{day[4:6]}-{day[6:]}", 1)
        assert (same.start, same.end) == (one.start, one.end)


def test_a_time_that_the_clock_skips_is_an_hour_later_and_keeps_its_length(office):
    """RFC 5545, section 3.3.5: the offset before the gap."""
    read = office.read(lesson("20260328T023000", "RRULE:FREQ=DAILY;COUNT=3"))
    assert office.starts(read) == ["03-28 02:30", "03-29 03:30", "03-30 02:30"]
    for minutes in (10, 30, 75):
        read = office.read(lesson("20260328T024500", "RRULE:FREQ=DAILY;COUNT=3", minutes=minutes))
        assert {one.end - one.start for one in office.lessons(read)} == {timedelta(minutes=minutes)}


def test_a_time_that_comes_twice_is_its_first(office):
    (one,) = office.lessons(office.read(lesson("20261025T023000", minutes=20)))
    assert one.start == datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)


def test_floating_times_are_of_the_school(tmp_path):
    office = Office(tmp_path, "Asia/Tokyo")
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260303T080000", zone=""))
    (one,) = office.lessons(read)
    assert one.start == datetime(2026, 3, 1, 23, tzinfo=timezone.utc)


def test_a_lesson_may_be_in_another_zone_than_the_school(office):
    (one,) = office.lessons(office.read(lesson("20260302T080000", zone="America/New_York")))
    assert one.start == datetime(2026, 3, 2, 13, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "tzid",
    [
        "Europe/Berlin",
        '"Europe/Berlin"',
        "W. Europe Standard Time",
        "/Europe/Berlin",
        "/example.org/20200101_1/Europe/Berlin",
    ],
)
def test_the_names_that_programs_have_for_a_zone_are_known(tmp_path, tzid):
    office = Office(tmp_path, "UTC")
    (one,) = office.lessons(office.read(event(f"DTSTART;TZID={tzid}:20260702T080000", "DURATION:PT1H")))
    assert one.start == datetime(2026, 7, 2, 6, tzinfo=timezone.utc)


OWN_ZONE = """BEGIN:VTIMEZONE
TZID:School time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0500
TZOFFSETTO:+0400
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0400
TZOFFSETTO:+0500
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


@pytest.mark.parametrize("zone_first", [True, False])
def test_a_zone_that_the_file_describes_is_used(office, zone_first):
    series = lesson("20260326T080000", "RRULE:FREQ=WEEKLY;COUNT=2", zone="School time")
    one, two = office.lessons(office.read(*([OWN_ZONE, series] if zone_first else [series, OWN_ZONE])))
    assert one.start == datetime(2026, 3, 26, 4, tzinfo=timezone.utc)
    assert two.start == datetime(2026, 4, 2, 3, tzinfo=timezone.utc)


def test_a_zone_described_in_another_way_in_a_new_file_is_the_new_one(office):
    series = lesson("20260102T080000", zone="School time")
    one = office.lessons(office.read(OWN_ZONE, series))[0]
    two = office.lessons(office.read(OWN_ZONE.replace("+0400", "+0200"), series))[0]
    assert two.start - one.start == timedelta(hours=2)


def test_a_known_name_means_what_is_known_today_whatever_the_file_describes(office):
    described = OWN_ZONE.replace("School time", "Europe/Berlin")
    (one,) = office.lessons(office.read(described, lesson("20260102T080000")))
    assert one.start == datetime(2026, 1, 2, 7, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "definition",
    [
        "",
        OWN_ZONE.replace("FREQ=YEARLY", "FREQ=SECONDLY"),
        OWN_ZONE.replace("TZOFFSETTO:+0400", "TZOFFSETTO:soon"),
        "BEGIN:VTIMEZONE\nTZID:School time\nEND:VTIMEZONE",
    ],
)
def test_an_unknown_zone_leaves_the_event_out_and_is_named(office, definition):
    events = [lesson("20260102T080000", zone="School time"), lesson("20260105T080000", uid="u2")]
    read = office.read(*filter(None, [definition, *events]))
    assert office.starts(read) == ["01-05 08:00"]
    assert [one.why for one in read.left_out] == ["the time zone 'School time' is not known"]


def test_a_rule_in_utc_is_kept_as_it_is_and_remarked(office):
    read = office.read(event("DTSTART:20260326T070000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2"))
    assert office.starts(read) == ["03-26 08:00", "04-02 09:00"]
    assert "repeats in UTC" in read.remarks[0].why


def test_a_school_in_utc_is_not_told_that_its_rule_is_in_utc(tmp_path):
    office = Office(tmp_path, "UTC")
    assert office.read(event("DTSTART:20260326T070000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")).remarks == ()


def test_the_test_zones_do_change_their_clocks():
    for name in ZONES:
        zone = ZoneInfo(name)
        assert datetime(2026, 1, 15, tzinfo=zone).utcoffset() != datetime(2026, 7, 15, tzinfo=zone).utcoffset()
