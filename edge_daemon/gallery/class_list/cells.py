"""Reads single cells of a list: consent, mail addresses, names."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

CONSENT: Final = {
    **dict.fromkeys(("yes", "y", "true", "t", "1"), True),
    **dict.fromkeys(
        ("ja", "j", "wahr", "oui", "vrai", "si", "sí", "sì", "verdadero", "vero", "x", "✓", "✔", "☑"), True
    ),
    # An empty cell means that nobody has consented.
    **dict.fromkeys(("no", "n", "false", "f", "0", ""), False),
    **dict.fromkeys(("nein", "falsch", "non", "faux", "falso", "-", "–", "☐"), False),
}
"""Words for consent, in lower case. ✗ is missing because it means yes in some places and no in others."""
CHECKIN_CONSENT: Final = "checkin_consent"
"""Name of the column with the student's own consent to the spoken phrase. An empty cell or no such column means no."""

PLAIN_CONSENT: Final = frozenset(("yes", "y", "true", "t", "1", "no", "n", "false", "f", "0", ""))
"""Words for consent that need no confirmation by a person."""

ADDRESS: Final = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")
_BETWEEN: Final = re.compile(r"[;,\s/|]+")
_IN_BRACKETS: Final = re.compile(r"<([^<>]*)>")


def one_address(cell: str) -> tuple[str, str]:
    """Return the first mail address of a cell, and a remark on the cell; both are empty for an empty cell.

    `Ann Lee <a@x.example>` and `mailto:a@x.example` are accepted. If a cell has several addresses, the first one is
    used: one message to two parents would show each the other's address.
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
    """Return a cell with blanks in place of line breaks and tabs. Other control characters stay."""
    return re.sub(r"[ ]*[\r\n\t\v\f]+[ ]*", " ", cell)


def _bare(address: str) -> str:
    return address.strip().removeprefix("mailto:").strip("'\"")
