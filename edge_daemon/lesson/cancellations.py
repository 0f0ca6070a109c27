"""Decides which events are cancelled: by their status, by a word in them, or by being marked as free."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

STATUS = "is cancelled"


def cancelled_by_word(summary: str, categories: Iterable[str], words: Sequence[str]) -> str:
    """Return the reason when a category is one of the words or the summary begins with one; empty: neither.

    Case is ignored, and so are signs before the word. The match must end at the end of a word in the summary, so that
    *Entfall* does not match *Entfaltung*.
    """
    wanted = {_folded(word): word for word in words if word.strip()}
    for category in categories:
        if _folded(category) in wanted:
            return f"is cancelled: its category is {category[:40]!r}"
    text = _folded(summary)
    start = next((at for at, letter in enumerate(text) if letter.isalnum()), len(text))
    for folded in wanted:
        rest = text[start:].removeprefix(folded)
        if len(rest) < len(text) - start and not rest[:1].isalnum():
            return f"is cancelled: its summary begins with {summary[start : start + len(folded)]!r}"
    return ""


def is_status_cancelled(status: str) -> bool:
    """Return whether a STATUS is CANCELLED. Some programs write it with one L."""
    return status.strip().upper() in ("CANCELLED", "CANCELED")


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()
