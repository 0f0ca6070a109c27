"""What stands in single cells of a list: consent, mail addresses, names."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

CONSENT: Final = {
    **dict.fromkeys(("yes", "y", "true", "t", "1"), True),
    **dict.fromkeys(
        ("ja", "j", "wahr", "oui", "vrai", "si", "sí", "sì", "verdadero", "vero", "x", "✓", "✔", "☑"), True
    ),
    # Nothing written means that nobody has agreed.
    **dict.fromkeys(("no", "n", "false", "f", "0", ""), False),
    **dict.fromkeys(("nein", "falsch", "non", "faux", "falso", "-", "–", "☐"), False),
}
"""What an office writes for consent, in small letters. ✗ means yes here and no there: it is not among them."""
CHECKIN_CONSENT: Final = "checkin_consent"
"""Column of the consent to the spoken phrase: yes by the student's own choice; empty or no column: no."""

PLAIN_CONSENT: Final = frozenset(("yes", "y", "true", "t", "1", "no", "n", "false", "f", "0", ""))
"""Words that need no confirmation by a person."""

ADDRESS: Final = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")
_BETWEEN: Final = re.compile(r"[;,\s/|]+")
_IN_BRACKETS: Final = re.compile(r"<([^<>]*)>")


def one_address(cell: str) -> tuple[str, str]:
    """Return the first mail address of a cell, and what is odd about the cell; a cell without one gives neither.

    `Ann Lee <a@x.example>` and `mailto:a@x.example` are read. Where a cell has several, the first is taken: one message
    to two parents would show each the other's address.
    """
    if not cell or ADDRESS.fullmatch(cell):
        return cell, ""
    found = [_bare(part) for part in (_IN_BRACKETS.findall(cell) or _BETWEEN.split(cell)) if part.strip()]
    if not found or not all(ADDRESS.fullmatch(one) for one in found):
        return "", f"is not one mail address ({cell[:60]!r}); it is left out"
    if len(set(found)) > 1:
        return found[0], f"has {len(found)} mail addresses; the first one is used"
    return found[0], f"is read as {found[0]!r}"


def has_control(text: str) -> bool:
    """Return whether a text has a control character."""
    return any(unicodedata.category(sign) == "Cc" for sign in text)


def on_one_line(cell: str) -> str:
    """Return a cell without line breaks and tabs, each a blank instead; other control characters stay."""
    return re.sub(r"[ ]*[\r\n\t\v\f]+[ ]*", " ", cell)


def _bare(address: str) -> str:
    return address.strip().removeprefix("mailto:").strip("'\"")
