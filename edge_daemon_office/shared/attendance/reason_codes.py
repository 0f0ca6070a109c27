"""Encodes the reasons of corrections in a few codes, so that signed registers contain nothing about anybody's health.

Free text becomes the code `other` and a note. The note is not part of the register: it is neither signed nor delivered,
and it is erased with the student.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
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
_ALIKE: Final = 0.8
"""Least similarity (difflib) of a word to a code that it misspells: `not_recognized` has .93, and `ill` has less."""


def code_and_note(reason: str) -> tuple[str, str]:
    """Return the code and the note for a reason: a known code without a note, or `other` with the free text as note."""
    word = reason.strip().lower().replace(" ", "_").replace("-", "_")
    return (word, "") if word in REASONS else (OTHER, reason.strip())


def misspelt_code(reason: str) -> str | None:
    """Return the code that a single word probably means; None for a code, free text, or a word that resembles no code.

    A misspelt `other` is not looked for. Free text gets the code `other` anyway, and `mother` would be mistaken for it.
    """
    _, note = code_and_note(reason)
    if not note or any(sign.isspace() for sign in note):
        return None
    codes = [one for one in REASONS if one != OTHER]
    near = get_close_matches(note.lower().replace("-", "_"), codes, n=1, cutoff=_ALIKE)
    return near[0] if near else None


def coded(correction: Correction) -> Correction:
    """Return a correction with a code in place of free text."""
    if correction.reason_code is not None:
        return correction
    code, _ = code_and_note(correction.reason)
    return replace(correction, reason=code, reason_code=code)


def in_words(reason: str) -> str:
    """Return a register's reason as text: codes are translated, free text of an earlier release is unchanged."""
    return REASONS.get(reason, reason)
