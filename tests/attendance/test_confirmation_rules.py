"""A lesson that the office confirms gets the rule's verdict for each student who could be seen."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from edge_daemon.attendance.confirmation import confirm, question
from edge_daemon.errors import RegisterError
from edge_daemon.types import AppliedRule, Confirmation, Correction, Register, RegisterFlag
from tests.registers import START, a_lesson, a_register

RULE = AppliedRule(0.4, 35.0, 0.5, 0.25, "0.1.0", {})
HELD = Confirmation(held=True, by="office", at=START)


def _undecided(attentive: int, taken: int = 20, *, verdict: str = "inconclusive", flags=(), **more) -> Register:
    register, _ = a_register(a_lesson(), {"a": 1.0})
    (one,) = register.verdicts
    tally = replace(one.tally, captures_attentive=attentive)
    one = replace(one, tally=tally, verdict=verdict, flags=flags)
    return replace(register, verdicts=(one,), captures_taken=taken, **{"rule": RULE, **more})


def _verdict(register: Register, confirmation: Confirmation = HELD) -> str:
    return confirm(register, confirmation).verdicts[0].verdict


@pytest.mark.parametrize(("attentive", "verdict"), [(20, "present"), (8, "present"), (7, "absent"), (0, "absent")])
def test_of_a_lesson_that_was_held_the_share_decides(attentive, verdict):
    assert _verdict(_undecided(attentive)) == verdict


@pytest.mark.parametrize(("attentive", "verdict"), [(4, "present"), (3, "absent")])
def test_the_share_is_of_the_captures_that_were_taken(attentive, verdict):
    assert _verdict(_undecided(attentive, taken=10)) == verdict


@pytest.mark.parametrize("flag", ["clock", "few_captures"])
def test_a_student_whom_the_device_could_not_judge_stays_undecided(flag):
    assert _verdict(_undecided(20, flags=(flag,))) == "inconclusive"
    assert _verdict(_undecided(20, flags=("borderline",))) == "present"


@pytest.mark.parametrize("change", [{"rule": None}, {"taken": 0}, {"register_flags": ("too_dark",)}])
def test_without_rule_captures_or_sight_nothing_is_decided(change):
    assert _verdict(_undecided(0 if "taken" in change else 20, **change)) == "inconclusive"


def test_the_last_correction_of_a_person_decides():
    corrections = [Correction("a", verdict, "T", "r", START) for verdict in ("present", "absent")]
    of_somebody_else = Correction("b", "present", "T", "r", START)
    assert _verdict(_undecided(20, corrections=(*corrections, of_somebody_else))) == "absent"


@pytest.mark.parametrize("verdict", ["present", "absent", "not_assessed"])
def test_decided_verdicts_stay_when_the_lesson_was_held(verdict):
    assert _verdict(_undecided(20, verdict=verdict)) == verdict


@pytest.mark.parametrize(
    ("before", "after"),
    [("absent", "inconclusive"), *((same, same) for same in ("present", "not_assessed", "inconclusive"))],
)
def test_nobody_is_absent_from_a_lesson_that_was_not_held(before, after):
    assert _verdict(_undecided(0, verdict=before), replace(HELD, held=False)) == after


def test_the_same_word_again_is_no_revision_and_another_one_is():
    once = confirm(_undecided(20), replace(HELD, by=" office "))
    assert (once.revision, once.confirmed) == (2, HELD)
    assert confirm(once, replace(HELD, at=once.lesson.end)) is once
    assert confirm(once, replace(HELD, by="head")).revision == 3
    assert confirm(once, replace(HELD, held=False)).confirmed == replace(HELD, held=False)


def test_a_confirmation_needs_the_name_of_a_person():
    with pytest.raises(RegisterError) as error:
        confirm(_undecided(20), replace(HELD, by=" "))
    assert error.value.line().startswith("--by NAME: who confirms is missing; ")


def test_nobody_is_absent_from_a_lesson_that_the_timetable_no_longer_has():
    register, _ = a_register(a_lesson(), {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0}, not_assessed=["d"])
    before = {v.tally.student_id: v.verdict for v in register.verdicts}
    assert before == {"a": "present", "b": "absent", "c": "absent", "d": "not_assessed"}
    by_hand = tuple(replace(v, flags=("corrected",)) if v.tally.student_id == "c" else v for v in register.verdicts)
    asked = question(replace(register, verdicts=by_hand))
    after = {v.tally.student_id: v.verdict for v in asked.verdicts}
    assert after == {"a": "present", "b": "inconclusive", "c": "absent", "d": "not_assessed"}
    assert (asked.revision, asked.confirmed) == (2, None)
    assert [v.tally for v in asked.verdicts] == [v.tally for v in register.verdicts]


def test_the_office_is_asked_once_and_the_flag_stands_in_its_place_among_the_others():
    asked = question(_undecided(0, verdict="absent", register_flags=("covered", "room_empty")))
    assert set(asked.register_flags) == {"room_empty", "not_in_timetable", "covered"}
    assert list(asked.register_flags) == [flag for flag in get_args(RegisterFlag) if flag in asked.register_flags]
    assert question(asked) is asked


@pytest.mark.parametrize("held", [True, False])
def test_of_a_lesson_that_the_office_has_confirmed_nothing_is_asked(held):
    confirmed = confirm(_undecided(0, verdict="absent"), replace(HELD, held=held))
    assert question(confirmed) is confirmed
