"""Decides which verdicts a person should review before they have consequences."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from edge_daemon.attendance.room_state import UNUSUAL
from edge_daemon.types import Flag, Register, Verdict

WORTH_A_LOOK: Final[frozenset[Flag]] = frozenset(
    ("borderline", "look_alike", "static_face", "resembles", "face_hidden", "poor_photographs")
)
"""Flags that make a presence doubtful; any flag makes an absence doubtful."""


Standing = Literal["present", "absent", "to_confirm", "not_assessed"]
"""The category in which every count puts a verdict."""


def needs_confirmation(verdict: Verdict) -> bool:
    """Return whether the device could not decide, or has a doubt that no person has resolved."""
    if verdict.verdict == "inconclusive":
        return True
    if "corrected" in verdict.flags or verdict.verdict == "not_assessed":
        return False
    return bool(verdict.flags) if verdict.verdict == "absent" else not WORTH_A_LOOK.isdisjoint(verdict.flags)


def standing(verdict: Verdict) -> Standing:
    """Return the category of a verdict; a verdict that a person must review is neither present nor absent."""
    if verdict.verdict == "inconclusive" or needs_confirmation(verdict):
        return "to_confirm"
    return verdict.verdict


def counts(register: Register) -> Counter[Standing]:
    """Return the numbers of present, absent, doubtful and unassessed students; empty if the lesson was not held."""
    return Counter() if is_cancelled(register) else Counter(standing(verdict) for verdict in register.verdicts)


def is_cancelled(register: Register) -> bool:
    """Return whether the office said that the lesson was not held, so that it does not count."""
    return register.confirmed is not None and not register.confirmed.held


def awaits_confirmation(register: Register) -> bool:
    """Return whether the lesson was unusual and the office has not yet said whether it was held."""
    return register.confirmed is None and not UNUSUAL.isdisjoint(register.register_flags)


def reaches_families(register: Register) -> bool:
    """Return whether students and guardians may be notified about a lesson.

    They are not notified of a rehearsal, a lesson of unknown time, or one that was not held. An unusual lesson must
    first be confirmed by the office.
    """
    is_lesson = register.lesson.origin == "timetable" and register.clock != "unsynchronised"
    return is_lesson and not is_cancelled(register) and not awaits_confirmation(register)
