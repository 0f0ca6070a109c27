"""Which verdicts a person should look at before anything follows from them."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from edge_daemon_office.shared.attendance.room_state import UNUSUAL
from edge_daemon_office.shared.types import Flag, Register, Verdict

WORTH_A_LOOK: Final[frozenset[Flag]] = frozenset(
    ("borderline", "look_alike", "static_face", "resembles", "face_hidden", "poor_photographs")
)
"""Flags that make a presence doubtful; any flag makes an absence doubtful."""


Standing = Literal["present", "absent", "to_confirm", "not_assessed"]
"""What a verdict counts as, wherever verdicts are counted."""


def needs_confirmation(verdict: Verdict) -> bool:
    """Return whether the device could not decide, or has doubts that no person has settled."""
    if verdict.verdict == "inconclusive":
        return True
    if "corrected" in verdict.flags or verdict.verdict == "not_assessed":
        return False
    return bool(verdict.flags) if verdict.verdict == "absent" else not WORTH_A_LOOK.isdisjoint(verdict.flags)


def standing(verdict: Verdict) -> Standing:
    """Return what a verdict counts as: one that a person has to look at is neither present nor absent."""
    if verdict.verdict == "inconclusive" or needs_confirmation(verdict):
        return "to_confirm"
    return verdict.verdict


def counts(register: Register) -> Counter[Standing]:
    """Return how many students are present, absent, to be confirmed and not assessed; nobody where it was not held."""
    return Counter() if is_cancelled(register) else Counter(standing(verdict) for verdict in register.verdicts)


def is_cancelled(register: Register) -> bool:
    """Return whether the office said that the lesson was not held: it counts nowhere."""
    return register.confirmed is not None and not register.confirmed.held


def awaits_confirmation(register: Register) -> bool:
    """Return whether the lesson was unusual and the office has not said yet whether it was held."""
    return register.confirmed is None and not UNUSUAL.isdisjoint(register.register_flags)


def reaches_families(register: Register) -> bool:
    """Return whether students and guardians may be told anything of a lesson.

    Nothing of a rehearsal, of a lesson whose time nobody knows, of one that was not held, and of an unusual one before
    the office has said that it was held.
    """
    is_lesson = register.lesson.origin == "timetable" and register.clock != "unsynchronised"
    return is_lesson and not is_cancelled(register) and not awaits_confirmation(register)
