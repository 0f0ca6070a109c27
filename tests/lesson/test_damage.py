"""One bad byte or line breaks its own event at most."""

from __future__ import annotations

import pytest

from edge_daemon.lesson.timetable import load_timetable
from tests.lesson.calendar_files import ROOM, calendar, event, lesson

BOTH = ["03-02 08:00", "03-03 08:00"]
TWO = (lesson("20260302T080000"), lesson("20260303T080000", uid="u2"))
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def read(office):
    def timetable_of(content: bytes, room: str = ROOM):
        path = office.folder / "t.ics"
        path.write_bytes(content)
        return load_timetable([path], room, "box 1", "Europe/Berlin")

    return timetable_of


def remarks(timetable) -> list[str]:
    return [f"{one.where.rsplit(', ')[-1]}: {one.why}" for one in timetable.remarks]


def test_a_byte_of_another_encoding_in_another_room_costs_nothing(office, read):
    other = lesson("20260304T080000", uid="u3", summary="Übung", location="Room 8")
    timetable = read(calendar(*TWO, other).decode().encode("latin-1"))
    assert office.starts(timetable) == BOTH
    assert remarks(timetable) == ["line 20: is not UTF-8 (byte 0xdc); read as Windows-1252"]


def test_a_file_of_another_encoding_is_read_with_a_word_and_its_room_is_found(office, read):
    content = calendar(*(one.replace("Room 7", "Großer Saal").replace("Maths", "Übung") for one in TWO))
    timetable = read(content.decode().encode("cp1252"), "großer saal")
    assert [one.course for one in office.lessons(timetable)] == ["Übung", "Übung"]
    assert remarks(timetable) == ["line 6: is not UTF-8 (byte 0xdc), and 3 lines more; read as Windows-1252"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"Warning: undefined index\r\n\r\n" + calendar(*TWO), "line 1: is outside of the calendar; ignored"),
        (calendar(*TWO) + b"<!-- 0.2 s -->\r\n", "line 19: is outside of the calendar; ignored"),
        (calendar(*TWO) + b"a\r\nEND:VEVENT\r\n", "line 19: is outside of the calendar, and 1 lines more; ignored"),
        (calendar(*TWO)[: -len("END:VCALENDAR\r\n")], "line 1: has no END:VCALENDAR; check that the file is complete"),
        (calendar(*TWO, "END:VCALEND"), ""),
        (BOM + BOM + calendar(*TWO), ""),
        (calendar(TWO[0]) + BOM + calendar(TWO[1]), ""),
        (calendar(*TWO).replace(b"\r\n", b"\r"), ""),
        (calendar(*TWO).replace(b"\r\n", b"\r\r\n"), ""),
        (calendar(*TWO).replace(b"\r\n", b"\r\n\r\n"), ""),
        (calendar(*TWO).replace(b"SUMMARY:Maths", b"SUMMARY:Maths\r2"), ""),
        (calendar(TWO[0])[: -len("END:VCALENDAR\r\n")] + calendar(TWO[1]), "line 1: has no END:VCALENDAR; check"),
    ],
)
def test_text_around_the_events_costs_no_event(office, read, content, line):
    timetable = read(content)
    assert office.starts(timetable) == BOTH
    assert len(timetable.remarks) == bool(line)
    assert not line or remarks(timetable)[0].startswith(line)
    assert timetable.left_out == ()


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        (TWO[0].replace("\r\nEND:VEVENT", ""), "has no END:VEVENT"),
        (TWO[0].replace("END:VEVENT", "BEGIN:VALARM\r\nACTION:NONE\r\nEND:VEVENT"), "its VALARM has no end"),
        (TWO[0].replace("END:VEVENT", "BEGIN:VALARM\r\n" * 9 + "END:VEVENT"), "its VALARM has no end"),
        (
            TWO[0].replace("END:VEVENT", "BEGIN:X-A\r\n" * 9 + "END:X-A\r\n" * 9 + "END:VEVENT"),
            "nests more than 8 deep",
        ),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_an_event_that_is_not_closed_is_left_out_and_the_next_is_read(office, read, damaged, why, is_first):
    timetable = read(calendar(*([damaged, TWO[1]] if is_first else [TWO[1], damaged])))
    assert office.starts(timetable) == ["03-03 08:00"]
    assert [one.why for one in timetable.left_out] == [why]


def test_an_event_without_its_begin_is_named(office, read):
    timetable = read(calendar(TWO[0], TWO[1].removeprefix("BEGIN:VEVENT\r\n")))
    assert office.starts(timetable) == ["03-02 08:00"]
    assert remarks(timetable) == ["line 16: ends a VEVENT that has no BEGIN:VEVENT; the lines before it are ignored"]


@pytest.mark.parametrize("text", ["Begin: at page 3", "END: page 3", "Begin:Homework", "END:VALARM", "END", "::;="])
def test_a_line_break_in_a_description_costs_nothing(office, read, text):
    broken = event(f"DESCRIPTION:Note\r\n{text}", *TWO[0].split("\r\n")[4:6])
    timetable = read(calendar(broken, TWO[1]))
    assert office.starts(timetable) == BOTH
    assert timetable.left_out == timetable.remarks == ()


def test_a_line_break_in_a_description_that_leaves_a_second_start_is_named(office, read):
    broken = TWO[0].replace("END:VEVENT", "DESCRIPTION:New date\r\nDTSTART:20260401T080000\r\nEND:VEVENT")
    timetable = read(calendar(broken))
    assert office.starts(timetable) == ["03-02 08:00"]
    assert remarks(timetable) == ["line 11: has more than one DTSTART; the first counts"]


def test_an_exception_that_can_not_be_read_costs_only_itself_and_is_named(office):
    timetable = office.read(lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:x,20260303T080000"))
    assert office.starts(timetable) == ["03-02 08:00", "03-04 08:00"]
    assert [one.why for one in timetable.remarks] == [
        "EXDATE can't be read: 'x,20260303T080000'; the lesson that it means is held"
    ]


def test_a_holiday_needs_no_uid_and_no_known_zone(office):
    first = event("DTSTART;VALUE=DATE:20260303", uid="", summary="One")
    same_day = event("DTSTART;VALUE=DATE:20260303", "DTEND;VALUE=DATE:20260305", uid="", summary="Two")
    foreign = event("DTSTART;TZID=Foo:20260306T000000", "DTEND;TZID=Foo:20260307T000000", uid="h3")
    daily = lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=6")
    timetable = office.read(daily, holidays=(first, same_day, foreign))
    assert office.starts(timetable) == ["03-02 08:00", "03-05 08:00", "03-07 08:00"]
    assert timetable.left_out == ()
    assert {one.why for one in timetable.remarks} == {
        "the time zone 'Foo' of its DTSTART is not known; read without",
        "the time zone 'Foo' of its DTEND is not known; read without",
    }


def test_many_broken_lines_are_gone_through_fast(office, read):
    """Nothing grows with the depth of what a made-up file nests."""
    deep = "\r\n".join(["BEGIN:VEVENT"] + ["BEGIN:X-A"] * 100_000 + ["END:VEVENT"])
    open_events = "\r\n".join(["BEGIN:VEVENT"] * 20_000)
    assert office.starts(read(calendar(deep, open_events, TWO[1]))) == ["03-03 08:00"]
