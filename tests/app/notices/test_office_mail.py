"""What the office is told of a lesson."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from edge_daemon.app.notices.office_mail import lesson_values
from edge_daemon.app.notices.wording import Words
from edge_daemon.attendance.register import correct
from edge_daemon.config import MailConfig
from edge_daemon.delivery.mail_templates import Templates
from tests.registers import a_lesson, a_register


def test_who_came_late_is_named_until_a_person_says_present():
    register, _ = a_register(a_lesson(), {"a": 1.0, "b": 1.0})
    register = replace(register, verdicts=tuple(replace(v, flags=("late",)) for v in register.verdicts))
    register = correct(register, "b", "present", by="T", reason="sat at the back", at=register.lesson.end)
    values = lesson_values(register, {}, Words(Templates("en", None).words, ZoneInfo("UTC")), MailConfig())
    assert [row.main for row in values["remarks"].rows] == ["a"]
