"""Decides which events are cancelled: their status, a word in them, or the mark "free" says so."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

STATUS = "is cancelled"


def cancelled_by_word(summary: str, categories: Iterable[str], words: Sequence[str]) -> str:
    """Return the reason if a category equals one of `words` or the summary begins with one; otherwise an empty text.

    Upper and lower case are the same, and signs before the word are ignored. The summary must begin with the whole
    word: *Entfall* does not match *Entfaltung*.
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
