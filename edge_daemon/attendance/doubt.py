"""Which verdicts a person should look at before anything follows from them."""

from __future__ import annotations

from typing import Final

from edge_daemon.types import Flag, Verdict

WORTH_A_LOOK: Final[frozenset[Flag]] = frozenset(
    ("borderline", "look_alike", "static_face", "resembles", "face_hidden", "poor_photographs")
)
"""Flags that make a presence doubtful; any flag makes an absence doubtful."""


def needs_confirmation(verdict: Verdict) -> bool:
    """Return whether the device could not decide, or has doubts that no person has settled."""
    if verdict.verdict == "inconclusive":
        return True
    if "corrected" in verdict.flags or verdict.verdict == "not_assessed":
        return False
    return bool(verdict.flags) if verdict.verdict == "absent" else not WORTH_A_LOOK.isdisjoint(verdict.flags)
