"""Text of other people: what may stand in a line, and which characters would reorder or break it.

The joiners ZWNJ and ZWJ are letters' business in Persian, Hindi and other languages, and belong to names. The marks
that override the direction of text can make one name look like another, and belong to none.
"""

from __future__ import annotations

from typing import Final

JOINERS: Final = "\u200c\u200d"
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates of the bidirectional algorithm (Unicode Standard Annex 9)."""


def is_plain(text: str) -> bool:
    """Return whether a text is one line of characters that are seen, or that join those that are."""
    return all(sign.isprintable() or sign in JOINERS for sign in text)


def plain(text: str) -> str:
    """Return text as one line; what is not seen becomes a blank."""
    return "".join(sign if sign.isprintable() or sign in JOINERS else " " for sign in text)


def without_overrides(text: str) -> str:
    """Return text without the marks that override its direction."""
    return text if _OVERRIDES.isdisjoint(text) else "".join(sign for sign in text if sign not in _OVERRIDES)
