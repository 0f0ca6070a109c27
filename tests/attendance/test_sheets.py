from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from edge_daemon.attendance.register import correct
from edge_daemon.attendance.remarks import remark
from edge_daemon.attendance.sheets import Column, Sheet, SheetEntry, arrange, entries_of, rule_in_words
from edge_daemon.types import AppliedRule
from tests.registers import START, a_lesson, a_register

BERLIN, AUCKLAND = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")


def register_at(start, shares=None, course="7b"):
    return a_register(a_lesson(start, course), {"a": 1.0, "b": 0.0} if shares is None else shares, captures=20)[0]


def test_a_week_begins_on_monday_in_the_schools_time_zone():
    sunday_evening = datetime(2026, 11, 22, 22, 30, tzinfo=timezone.utc)  # Monday 11:30 in Auckland
    registers = [register_at(sunday_evening), register_at(START)]
    assert [sheet.name for sheet in arrange(registers, {}, BERLIN, "week")] == ["2026-W47"]
    assert [sheet.name for sheet in arrange(registers, {}, AUCKLAND, "week")] == ["2026-W47", "2026-W48"]
    sheet = next(arrange(registers, {}, BERLIN, "week"))
    assert (sheet.first_day.date().isoformat(), sheet.last_day.date().isoformat()) == ("2026-11-16", "2026-11-22")
    assert [f"{c.start:%a %H:%M}" for c in sheet.columns] == ["Mon 08:00", "Sun 23:30"]


def test_the_week_of_new_year_is_one_week():
    days = [datetime(2026, 12, 31, 8, tzinfo=timezone.utc), datetime(2027, 1, 1, 8, tzinfo=timezone.utc)]
    assert [s.name for s in arrange([register_at(day) for day in days], {}, BERLIN, "week")] == ["2026-W53"]
    assert [s.name for s in arrange([register_at(day) for day in days], {}, BERLIN, "month")] == ["2026-12", "2027-01"]


def test_a_month_spans_its_days_also_across_a_change_of_the_clock():
    (sheet,) = arrange([register_at(datetime(2026, 10, 26, 8, tzinfo=timezone.utc))], {}, BERLIN, "month")
    assert (sheet.first_day.day, sheet.last_day.day, sheet.last_day.month) == (1, 31, 10)


def test_students_stand_in_the_rosters_order_and_others_follow():
    registers = [register_at(START, {"a": 1.0, "b": 1.0, "z": 1.0, "gone": 1.0})]
    (sheet,) = arrange(registers, {"z": "Zoë", "b": "Bo", "a": "Al", "elsewhere": "Eve"}, BERLIN, "week")
    assert [(row.student_id, row.name) for row in sheet.rows] == [("z", "Zoë"), ("b", "Bo"), ("a", "Al"), ("gone", "")]


def test_a_student_who_is_not_in_a_course_has_no_mark_there():
    later = START + timedelta(hours=2)
    registers = [register_at(START, {"a": 1.0}), register_at(later, {"a": 0.0, "b": 1.0}, "chess")]
    (sheet,) = arrange(registers, {}, BERLIN, "week")
    marks = {row.student_id: [entry and entry.mark for entry in row.entries] for row in sheet.rows}
    assert marks == {"a": ["P", "A"], "b": [None, "P"]}


def test_no_register_gives_no_sheet():
    assert list(arrange([], {}, BERLIN, "week")) == []


def test_a_remark_says_why_to_look_again_and_is_silent_without_doubt():
    register, _ = a_register(a_lesson(), {"a": 1.0, "b": 0.4, "c": 0.0, "d": 0.4}, not_assessed=["d"])
    entries = entries_of(register)
    assert [remark(entries[student_id]) for student_id in "acd"] == ["", "", ""]
    assert remark(entries["b"]) == (
        "close to the limit: chance may have decided\nfacing the class in 8 pictures (40%)"
        "\n0 over the rule (8 of 20 pictures)"
    )
    unsaid = entries_of(replace(register, rule=None))["b"]
    assert remark(unsaid) == "close to the limit: chance may have decided\nfacing the class in 8 pictures (40%)"
    twice = correct(register, "c", "absent", by="X", reason="first", at=START)
    twice = correct(twice, "c", "present", by="Ms Ünal", reason="behind a pillar", at=START)
    assert remark(entries_of(twice)["c"]).startswith("Corrected by Ms Ünal, 2026-11-16: behind a pillar\n")


def test_each_verdict_has_its_mark_and_a_doubted_one_is_counted_as_to_be_confirmed():
    register, _ = a_register(a_lesson(), {"a": 1.0})
    (entry,) = entries_of(register).values()

    def marked(verdict: str, *flags: str) -> tuple[str, str]:
        one = replace(entry, verdict=replace(entry.verdict, verdict=verdict, flags=flags))
        return one.mark, one.counted

    found = [marked(verdict) for verdict in ("present", "absent", "inconclusive", "not_assessed")]
    assert found == [("P", "P"), ("A", "A"), ("?", "?"), ("–", "–")]
    assert marked("absent", "look_alike") == ("A?", "?")
    assert marked("absent", "look_alike", "corrected") == ("A", "A")


def test_sheets_lessons_and_marks_have_empty_defaults():
    register = register_at(START)
    week, entry = next(arrange([register], {}, BERLIN, "week")), entries_of(register)["a"]
    lesson = register.lesson
    column = Column(lesson, lesson.start, lesson.end, 20, 20)
    assert (column.note, column.rules) == ("", ())
    plain = SheetEntry(entry.verdict, None)
    assert (plain.captures_taken, plain.distance, plain.needed, plain.looked_for) == (0, None, None, True)
    sheet = Sheet(week.name, week.first_day, week.last_day, week.device, week.columns, week.rows)
    assert (sheet.part, sheet.counts_rehearsals) == ("", False)
    assert sheet == week


def test_a_rule_in_words_has_its_shares_in_percent_and_names_each_network_once():
    models = {"embedder": "embedder-int8", "detector_full": "blazeface", "detector_short": "blazeface"}
    rule = AppliedRule(0.45, 35.5, 0.25, 0.1, "0.2.0", models)
    words = (
        "present from 45 % of the pictures on, head turned 35.5° from the front at most, 25 % of the planned pictures"
        " at least; program 0.2.0"
    )
    assert rule_in_words(rule) == f"{words}, networks blazeface, embedder-int8"
    assert rule_in_words(replace(rule, models={})) == words


def test_a_school_has_sheets_for_each_room_by_its_name():
    first = register_at(START)
    second = replace(first, lesson=replace(first.lesson, device="aula", lesson_id="another"))
    found = [(sheet.part, sheet.device) for sheet in arrange([first, second], {}, BERLIN, "week", split="room")]
    assert found == [("aula", "aula"), ("room 204", "room 204")]
    assert [sheet.device for sheet in arrange([first, second], {}, BERLIN, "week")] == ["aula, room 204"]
