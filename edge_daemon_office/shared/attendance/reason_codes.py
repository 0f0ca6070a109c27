"""Encodes the reasons of corrections in a few codes, so that signed registers contain nothing about anybody's health.

Free text becomes the code `other` and a note. The note is not part of the register: it is neither signed nor delivered,
and it is erased with the student.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from edge_daemon_office.shared.types import Correction

REASONS: Final = MappingProxyType(
    {
        "not_recognised": "was there and was not recognised",
        "not_there": "was not there",
        "mistaken_identity": "was taken for somebody else",
        "came_late": "came late",
        "left_early": "left early",
        "excused": "is excused",
        "confirmed": "was looked at, and is right",
        "other": "for another reason",
    }
)
"""Codes and their meaning, as the end of a sentence about a student."""

OTHER: Final = "other"


def code_and_note(reason: str) -> tuple[str, str]:
    """Return the code and the note for a reason: a known code without a note, or `other` with the free text as note."""
    word = reason.strip().lower().replace(" ", "_").replace("-", "_")
    return (word, "") if word in REASONS else (OTHER, reason.strip())


def coded(correction: Correction) -> Correction:
    """Return a correction with a code in place of free text."""
    if correction.reason_code is not None:
        return correction
    code, _ = code_and_note(correction.reason)
    return replace(correction, reason=code, reason_code=code)


def in_words(reason: str) -> str:
    """Return a register's reason as text: codes are translated, free text of an earlier release is unchanged."""
    return REASONS.get(reason, reason)
