"""Lessons that are called off: by status, by a word of the office, by Outlook's mark."""

from __future__ import annotations

import pytest

from edge_daemon.lesson.cancellations import cancelled_by_word
from edge_daemon.lesson.timetable import load_timetable
from tests.lesson.calendar_files import ROOM, event, lesson

FREE = ("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:FREE")


@pytest.mark.parametrize("status", ["CANCELLED", "CANCELED", "cancelled", " Canceled "])
def test_a_status_with_one_l_or_two_is_cancelled(office, status):
    read = office.read(lesson("20260302T080000", f"STATUS:{status}"))
    assert office.starts(read) == []
    assert office.reasons(read) == ["is cancelled"]


@pytest.mark.parametrize(
    ("summary", "begins_with"),
    [
        ("Canceled: Maths", "Canceled"),
        ("CANCELLED Maths", "CANCELLED"),
        ("Abgesagt: Mathe", "Abgesagt"),
        ("[Entfall] Mathe", "Entfall"),
        ("*** entfällt ***", "entfällt"),
        ("entfa\u0308llt: Mathe", "entfällt"),
        ("Fällt  aus - Mathe", "Fällt aus"),
        ("Annulé : Maths", "Annulé"),
        ("Entfall", "Entfall"),
    ],
)
def test_a_summary_that_begins_with_a_word_is_cancelled_and_named(office, summary, begins_with):
    read = office.read(lesson("20260302T080000", summary=summary))
    assert office.starts(read) == []
    (why,) = office.reasons(read)
    assert why.startswith("is cancelled: its summary begins with ")


@pytest.mark.parametrize("summary", ["Entfaltung", "Maths (canceled)", "Canceledx", "Ausfallrechnung", ""])
def test_other_summaries_are_held(office, summary):
    assert office.starts(office.read(lesson("20260302T080000", summary=summary))) == ["03-02 08:00"]


def test_any_category_can_be_the_word(office):
    read = office.read(lesson("20260302T080000", "CATEGORIES:Maths,ENTFALL"))
    assert office.reasons(read) == ["is cancelled: its category is 'ENTFALL'"]
    assert office.starts(office.read(lesson("20260302T080000", "CATEGORIES:Entfall of rules"))) == ["03-02 08:00"]


def test_one_lesson_of_a_series_that_outlook_called_off_is_not_held(office):
    off = lesson("20260309T080000", "RECURRENCE-ID:20260309T070000Z", *FREE, summary="Canceled: Maths")
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=WEEKLY;COUNT=3"), off)
    assert office.starts(read) == ["03-02 08:00", "03-16 08:00"]
    assert read.remarks == ()


def test_the_words_are_the_offices(office):
    path = office.write(lesson("20260302T080000", summary="Peruttu: Maths"), lesson("20260303T080000", uid="u2"))

    def starts(*words: str) -> list[str]:
        return office.starts(load_timetable([path], ROOM, "box", "Europe/Berlin", cancelled_words=words))

    assert starts("peruttu") == ["03-03 08:00"]
    assert starts() == starts("", " ") == ["03-02 08:00", "03-03 08:00"]


def test_an_event_that_outlook_marks_as_free_is_held_by_the_setting_and_always_named(office):
    path = office.write(lesson("20260302T080000", *FREE))
    held = load_timetable([path], ROOM, "box", "Europe/Berlin")
    assert office.starts(held) == ["03-02 08:00"]
    assert [one.why for one in held.remarks] == ["is marked as free and is held; see timetable.free_is_cancelled"]
    off = load_timetable([path], ROOM, "box", "Europe/Berlin", free_is_cancelled=True)
    assert office.starts(off) == []
    assert office.reasons(off) == ["is cancelled: it is marked as free, timetable.free_is_cancelled"]


@pytest.mark.parametrize("lines", [FREE[:1], FREE[1:], ("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY")])
def test_half_of_outlooks_mark_is_none(office, lines):
    path = office.write(lesson("20260302T080000", *lines))
    read = load_timetable([path], ROOM, "box", "Europe/Berlin", free_is_cancelled=True)
    assert (office.starts(read), read.remarks) == (["03-02 08:00"], ())


def test_a_day_off_is_called_off_by_its_status_alone(office):
    """Entfall in a file of holidays means that lessons are off, not that the day off is."""
    word = event("DTSTART;VALUE=DATE:20260303", uid="h", summary="Ausfall: Hitzefrei")
    status = event("DTSTART;VALUE=DATE:20260304", "STATUS:CANCELED", uid="h2")
    read = office.read(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=3"), holidays=(word, status))
    assert office.starts(read) == ["03-02 08:00", "03-04 08:00"]
    assert [one.why for one in read.remarks] == [
        "is cancelled: its summary begins with 'Ausfall'; only STATUS:CANCELLED cancels a day off, so it stays one"
    ]


def test_a_word_may_hold_signs_and_the_reason_shows_the_summary_as_it_is():
    assert cancelled_by_word("(AUSGEFALLEN!) Sport", [], ["Ausgefallen!"]) == (
        "is cancelled: its summary begins with 'AUSGEFALLEN!'"
    )
    assert cancelled_by_word("", ["a"], []) == ""
