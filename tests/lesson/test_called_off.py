"""Which lessons a calendar calls off, by the ids that they have while they run; and which come from one event."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge_daemon.lesson.timetable import Timetable
from tests.lesson.calendar_files import BERLIN, Office, lesson

MONDAY = datetime(2026, 3, 2, tzinfo=BERLIN)
SERIES = "RRULE:FREQ=DAILY;COUNT=3"


def called_off(timetable: Timetable) -> dict[str, str]:
    return {one.lesson_id: one.why for one in timetable.cancelled(MONDAY, MONDAY + timedelta(days=7))}


def ids(office: Office, *events: str) -> list[str]:
    return [one.lesson_id for one in office.lessons(office.read(*events))]


def test_a_status_calls_the_lesson_off_that_ran_under_the_same_id(office):
    (begun,) = ids(office, lesson("20260302T080000"))
    now = office.read(lesson("20260302T080000", "STATUS:CANCELLED"))
    assert called_off(now) == {begun: "is cancelled"}


def test_an_exdate_and_a_cancelled_version_call_off_one_lesson_of_a_series(office):
    first, second, third = ids(office, lesson("20260302T080000", SERIES))
    by_exdate = office.read(lesson("20260302T080000", SERIES, "EXDATE;TZID=Europe/Berlin:20260303T080000"))
    assert list(called_off(by_exdate)) == [second]
    version = lesson("20260304T080000", "STATUS:CANCELLED", "RECURRENCE-ID;TZID=Europe/Berlin:20260304T080000")
    assert list(called_off(office.read(lesson("20260302T080000", SERIES), version))) == [third]
    assert first not in called_off(by_exdate)


def test_a_holiday_calls_off_and_what_is_no_lesson_is_not_called_off(office):
    (begun,) = ids(office, lesson("20260302T080000"))
    free = lesson("20260302T000000", minutes=1439, uid="free", summary="Snow")
    assert list(called_off(office.read(lesson("20260302T080000"), holidays=(free,)))) == [begun]
    assert called_off(office.read(lesson("20260302T080000", minutes=13 * 60))) == {}


def test_a_lesson_that_another_file_still_has_is_not_called_off(office):
    cancelled = lesson("20260302T080000", "STATUS:CANCELLED", location="Room 7")
    held = lesson("20260302T080000", location="Room 7 (24)", summary="Art")
    assert called_off(office.read(cancelled, held)) == {}


def test_a_moved_event_is_another_lesson_of_the_same_event(office):
    (before,) = office.lessons(office.read(lesson("20260302T080000")))
    (after,) = office.lessons(office.read(lesson("20260302T100000")))
    (other,) = office.lessons(office.read(lesson("20260302T100000", uid="u2")))
    assert before.lesson_id != after.lesson_id
    assert before.event_id == after.event_id != other.event_id
