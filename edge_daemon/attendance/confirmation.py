"""What the office says about a lesson: that it was held, or that it was not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import get_args

from edge_daemon.attendance.register import check_text
from edge_daemon.attendance.room_state import NOT_IN_TIMETABLE, NOT_SEEABLE
from edge_daemon.attendance.rule import share_of
from edge_daemon.types import Confirmation, Register, RegisterFlag, Verdict, VerdictName


def confirm(register: Register, said: Confirmation) -> Register:
    """Return the next revision of a register, with what the office said.

    Held: the rule's verdicts stand; where the device could not have seen somebody, they stay `inconclusive`. Not held:
    nobody is absent. The last word counts. The same word by the same person makes no revision: the register itself is
    returned.

    Raises:
        RegisterError: it is not said who confirms.
    """
    check_text(said.by, "who confirms", "--by NAME")
    said = replace(said, by=said.by.strip())
    if register.confirmed is not None and replace(register.confirmed, at=said.at) == said:
        return register
    return replace(
        register,
        revision=register.revision + 1,
        verdicts=tuple(_confirmed(register, verdict, said.held) for verdict in register.verdicts),
        confirmed=said,
    )


def question(register: Register) -> Register:
    """Return the next revision of a register whose lesson the timetable no longer has: nobody is absent by it.

    A register that the office has confirmed, or is asked about for this already, is returned itself.
    """
    if register.confirmed is not None or NOT_IN_TIMETABLE in register.register_flags:
        return register
    flags = {*register.register_flags, NOT_IN_TIMETABLE}
    return replace(
        register,
        revision=register.revision + 1,
        verdicts=tuple(_questioned(verdict) for verdict in register.verdicts),
        register_flags=tuple(flag for flag in get_args(RegisterFlag) if flag in flags),
    )


def _questioned(verdict: Verdict) -> Verdict:
    is_decided = verdict.verdict != "absent" or "corrected" in verdict.flags
    return verdict if is_decided else replace(verdict, verdict="inconclusive")


def _confirmed(register: Register, verdict: Verdict, held: bool) -> Verdict:
    if not held:
        return replace(verdict, verdict="inconclusive") if verdict.verdict == "absent" else verdict
    if verdict.verdict != "inconclusive":
        return verdict
    return replace(verdict, verdict=_standing(register, verdict))


def _standing(register: Register, verdict: Verdict) -> VerdictName:
    """Return the verdict of the last person who corrected it, else that of the rule where the student could be seen."""
    student_id = verdict.tally.student_id
    decided = [one.verdict for one in register.corrections if one.student_id == student_id]
    if decided:
        return decided[-1]
    could_not_see = not NOT_SEEABLE.isdisjoint(register.register_flags) or not {"clock", "few_captures"}.isdisjoint(
        verdict.flags
    )
    checked_in_unseen = verdict.checked_in_at is not None and not verdict.tally.captures_seen
    if register.rule is None or could_not_see or checked_in_unseen or not register.captures_taken:
        return "inconclusive"
    share = Fraction(verdict.tally.captures_attentive, register.captures_taken)
    return "present" if share >= share_of(register.rule.share) else "absent"
