"""Our verdicts in Ed-Fi's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.attendance.edfi import attendance_event
from edge_daemon.attendance.register import correct
from edge_daemon.attendance.rule import LessonSummary, decide, rule_of
from edge_daemon.attendance.tally import tally
from edge_daemon.config import RuleConfig
from edge_daemon.types import Box, Sighting, Tally, Verdict
from tests.registers import START, a_lesson, a_register

END = START + timedelta(minutes=45)


@pytest.mark.parametrize(
    ("verdict", "flags", "event"),
    [
        ("present", (), "In Attendance"),
        ("present", ("borderline", "look_alike"), "In Attendance"),
        ("present", ("late",), "Tardy"),
        ("present", ("left_early",), "Early departure"),
        ("present", ("late", "left_early"), "Tardy"),
        ("present", ("late", "corrected"), "In Attendance"),
        ("present", ("left_early", "corrected"), "In Attendance"),
        ("absent", ("left_early", "corrected"), "Unexcused Absence"),
        ("present", ("corrected",), "In Attendance"),
        ("absent", (), "Unexcused Absence"),
        ("absent", ("late",), None),
        ("absent", ("borderline",), None),
        ("absent", ("borderline", "corrected"), "Unexcused Absence"),
        ("inconclusive", ("few_captures", "late"), None),
        ("not_assessed", (), None),
    ],
)
def test_each_verdict_has_its_word(verdict, flags, event):
    assert attendance_event(Verdict(Tally("s", 50, 50, START, END), 0.5, verdict, flags)) == event


def seen_from(minute: int, late_min: float) -> Verdict:
    """Return the verdict about somebody who is in every capture from a minute on; one capture a minute."""
    taken_at = {slot: START + timedelta(minutes=slot) for slot in range(45)}
    sightings = [Sighting(slot, "s", 0.6, True, Box(0, 0, 40, 40)) for slot in taken_at if slot >= minute]
    lesson = LessonSummary(START, END, tuple(taken_at.values()), 45, time_trusted=True)
    return decide(tally(["s"], sightings, taken_at), rule_of(RuleConfig(late_min=late_min)), lesson)[0]


@pytest.mark.parametrize(
    ("minute", "late_min", "event"),
    [
        (0, 10, "In Attendance"),
        (10, 10, "In Attendance"),
        (11, 10, "Tardy"),
        (11, 15, "In Attendance"),
        (6, 5, "Tardy"),
    ],
)
def test_a_student_who_is_first_seen_after_the_set_minutes_is_late(minute, late_min, event):
    assert attendance_event(seen_from(minute, late_min)) == event


def test_a_student_who_is_corrected_to_present_is_in_attendance_and_keeps_the_measured_flags():
    register, _ = a_register(a_lesson(), {"never-seen": 0.0, "late": 0.9, "left": 0.2})
    flags = {"never-seen": (), "late": ("late",), "left": ("left_early",)}
    register = replace(register, verdicts=tuple(replace(v, flags=flags[v.tally.student_id]) for v in register.verdicts))
    assert [attendance_event(v) for v in register.verdicts] == ["Tardy", None, "Unexcused Absence"]
    for student in flags:
        register = correct(register, student, "present", by="T", reason="was there", at=END)
    assert {attendance_event(v) for v in register.verdicts} == {"In Attendance"}
    assert {v.tally.student_id: v.flags for v in register.verdicts} == {s: (*f, "corrected") for s, f in flags.items()}
    register = correct(register, "left", "absent", by="T", reason="no", at=END)
    assert {attendance_event(v) for v in register.verdicts} == {"In Attendance", "Unexcused Absence"}
