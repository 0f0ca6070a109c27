from __future__ import annotations

from datetime import timedelta

import pytest

from edge_daemon.attendance.register import MAX_TEXT, correct
from edge_daemon.errors import RegisterError
from edge_daemon.types import Correction
from tests.registers import START, a_lesson, a_register

REGISTER, _ = a_register(a_lesson(), {"a": 1.0, "b": 0.4, "c": 0.0}, visitors={"guest": 0.5})
AT = START + timedelta(hours=3)


def corrected(student_id="c", verdict="present", by="Ms Ünal", reason="sat behind a pillar", register=REGISTER):
    return correct(register, student_id, verdict, by=by, reason=reason, at=AT)


def test_a_correction_is_the_next_revision_and_changes_one_verdict():
    new = corrected()
    assert (REGISTER.revision, new.revision) == (1, 2)
    assert new.corrections == (Correction("c", "present", "Ms Ünal", "sat behind a pillar", AT),)
    assert new.verdicts[:2] == REGISTER.verdicts[:2]
    old, changed = REGISTER.verdicts[2], new.verdicts[2]
    assert (old.verdict, changed.verdict) == ("absent", "present")
    assert (changed.tally, changed.share) == (old.tally, old.share)
    assert changed.flags == (*old.flags, "corrected")


def test_a_correction_keeps_its_code_and_the_title_of_its_author():
    more = {"by": "Ms Ünal", "reason": "other", "at": AT, "reason_code": "other"}
    new = correct(REGISTER, "c", "present", **more, title="teacher")
    assert new.corrections == (Correction("c", "present", "Ms Ünal", "other", AT, "other", "teacher"),)
    assert correct(new, "c", "present", **more, title="teacher") is new
    assert correct(new, "c", "present", **more, title="head").revision == 3


def test_corrections_pile_up_and_the_flag_does_not():
    twice = corrected("b", "absent", register=corrected("b", "present"))
    assert twice.revision == 3
    assert [c.verdict for c in twice.corrections] == ["present", "absent"]
    assert twice.verdicts[1].verdict == "absent"
    assert twice.verdicts[1].flags == ("borderline", "corrected")


def test_the_same_correction_again_is_no_new_revision():
    once = corrected()
    assert (
        correct(once, "c", "present", by=" Ms Ünal", reason="sat behind a pillar ", at=AT + timedelta(hours=1)) is once
    )


@pytest.mark.parametrize(
    "change", [{"verdict": "absent"}, {"by": "Mr Ito"}, {"reason": "came late"}, {"student_id": "b"}]
)
def test_whatever_differs_from_the_last_correction_is_a_new_revision(change):
    assert corrected(**change, register=corrected()).revision == 3


def test_a_correction_that_another_one_has_undone_can_be_made_again():
    undone = corrected(verdict="absent", register=corrected())
    assert corrected(register=undone).revision == 4


def test_a_person_may_confirm_what_the_device_found():
    assert corrected("a", "present").verdicts[0].flags == ("corrected",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"student_id": "nobody"}, "is not on this register"),
        ({"student_id": "guest"}, "was a guest"),
        ({"student_id": ""}, "is not on this register"),
        ({"by": "  "}, "who corrects is missing"),
        ({"reason": ""}, "the reason is missing"),
        ({"reason": "x" * (MAX_TEXT + 1)}, "501 characters"),
        ({"by": "\udcff"}, "UTF-8"),
    ],
)
def test_values_that_a_register_can_not_hold_are_refused(change, message):
    with pytest.raises(RegisterError, match=message) as caught:
        corrected(**change)
    assert "\n" not in caught.value.line()
