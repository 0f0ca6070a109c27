"""`edge-daemon timetable` from end to end, at the computer's own time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tests.cli.running import CommandResult, run
from tests.lesson.calendar_files import calendar, event, lesson

ZONE = ZoneInfo("Europe/Berlin")
SETTINGS = '[device]\nname = "box"\ntime_zone = "Europe/Berlin"\n[timetable]\nfiles = ["t.ics"]\nroom = "Room 7"\n'


class Box:
    """A home with a timetable around the present time."""

    def __init__(self, home) -> None:
        self.home = home
        self.settings()
        # Noon of tomorrow, so that neither midnight nor a clock change comes between.
        self.noon = datetime.now(ZONE).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)

    def settings(self, more: str = "") -> None:
        (self.home / "config.toml").write_text(SETTINGS + more, encoding="utf-8")

    def put(self, *parts: str, name: str = "t.ics") -> None:
        (self.home / name).write_bytes(calendar(*parts))

    def at(self, *, hours: float = 0, days: int = 0) -> str:
        return f"{self.noon + timedelta(hours=hours, days=days):%Y%m%dT%H%M%S}"

    def run(self, *arguments: str) -> CommandResult:
        return run(self.home, "timetable", *arguments)

    def json(self, *arguments: str) -> dict[str, object]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def box(tmp_path) -> Box:
    return Box(tmp_path)


def test_the_coming_lessons_are_shown_in_local_time_with_their_captures(box):
    box.put(lesson(box.at(), "X-COURSE-ID:M-1"), lesson(box.at(hours=2), uid="u2", minutes=5))
    result = box.run("show")
    assert result.exit_code == 0
    head, first, second = result.stdout.splitlines()
    assert head.split() == ["day", "time", "course", "captures", "lesson"]
    assert first.split()[:5] == [f"{box.noon:%a}", f"{box.noon:%Y-%m-%d}", "12:00-12:45", "M-1", "100"]
    assert second.split()[2:5] == ["14:00-14:05", "Maths", "60"]


def test_show_gives_the_same_as_json(box):
    box.put(lesson(box.at()), event(f"DTSTART;TZID=Europe/Berlin:{box.at(hours=3)}", uid="u2", summary="Art"))
    document = box.json("show")
    assert document["room"] == "Room 7"
    assert document["time_zone"] == "Europe/Berlin"
    (one,) = document["lessons"]
    assert one["start"] == box.noon.isoformat()
    assert one["end"] == (box.noon + timedelta(minutes=45)).isoformat()
    assert (one["course"], one["captures_planned"]) == ("Maths", 100)
    assert len(one["lesson_id"]) == 36
    (skipped,) = document["skipped"]
    assert skipped["why"] == "takes 0 s"
    assert skipped["start"] == (box.noon + timedelta(hours=3)).isoformat()
    assert "skipped:" in box.run("show").stdout


def test_show_looks_as_far_ahead_as_asked_for(box):
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    box.put(event(f"DTSTART:{soon:%Y%m%dT%H%M%SZ}", "DURATION:PT45M", "RRULE:FREQ=DAILY"))
    assert len(box.json("show")["lessons"]) == 7
    assert len(box.json("show", "--days", "30")["lessons"]) == 30
    assert box.run("show", "--days", "0").exit_code == 2


def test_the_lesson_that_runs_now_is_among_those_shown(box):
    running = datetime.now(timezone.utc) - timedelta(minutes=10)
    over = running - timedelta(hours=2)
    box.put(
        event(f"DTSTART:{running:%Y%m%dT%H%M%SZ}", "DURATION:PT1H"),
        event(f"DTSTART:{over:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", uid="u2"),
    )
    assert len(box.json("show")["lessons"]) == 1


def test_without_lessons_show_says_where_to_look(box):
    box.put()
    assert "no lessons within 7 days" in box.run("show").stdout


def test_check_names_what_is_left_out_and_skipped_and_ends_well(box):
    box.put(
        lesson(box.at(), "RRULE:FREQ=DAILY;COUNT=3"),
        lesson(box.at(), "RRULE:FREQ=SECONDLY", uid="u2", summary="Bell"),
        event(f"DTSTART;VALUE=DATE:{box.at()[:8]}", "RRULE:FREQ=DAILY;COUNT=4", uid="u3", summary="Trip"),
    )
    result = box.run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("3 lessons within a year, in Room 7\n")
    assert f"{box.home / 't.ics'}, line 18: Bell: repeats every second" in result.stdout
    assert "is an all-day event, and 3 times more" in result.stdout
    document = box.json("check")
    assert document["lessons_in_a_year"] == 3
    assert document["left_out"][0]["why"] == "repeats every second"
    assert document["skipped_in_a_year"][0]["times"] == 4
    assert document["errors"] == document["remarks"] == []


def test_check_of_a_broken_file_is_one_line_and_ends_with_2(box):
    (box.home / "t.ics").write_bytes(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n")
    for command in ("check", "show"):
        result = box.run(command)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert f"{box.home / 't.ics'}, line 2: the file is truncated" in result.stderr


def test_check_names_every_broken_file(box):
    box.settings('holidays = ["h.ics"]\n')
    (box.home / "t.ics").write_bytes(b"")
    (box.home / "h.ics").write_bytes(b"nothing\n")
    result = box.run("check")
    assert result.exit_code == 2
    assert [line.count(".ics") for line in result.stderr.splitlines()] == [1, 2]
    as_json = box.run("check", "--json")
    assert as_json.exit_code == 2
    assert len(json.loads(as_json.stdout)["errors"]) == 2


def test_holidays_cancel_and_check_says_so(box):
    box.settings('holidays = ["h.ics"]\n')
    box.put(lesson(box.at()))
    box.put(event(f"DTSTART;VALUE=DATE:{box.at()[:8]}", summary="May Day"), name="h.ics")
    assert "0 lessons within a year" in box.run("check").stdout
    assert "falls on May Day" in box.run("check").stdout


def test_a_room_that_no_event_is_in_is_named_with_the_rooms_there_are(box):
    box.put(lesson(box.at(), location="Hall"), lesson(box.at(), location="Lab", uid="u2"))
    result = box.run("check")
    assert result.exit_code == 1
    assert "no event is in 'Room 7'; there are 'Hall', 'Lab'" in result.stderr
    assert result.stdout == "0 lessons within a year, in Room 7\n"


@pytest.mark.parametrize(
    "parts",
    [
        ("RRULE:FREQ=SECONDLY",),
        ("DTSTART;TZID=Nowhere:20300101T080000",),
        ("DTSTART;VALUE=DATE:20300101",),
        ("DTSTART:20300101T080000",),
        ("DTSTART:20300101T080000", "DURATION:PT20H"),
    ],
)
def test_a_calendar_of_which_nothing_can_be_used_ends_with_1_and_contradicts_nothing(box, parts):
    start = () if parts[0].startswith("DTSTART") else (f"DTSTART:{box.at()}", "DURATION:PT45M")
    box.put(event(*start, *parts), lesson(box.at(), location="Hall", uid="u2"))
    result = box.run("check")
    assert result.exit_code == 1
    assert result.stderr == f"edge-daemon: {box.home / 't.ics'}: nothing in it can be used, of 1 events\n"
    assert result.stdout.startswith("0 lessons within a year")
    assert "no event is in" not in result.stdout + result.stderr
    assert "please look at" not in result.stdout
    as_json = box.run("check", "--json")
    assert as_json.exit_code == 1
    assert [one["why"] for one in json.loads(as_json.stdout)["unusable"]] == ["nothing in it can be used, of 1 events"]


def test_holidays_of_which_nothing_can_be_used_end_with_1_though_there_are_lessons(box):
    box.settings('holidays = ["h.ics"]\n')
    box.put(lesson(box.at()))
    box.put(event("DTSTART:soon"), name="h.ics")
    result = box.run("check")
    assert result.exit_code == 1
    assert result.stdout.startswith("1 lesson within a year")
    assert result.stderr == f"edge-daemon: {box.home / 'h.ics'}: nothing in it can be used, of 1 events\n"


def test_one_usable_event_or_one_that_is_called_off_is_enough(box):
    box.put(lesson(box.at(), "RRULE:FREQ=SECONDLY"), lesson(box.at(), uid="u2"))
    assert box.run("check").exit_code == 0
    box.put(lesson(box.at(), summary="Entfall: Maths"))
    result = box.run("check")
    assert result.exit_code == 0
    assert "Entfall: Maths, " in result.stdout
    assert "is cancelled: its summary begins with 'Entfall'" in result.stdout


def test_an_empty_calendar_is_named_and_so_is_one_whose_lessons_are_past(box):
    box.put()
    result = box.run("check")
    assert result.exit_code == 1, "without an event no lesson will ever be held"
    assert f"{box.home / 'config.toml'}: timetable.files: the files have no event" in result.stdout
    box.put(lesson(box.at(days=-8)))
    result = box.run("check")
    assert result.exit_code == 0
    assert f"no lesson is to come; the last one was on {box.at(days=-8)[:4]}-" in result.stdout
    box.put(lesson("20100301T080000"))
    assert "no lesson is to come; none was within a year" in box.run("check").stdout


def test_the_settings_of_words_and_rooms_are_followed(box):
    box.put(
        lesson(box.at(), location="Lab/Hall", summary="Peruttu: Art"),
        lesson(box.at(hours=2), "TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:FREE", location="Lab", uid="u2"),
        lesson(box.at(hours=4), location="Raum 7", uid="u3"),
    )
    settings = SETTINGS.replace('"Room 7"', '["7", "Lab"]')
    (box.home / "config.toml").write_text(settings, encoding="utf-8")
    document = box.json("show")
    assert (document["room"], document["rooms"], len(document["lessons"])) == ("7 or Lab", ["7", "Lab"], 3)
    (box.home / "config.toml").write_text(
        settings + 'cancelled_words = ["Peruttu"]\nfree_is_cancelled = true\n', "utf-8"
    )
    document = box.json("show")
    assert [one["start"][11:16] for one in document["lessons"]] == ["16:00"]
    assert len(document["skipped"]) == 2


def test_of_many_events_with_the_same_fault_some_are_shown_and_json_has_all(box):
    box.put(*(lesson(box.at(days=n), "RRULE:FREQ=SECONDLY", uid=f"u{n}") for n in range(20)), lesson(box.at(), uid="x"))
    lines = [line for line in box.run("check").stdout.splitlines() if "repeats every second" in line]
    assert len(lines) == 5
    assert lines[-1].endswith("and 15 more; --json has all")
    assert len(box.json("check")["left_out"]) == 20


def test_no_files_at_all_are_remarked(tmp_path):
    result = run(tmp_path, "timetable", "check")
    assert result.exit_code == 1
    assert "timetable.files: names no file" in result.stdout


def test_names_in_a_calendar_can_not_paint_the_terminal(box):
    box.put(
        lesson(box.at(), "RRULE:FREQ=SECONDLY", summary="A\x1b[2Jb"), lesson(box.at(), uid="u2", summary="c\x1b[2Jd")
    )
    for command in ("check", "show"):
        assert "\x1b" not in box.run(command).stdout


def test_the_offices_calendar_is_named_until_it_has_come_and_then_read(box):
    text = (box.home / "config.toml").read_text(encoding="utf-8")
    (box.home / "config.toml").write_text(text.replace('["t.ics"]', '["t.ics", "upstream"]'), encoding="utf-8")
    box.put(lesson(box.at()))
    assert "no calendar has come from the office yet" in box.run("check").stdout
    assert len(box.json("show")["lessons"]) == 1
    (box.home / "pulled").mkdir()
    box.put(lesson(box.at(hours=2), uid="u2"), name="pulled/timetable.ics")
    assert "no calendar has come" not in box.run("check").stdout
    assert len(box.json("show")["lessons"]) == 2


def test_check_names_a_lesson_that_begins_later_because_another_has_the_room(box):
    box.put(
        lesson(box.at(), minutes=60, uid="long", summary="Maths"),
        lesson(box.at(hours=0.75), minutes=60, uid="cut", summary="Art"),
    )
    result = box.run("check")
    assert result.exit_code == 0
    day = f"{box.noon:%Y-%m-%d}"
    expected = f"Art, {day} 12:45: begins at 13:00 only: Maths of "
    assert "begin later within a year:" in result.stdout
    assert expected in result.stdout
    assert "has the room until then" in result.stdout
    (cut,) = box.json("check")["cut_in_a_year"]
    assert (cut["what"], cut["times"]) == (f"Art, {day} 12:45", 1)
    box.put(lesson(box.at(), minutes=45), lesson(box.at(hours=0.75), minutes=60, uid="after", summary="Art"))
    assert "begin later" not in box.run("check").stdout
