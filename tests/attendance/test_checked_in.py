"""A check-in at the door: its time is in the register, and it turns an absence into a question, nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.attendance.checked_in import checked_in_unseen, with_check_ins
from edge_daemon.attendance.confirmation import confirm
from edge_daemon.attendance.document import from_json, sign
from edge_daemon.attendance.late_check_ins import late_check_ins
from edge_daemon.attendance.register import correct
from edge_daemon.attendance.rule import LessonSummary, decide
from edge_daemon.types import Confirmation, Tally
from tests.registers import RULE, SIGNER, START, a_lesson, a_register

AT = START + timedelta(minutes=2)


def verdicts(register):
    return {one.tally.student_id: (one.verdict, one.checked_in_at) for one in register.verdicts}


def test_a_student_who_checked_in_and_was_in_no_capture_is_inconclusive_and_the_rule_decides_the_others():
    taken_at = tuple(START + timedelta(minutes=i) for i in range(10))
    lesson = LessonSummary(START, START + timedelta(minutes=45), taken_at, 10, time_trusted=True)
    counts = {"gone": 0, "seldom": 2, "there": 9, "away": 0}
    tallies = [Tally(i, n, n, taken_at[0] if n else None, taken_at[n - 1] if n else None) for i, n in counts.items()]
    check_ins = {"gone": AT, "seldom": AT, "there": AT}
    unseen = checked_in_unseen(tallies, check_ins)
    decided = with_check_ins(decide(tallies, RULE, lesson, not_seeable=unseen), check_ins)
    assert {one.tally.student_id: (one.verdict, one.checked_in_at) for one in decided} == {
        "gone": ("inconclusive", AT),
        "seldom": ("absent", AT),
        "there": ("present", AT),
        "away": ("absent", None),
    }


def test_a_check_in_after_the_register_is_its_next_revision_once():
    register, _ = a_register(a_lesson(), {"S1": 0.0, "S2": 0.2, "S3": 0.9, "S4": 0.0, "S5": 0.0})
    register = correct(register, "S5", "absent", by="Ann", reason="away", at=START + timedelta(hours=1))
    late = START + timedelta(days=1)
    check_ins = [("S1", AT + timedelta(minutes=5)), ("S1", AT), ("S2", AT), ("S3", AT), ("S4", late), ("S5", AT)]
    revised = late_check_ins(register, check_ins)
    assert revised.revision == register.revision + 1
    assert verdicts(revised) == {
        "S1": ("inconclusive", AT),
        "S2": ("absent", AT),
        "S3": ("present", AT),
        "S4": ("absent", None),
        "S5": ("absent", AT),  # a person decided
    }
    assert late_check_ins(revised, check_ins) is revised
    assert verdicts(from_json(sign(revised, None, SIGNER)).register) == verdicts(revised)


@pytest.mark.parametrize(
    ("minutes", "belongs"), [(-15 - 1 / 60, False), (-15, True), (0, True), (45, True), (45 + 1 / 60, False)]
)
def test_a_check_in_belongs_to_a_lesson_from_a_quarter_of_an_hour_before_to_its_end(minutes, belongs):
    register, _ = a_register(a_lesson(), {"S1": 0.0})
    at = START + timedelta(minutes=minutes)
    assert verdicts(late_check_ins(register, [("S1", at)])) == {
        "S1": ("inconclusive", at) if belongs else ("absent", None)
    }


def test_the_first_of_several_check_ins_counts_in_any_order_and_one_that_is_known_changes_nothing():
    register, _ = a_register(a_lesson(), {"S1": 0.0})
    later = AT + timedelta(minutes=1)
    for check_ins in ([("S1", AT), ("S1", later)], [("S1", later), ("S1", AT)]):
        assert verdicts(late_check_ins(register, check_ins)) == {"S1": ("inconclusive", AT)}
    known = replace(register, verdicts=tuple(replace(one, checked_in_at=AT) for one in register.verdicts))
    assert late_check_ins(known, [("S1", AT)]) is known
    assert late_check_ins(known, [("S1", later)]) is known


def test_a_confirmation_of_the_office_decides_nothing_about_a_student_who_checked_in_and_was_not_found():
    register, _ = a_register(a_lesson(), {"S1": 0.0, "S2": 0.9})
    revised = late_check_ins(register, [("S1", AT)])
    confirmed = confirm(revised, Confirmation(held=True, by="Office", at=START + timedelta(days=1)))
    assert verdicts(confirmed) == {"S1": ("inconclusive", AT), "S2": ("present", None)}
