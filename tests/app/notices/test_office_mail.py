"""The content of the office's message about a lesson."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from edge_daemon.app.notices.office_mail import lesson_values
from edge_daemon.app.notices.wording import Words
from edge_daemon.attendance.register import correct
from edge_daemon.config import MailConfig
from edge_daemon.delivery.mail_templates import Templates
from edge_daemon.traits import MaskCounts
from tests.registers import a_lesson, a_register


def test_a_late_student_is_named_until_a_person_corrects_the_verdict_to_present():
    register, _ = a_register(a_lesson(), {"a": 1.0, "b": 1.0})
    register = replace(register, verdicts=tuple(replace(v, flags=("late",)) for v in register.verdicts))
    register = correct(register, "b", "present", by="T", reason="sat at the back", at=register.lesson.end)
    values = lesson_values(register, {}, Words(Templates("en", None).words, ZoneInfo("UTC")), MailConfig())
    assert [row.main for row in values["remarks"].rows] == ["a"]


@pytest.mark.parametrize(
    ("language", "marked", "clock"),
    [("en", "rehearsal", "none: a rehearsal"), ("de", "Probe", "keine: eine Probe")],
)
def test_a_rehearsal_is_marked_in_subject_and_body_and_has_no_clock(language, marked, clock):
    lesson = a_lesson(origin="rehearsal")
    register, _ = a_register(lesson, {"a": 1.0})
    register = replace(register, clock="unsynchronised", lesson=replace(lesson, end=lesson.start))
    templates = Templates(language, None)
    values = lesson_values(register, {}, Words(templates.words, ZoneInfo("UTC")), MailConfig())
    mail = templates.template("office").fill(values)
    assert f": {marked}, " in mail.subject
    assert clock in " ".join(mail.text.split())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Masks in the room 3 none, 20 right, 1 wrong, 2 undecided"),
        ("de", "Masken im Raum 3 ohne, 20 richtig, 1 falsch, 2 unklar"),
    ],
)
def test_mail_to_the_office_counts_masks_only_where_they_were_looked_for(language, words):
    register, _ = a_register(a_lesson(), {"a": 1.0})
    templates = Templates(language, None)
    texts = []
    for mask in (MaskCounts(none=3, right=20, wrong=1, undecided=2), None):
        values = lesson_values(replace(register, mask=mask), {}, Words(templates.words, ZoneInfo("UTC")), MailConfig())
        texts.append(" ".join(templates.template("office").fill(values).text.replace(":", "").split()))
    label = " ".join(words.split()[:3])
    assert words in texts[0]
    assert label not in texts[1]
