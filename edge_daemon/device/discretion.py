"""A server's words without what it may have named: addresses, and names of the roster.

A server answers in words of its own ("mailbox anna.weber@… is full", "no such user: Anna Weber"). They go into the log,
the heartbeat and the log of the day, where nobody is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
_SHORTEST: Final = 4
"""Letters of a part of a name that is looked for: shorter ones are in too many words."""


class _Names:
    """What this process hides."""

    pattern: re.Pattern[str] | None = None


def hide_names(names: Iterable[str]) -> None:
    """Have names, and their single parts, hidden in everything that `discreet` returns in this process from now on."""
    whole = {" ".join(name.split()) for name in names} - {""}
    parts = {part for name in whole for part in re.split(r"[\s,]+", name) if len(part) >= _SHORTEST}
    longest_first = sorted(whole | parts, key=lambda one: (-len(one), one))
    _Names.pattern = (
        re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
        if longest_first
        else None
    )


def discreet(text: str) -> str:
    """Return a text without addresses and without the names that this process was told to hide."""
    text = _ADDRESS.sub("(address)", text)
    return _Names.pattern.sub("(name)", text) if _Names.pattern else text
