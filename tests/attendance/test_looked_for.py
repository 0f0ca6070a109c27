"""A student for whom the device did not look has no count, whatever a person decides later."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from edge_daemon.app.notices.office_mail import lesson_values
from edge_daemon.app.notices.personal_mail import notice_values, record_values
from edge_daemon.app.notices.wording import Words
from edge_daemon.app.registers.stored_registers import Evidence
from edge_daemon.attendance.register import correct
from edge_daemon.attendance.remarks import remark
from edge_daemon.attendance.rule import distance_to_rule, was_looked_for
from edge_daemon.attendance.sheets import arrange, entries_of
from edge_daemon.cli.register_text import show_register
from edge_daemon.config import MailConfig
from edge_daemon.delivery.mail_templates import Templates
from tests.registers import a_lesson, a_register

ZONE = ZoneInfo("UTC")


def corrected(verdict="absent"):
    """Return a register on which a person decided about n, who has no consent, and about a, who has."""
    register, _ = a_register(a_lesson(), {"a": 0.0, "n": 0.0}, not_assessed=["n"])
    for student_id in "an":
        register = correct(register, student_id, verdict, by="T", reason="not_there", at=register.lesson.end)
    return register


def verdict_of(register, student_id):
    return next(v for v in register.verdicts if v.tally.student_id == student_id)


def test_a_correction_does_not_make_the_device_have_looked():
    register = corrected()
    assert was_looked_for(register, verdict_of(register, "a"))
    assert not was_looked_for(register, verdict_of(register, "n"))
    assert distance_to_rule(register, verdict_of(register, "a")) == -8
    assert distance_to_rule(register, verdict_of(register, "n")) is None


def test_a_register_of_a_release_without_captures_goes_by_the_verdict():
    register = replace(corrected(), rule=None, verdicts=tuple(replace(v, captures=None) for v in corrected().verdicts))
    assert was_looked_for(register, verdict_of(register, "a"))
    assert not was_looked_for(register, replace(verdict_of(register, "n"), verdict="not_assessed"))


def test_a_student_who_was_seen_was_looked_for_even_where_no_captures_are_stored():
    register, _ = a_register(a_lesson(), {"a": 0.5, "b": 0.0})
    seen, unseen = (replace(verdict_of(register, one), captures=None) for one in "ab")
    assert register.rule is not None
    assert was_looked_for(register, seen)
    assert not was_looked_for(register, unseen)
    assert was_looked_for(replace(register, rule=None), replace(seen, verdict="not_assessed"))


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "not looked for: no photograph"), ("de", "nicht gesucht: kein")]
)
def test_a_message_counts_no_pictures_of_a_student_who_was_not_looked_for(language, expected):
    register, templates = corrected(), Templates(language, None)
    words = Words(templates.words, ZONE)
    text = templates.template("student").fill(notice_values(register, "n", "Nan", words)).text
    assert expected in " ".join(text.split())
    assert "0 of 20" not in text
    assert "0 von 20" not in text
    sheet = next(arrange([register], {}, ZONE, "week"))
    values = record_values([register], sheet, "n", "Nan", words, is_own=True)
    record = templates.template("student-week").fill(values).text
    assert expected in " ".join(record.split())
    assert "20" not in record.partition("7b")[2]


def test_mail_to_the_office_says_why_there_is_no_count():
    values = lesson_values(corrected(), {}, Words(Templates("en", None).words, ZONE), MailConfig())
    notes = {row.main: row.note for row in values["absent"].rows}
    assert notes["n"] == "decided by a person; no photograph or no consent"
    assert notes["a"] == "decided by a person; facing the class in 0 of 20 pictures; 8 short of the rule"


def test_a_mark_on_a_sheet_says_that_the_student_was_not_looked_for():
    entries = entries_of(corrected())
    assert remark(entries["n"]).splitlines()[1:] == ["the device did not look for this student"]
    assert remark(entries["a"]).splitlines()[1] == "facing the class in 0 pictures (0%)"
    assert entries["n"].distance is None


def test_register_show_draws_no_captures_of_a_student_who_was_not_looked_for():
    evidence = Evidence(((0, "x"),), (), {}, {}, None)
    rows = [line.split() for line in "\n".join(show_register(corrected(), evidence, {}, ZONE)).splitlines()]
    assert ["n", "not", "looked", "for"] in rows
    row = next(one for one in rows if one[:2] == ["n", "absent"])
    assert row[2:6] == ["-", "-", "-", "-"]
