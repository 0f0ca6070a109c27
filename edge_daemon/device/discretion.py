"""Removes mail addresses and names of the roster from a server's texts.

A server's answer may name a person ("mailbox anna.weber@… is full", "no such user: Anna Weber"). Answers go into the
log, the heartbeat and the daily event log, which must not contain names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
_SHORTEST: Final = 4
"""Number of characters of the shortest part of a name that is removed. Shorter parts occur in too many words."""


class _Names:
    """The names that this process hides."""

    pattern: re.Pattern[str] | None = None


def hide_names(names: Iterable[str]) -> None:
    """Make every later call of `discreet` in this process remove these names and their parts."""
    whole = {" ".join(name.split()) for name in names} - {""}
    parts = {part for name in whole for part in re.split(r"[\s,]+", name) if len(part) >= _SHORTEST}
    longest_first = sorted(whole | parts, key=lambda one: (-len(one), one))
    _Names.pattern = (
        re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
        if longest_first
        else None
    )


def discreet(text: str) -> str:
    """Return a text without mail addresses and without the names given to `hide_names`."""
    text = _ADDRESS.sub("(address)", text)
    return _Names.pattern.sub("(name)", text) if _Names.pattern else text
