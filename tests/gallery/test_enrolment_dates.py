"""A student belongs to a course between two days; the day of the lesson decides."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from datetime import date, timezone
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Migrations

from edge_daemon.gallery.enrolment_dates import is_expected, school_date, slash_order
from edge_daemon.gallery.roster import RosterRow
from edge_daemon.gallery.roster_import import import_roster
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import database
from edge_daemon.store.database import open_gallery
from edge_daemon.store.migrations import GALLERY
from edge_daemon.types import EnrolmentPeriod, Student
from tests.gallery.conftest import DEVICE_KEY
from tests.gallery.school import NOW

OCTOBER, FEBRUARY = date(2026, 10, 1), date(2027, 2, 1)


def student(*periods: EnrolmentPeriod, courses: tuple[str, ...] = ()) -> Student:
    return Student("S1", "Ann", "", "", False, courses or tuple(dict.fromkeys(p.course for p in periods)), periods)


@pytest.mark.parametrize(
    ("day", "expected"),
    [(date(2026, 9, 30), False), (OCTOBER, True), (date(2027, 1, 31), True), (FEBRUARY, False)],
)
@pytest.mark.parametrize("course", ["Art", ""])
def test_the_first_day_counts_and_the_end_is_the_first_day_without(day, expected, course):
    assert is_expected(student(EnrolmentPeriod("Art", OCTOBER, FEBRUARY)), course, day) is expected


def test_a_course_without_dates_counts_on_every_day_and_another_one_never():
    both = student(EnrolmentPeriod("Art", OCTOBER, None), courses=("Art", "Maths"))
    assert [is_expected(both, course, date(2026, 9, 1)) for course in ("Art", "Maths", "", "Music")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert is_expected(student(), "Music", OCTOBER)  # no courses: every lesson, as ever


def test_of_two_periods_of_a_course_one_is_enough():
    again = student(EnrolmentPeriod("Art", None, OCTOBER), EnrolmentPeriod("Art", FEBRUARY, None))
    days = (date(2026, 9, 30), OCTOBER, date(2027, 1, 31), FEBRUARY)
    assert [is_expected(again, "Art", day) for day in days] == [True, False, False, True]
    always = student(EnrolmentPeriod("Art", None, None), EnrolmentPeriod("Art", FEBRUARY, None))
    assert is_expected(always, "Art", OCTOBER)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-10-01", "Europe/Berlin", OCTOBER),
        ("2026-10-01T00:00:00.000Z", "America/New_York", OCTOBER),
        ("2026-09-30T22:00:00Z", "Europe/Berlin", OCTOBER),
        ("2026-10-01T04:00:00+00:00", "America/New_York", OCTOBER),
        ("2026-10-01T07:30:00.1234567Z", "Europe/Berlin", OCTOBER),
        ("2026-10-01T12:00", "Europe/Berlin", OCTOBER),
        ("1.10.2026", "Europe/Berlin", OCTOBER),
        ("10/01/2026", "Europe/Berlin", None),
        ("2026-13-01", "Europe/Berlin", None),
        ("soon", "Europe/Berlin", None),
        ("2026", "Europe/Berlin", None),
        ("2026-10-01Tlate", "Europe/Berlin", None),
    ],
)
def test_days_and_instants(text, zone, expected):
    assert school_date(text, ZoneInfo(zone)) == expected


def test_slashes_are_read_where_the_file_shows_their_order():
    assert slash_order(["08/25/2026", "06/10/2027", "", "2026-01-01"]) == "month first"
    assert slash_order(["25/08/2026", "10/06/2027"]) == "day first"
    assert slash_order(["06/10/2027"]) == slash_order(["25/08/2026", "08/25/2026"]) == ""
    assert school_date("10/01/2026", timezone.utc, "month first") == OCTOBER
    assert school_date("01/10/2026 00:00", timezone.utc, "day first") == OCTOBER


PERIODS = (EnrolmentPeriod("Art", OCTOBER, FEBRUARY), EnrolmentPeriod("M-1", None, FEBRUARY))


def enrol(store: GalleryStore, *students: Student) -> None:
    import_roster([RosterRow(one, {}) for one in students], None, store, NOW)


def test_dates_are_kept_with_the_roster_and_go_with_it(store):
    enrol(store, student(*PERIODS), dataclasses.replace(student(), student_id="S2"))
    assert [one.periods for one in store.students()] == [PERIODS, ()]
    assert [one.periods for one in store.enrolments()] == [PERIODS, ()]
    enrol(store, student(PERIODS[0]))
    assert store.students()[0].periods == PERIODS[:1]
    store.remove("S1", NOW)
    assert store.db.execute("SELECT count(*) FROM enrolment_periods").fetchone() == (0,)


def test_a_gallery_of_the_release_before_is_read_and_read_again_after_a_return(gallery_path, monkeypatch):
    before = Migrations("gallery")
    names = [one.name for one in GALLERY.migrations._migrations]
    at = names.index("0002_enrolment_periods")
    before._migrations = GALLERY.migrations._migrations[:at]  # there is no other way to have fewer
    old = dataclasses.replace(GALLERY, version=at, migrations=before)

    def opened(schema):
        with monkeypatch.context() as patched:
            patched.setattr(database, "GALLERY", schema)
            return open_gallery(gallery_path)

    db = opened(old)
    key = GalleryStore(db, DEVICE_KEY).new_key("S1")
    # As the release before writes a student.
    upsert = (
        "INSERT INTO students (student_id, position, courses, consent, sealed) VALUES ('S1', 0, ?, 0, ?)"
        " ON CONFLICT (student_id) DO UPDATE SET position = excluded.position, courses = excluded.courses,"
        " consent = excluded.consent, sealed = excluded.sealed"
    )
    sealed = GalleryStore(db, DEVICE_KEY).sealed_student(student(), {}, 0, key).sealed
    with db.conn:
        db.execute(upsert, ('["Art"]', sealed))
        db.execute("INSERT INTO student_keys (student_id, wrapped_key) VALUES ('S1', ?)", (key,))
    db.conn.close()
    with closing(opened(GALLERY).conn) as conn:
        assert conn.execute("SELECT value FROM meta WHERE key = 'readable_from'").fetchone() == ("1",)
    db = opened(GALLERY)
    store = GalleryStore(db, DEVICE_KEY)
    assert [(one.courses, one.periods) for one in store.enrolments()] == [(("Art",), ())]
    enrol(store, student(*PERIODS))
    assert store.enrolments()[0].periods == PERIODS
    db.conn.close()
    db = opened(old)  # back: an import there knows no dates, and must not meet those of before
    with db.conn:
        db.execute(upsert, ('["Art"]', sealed))
    db.conn.close()
    db = opened(GALLERY)
    assert [(one.courses, one.periods) for one in GalleryStore(db, DEVICE_KEY).enrolments()] == [(("Art",), ())]
    db.conn.close()
