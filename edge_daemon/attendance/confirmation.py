"""Applies the office's confirmation that a lesson was held, or was not, to its register."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import get_args

from edge_daemon.attendance.register import check_text
from edge_daemon.attendance.room_state import NOT_IN_TIMETABLE, NOT_SEEABLE
from edge_daemon.attendance.rule import share_of
from edge_daemon.types import Confirmation, Register, RegisterFlag, Verdict, VerdictName


def confirm(register: Register, said: Confirmation) -> Register:
    """Return the next revision of a register, with the office's confirmation.

    If the lesson was held, the rule's verdicts apply; a student whom the device could not have seen stays
    `inconclusive`. If it was not held, nobody is absent. The latest confirmation applies. The same confirmation by the
    same person creates no revision: the register itself is returned.

    Raises:
        RegisterError: the person who confirms is not named.
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
    """Return the next revision of a register whose lesson is no longer in the timetable.

    The revision marks nobody absent, and its flag asks the office whether the lesson was held. A register that has this
    flag, or that the office has confirmed, is returned unchanged.
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
    """Return the verdict of the student's last correction; without one, the rule's verdict.

    It is `inconclusive` if the device could not have seen the student, or the register does not state its rule.
    """
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
