"""Clocks change, lessons do not: they start when the clock on the wall says so."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from edge_daemon.lesson.zones import Zones
from tests.lesson.calendar_files import Office, event, lesson

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
"""Change in March and October, in March and November, and by half an hour in April and October."""
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ANY_FILE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


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
        OWN_ZONE.replace("END:DAYLIGHT", "RDATE;TZID=Asia/Tokyo:20261109T090000\nEND:DAYLIGHT"),
        OWN_ZONE.replace("TZOFFSETTO:+0400", "TZOFFSETTO:soon"),
        OWN_ZONE.replace("BYMONTH=3", "BYMONTH=256"),
        OWN_ZONE.replace("FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=-0"),  # worked out, it would never end
        OWN_ZONE.replace("BYMONTH=3", "BYMONTH=3;BYSECOND=0,1,2,3,4,5,6,7,8,9"),
        "BEGIN:VTIMEZONE\nTZID:School time\nEND:VTIMEZONE",
    ],
)
def test_an_unknown_zone_leaves_the_event_out_and_is_named(office, definition):
    events = [lesson("20260102T080000", zone="School time"), lesson("20260105T080000", uid="u2")]
    read = office.read(*filter(None, [definition, *events]))
    assert office.starts(read) == ["01-05 08:00"]
    assert [one.why for one in read.left_out] == ["the time zone 'School time' is not known"]


@pytest.mark.parametrize(
    "rule", ["BYMONTH=256", "BYMONTH=3;INTERVAL=0", "BYMONTH=3\nEXDATE;TZID=Asia/Tokyo:20261109T090000"]
)
def test_a_senseless_description_of_a_known_zone_changes_nothing(office, rule):
    described = OWN_ZONE.replace("School time", "Europe/Berlin").replace("BYMONTH=3", rule)
    read = office.read(described, lesson("20260102T080000"))
    assert office.starts(read) == ["01-02 08:00"]


def test_a_name_like_a_path_of_a_thousand_folders_is_no_zone(office):
    read = office.read(lesson("20260102T080000", zone="Europe/" + "B/" * 500), lesson("20260105T080000", uid="u2"))
    assert office.starts(read) == ["01-05 08:00"]
    assert "is not known" in read.left_out[0].why


def test_a_rule_in_utc_is_kept_as_it_is_and_remarked(office):
    read = office.read(event("DTSTART:20260326T070000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2"))
    assert office.starts(read) == ["03-26 08:00", "04-02 09:00"]
    assert "repeats in UTC" in read.remarks[0].why


def test_a_school_in_utc_gets_no_remark_on_a_rule_in_utc(tmp_path):
    office = Office(tmp_path, "UTC")
    assert office.read(event("DTSTART:20260326T070000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")).remarks == ()


def test_the_test_zones_do_change_their_clocks():
    for name in ZONES:
        zone = ZoneInfo(name)
        assert datetime(2026, 1, 15, tzinfo=zone).utcoffset() != datetime(2026, 7, 15, tzinfo=zone).utcoffset()


@pytest.mark.parametrize(
    "tzid",
    [
        "europe/berlin",
        "Europe/Berlin ",
        "w. europe standard time",
        "W. Europe Standard Time 1",
        "W. Europe Time",
        "W. Europe Daylight Time",
        '"tzone://Microsoft/W. Europe Standard Time"',
        "tzone://Microsoft/W. Europe Standard Time",
        '"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"',
        "(UTC+01:00) Amsterdam\\, Berlin\\, Bern\\, Rome\\, Stockholm\\, Vienna",
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien",
        "(GMT+01.00) Sarajevo/Warsaw/Zagreb",
        "(UTC+01:00) Belgrad\\; Prag",
        "(GMT+1) Wien",
        "Mitteleuropäische Zeit",
        "Mitteleuropäische Sommerzeit",
        "heure normale d'Europe centrale",
        "Central European Time",
    ],
)
def test_the_names_that_programs_make_for_a_zone_are_known(tmp_path, tzid):
    office = Office(tmp_path, "UTC")
    read = office.read(event(f"DTSTART;TZID={tzid}:20260702T080000", "DURATION:PT1H"))
    assert read.left_out == ()
    assert [one.start for one in office.lessons(read)] == [datetime(2026, 7, 2, 6, tzinfo=timezone.utc)]


@pytest.mark.parametrize(
    ("tzid", "zone"),
    [
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/GMT Standard Time", "Europe/London"),
        ("(UTC) Coordinated Universal Time", "UTC"),
        ("(UTC) Dublin, Edinburgh, Lisbon, London", "Europe/London"),
        ("(GMT) Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London", "Europe/London"),
        ("GMT Time", "Europe/London"),
        ("(UTC+02:00) Athens, Bucharest", "Europe/Athens"),
        ("(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", "Europe/Helsinki"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("(UTC-08:00) Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("Eastern Daylight Time", "America/New_York"),
        ("(UTC-07:00) Arizona", "America/Phoenix"),
        ("(UTC+10:00) Canberra, Melbourne, Sydney", "Australia/Sydney"),
        ("(UTC+12:00) Auckland, Wellington", "Pacific/Auckland"),
        ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", "Asia/Kolkata"),
        ("(UTC-03:30) Newfoundland", "America/St_Johns"),
        ("America/New York", "America/New_York"),
        ("Westeuropäische Normalzeit", "Europe/Lisbon"),
        ("Osteuropäische Zeit", "Europe/Helsinki"),
    ],
)
def test_names_of_zones_in_the_world_are_known(tzid, zone):
    found = Zones([], timezone.utc).find(tzid, 2026)
    for month in (1, 7):
        at = datetime(2026, month, 15, tzinfo=timezone.utc)
        assert found is not None
        assert at.replace(tzinfo=found).utcoffset() == at.replace(tzinfo=ZoneInfo(zone)).utcoffset()


def test_every_name_of_windows_is_known_with_and_without_standard():
    for name, iana in WINDOWS_TO_OLSON.items():
        for spelled in (name, name.upper(), re.sub(" Standard Time$", " Time", name)):
            names = {iana, iana.removeprefix("Etc/"), *(("UTC",) if iana == "Etc/GMT" else ())}  # the same zone
            assert str(Zones([], timezone.utc).find(spelled, 2026)) in names, spelled


@pytest.mark.parametrize(
    "tzid",
    [
        *("GMT+0100", "Customized Time Zone", "tzone://Microsoft/Custom", "Berlin", "GMT 1", "Local", "(UTC+01:00)"),
        *("(UTC+03:00) Berlin", "(UTC+01:00) Customized Time Zone", "../etc/passwd", "Europe"),
    ],
)
def test_a_name_that_is_not_certain_stays_unknown(tzid):
    assert Zones([], timezone.utc).find(tzid, 2026) is None


@pytest.mark.parametrize(
    ("defined", "used"),
    [
        ("School\\, time", '"School, time"'),
        ("School\\, time", "School\\, time"),
        ("School, time", "School, time"),
        ('"School time"', '"School time"'),
        ("School time ", "School time"),
        ("SCHOOL TIME", "school time"),
        ("School; time", "School\\; time"),
        ('School "A"', "School ^'A^'"),
    ],
)
def test_the_name_of_a_zone_of_the_file_may_be_escaped_quoted_or_in_other_capitals(office, defined, used):
    read = office.read(OWN_ZONE.replace("School time", defined), lesson("20260102T080000", zone=used))
    assert read.left_out == ()
    assert office.lessons(read)[0].start == datetime(2026, 1, 2, 4, tzinfo=timezone.utc)


def test_a_zone_with_monthly_rules_of_one_month_is_read(office):
    monthly = OWN_ZONE.replace("FREQ=YEARLY", "FREQ=MONTHLY")
    (one,) = office.lessons(office.read(monthly, lesson("20260702T080000", zone="School time")))
    assert one.start == datetime(2026, 7, 2, 3, tzinfo=timezone.utc)


def remarks(read) -> list[str]:
    return [one.why for one in read.remarks]


def test_a_description_that_disagrees_with_the_zone_of_its_name_is_named(office):
    disagrees = OWN_ZONE.replace("School time", "Europe/Berlin")
    series = lesson("20260102T080000", "RRULE:FREQ=WEEKLY;UNTIL=20260731", zone="europe/berlin")
    read = office.read(disagrees, series)
    assert {f"{one.start.astimezone(office.zone):%H:%M}" for one in office.lessons(read)} == {"08:00"}
    assert remarks(read) == [
        "the VTIMEZONE 'Europe/Berlin' has UTC+0400 on 2026-01-15, but Europe/Berlin has UTC+0100; Europe/Berlin holds"
    ]
    assert read.remarks[0].where.endswith("line 4")


def test_a_description_that_agrees_is_not_named_nor_is_one_that_no_lesson_uses(office):
    agrees = OWN_ZONE.replace("+0400", "+0100").replace("+0500", "+0200")
    berlin = agrees.replace("School time", "W. Europe Standard Time")
    used = lesson("20260102T080000", "RRULE:FREQ=WEEKLY;COUNT=30", zone="W. Europe Standard Time")
    assert remarks(office.read(berlin, used, OWN_ZONE.replace("School time", "Asia/Tokyo"))) == []
    assert remarks(office.read(agrees, used.replace("W. Europe Standard Time", "School time"))) == []


def test_a_description_that_has_ended_is_named(office):
    year = datetime.now(timezone.utc).year
    ended = OWN_ZONE.replace("+0400", "+0100").replace("+0500", "+0200")
    ended = ended.replace("BYMONTH=10", "BYMONTH=10;UNTIL=20101031T010000Z")
    ended = ended.replace("BYMONTH=3", "BYMONTH=3;UNTIL=20100328T010000Z")
    start = f"{year + 1}0302T080000"
    own = remarks(office.read(ended, lesson(start, zone="School time")))
    remark = f"has UTC+0100 on {year + 1}-04-15, but the school's Europe/Berlin has UTC+0200, and its rules end in 2010"
    assert own == [f"the VTIMEZONE 'School time' {remark}; the file's holds"]
    known = office.read(ended.replace("School time", "Europe/Berlin"), lesson(start))
    assert "its rules end in 2010; Europe/Berlin holds" in remarks(known)[0]


def test_a_zone_of_the_file_that_is_not_the_schools_is_named(office):
    remark = "has UTC+0400 on 2026-01-15, but the school's Europe/Berlin has UTC+0100; the file's holds"
    read = office.read(OWN_ZONE, lesson("20260102T080000", zone="School time"))
    assert remarks(read) == [f"the VTIMEZONE 'School time' {remark}"]


def test_a_time_in_utc_needs_no_zone_that_is_known(office):
    read = office.read(event("DTSTART;TZID=Foo:20260102T070000Z", "DURATION:PT45M"))
    assert office.starts(read) == ["01-02 08:00"]
