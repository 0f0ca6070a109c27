"""Text from other people: which characters are safe to print, and which would break or reorder a line.

The joiners ZWNJ and ZWJ are part of spelling in Persian, Hindi and other languages, so names keep them. Marks that
override the direction of text can make one name look like another, so names lose them.
"""

from __future__ import annotations

from typing import Final

JOINERS: Final = "\u200c\u200d"
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates of the bidirectional algorithm (Unicode Standard Annex 9)."""


def is_plain(text: str) -> bool:
    """Return whether a text is one line of printable characters and joiners."""
    return all(sign.isprintable() or sign in JOINERS for sign in text)


def plain(text: str) -> str:
    """Return text as one line, with a blank in place of each unprintable character."""
    return "".join(sign if sign.isprintable() or sign in JOINERS else " " for sign in text)


def without_overrides(text: str) -> str:
    """Return text without the marks that override its direction."""
    return text if _OVERRIDES.isdisjoint(text) else "".join(sign for sign in text if sign not in _OVERRIDES)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural: `1 lesson`, `2 lessons`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
