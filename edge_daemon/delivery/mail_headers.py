"""Mail headers in a form that every program reads: encoded words of at most 75 characters (RFC 2047), file names.

Python's email package makes encoded words of any length if long lines are allowed. If they are not, it begins a long
subject with an empty line, or encodes its own line break as text (`=0D=0A`).
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterator
from email.policy import EmailPolicy
from typing import Any, Final

_LINE: Final = 76
"""Longest line with an encoded word (RFC 2047, section 2)."""
_BEGIN, _END = "=?utf-8?b?", "?="
_LONGEST_NAME: Final = 50
"""Longest file name. Python's email package splits a longer one into parts (RFC 2231), which Outlook does not join."""
_LETTERS: Final = str.maketrans({"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "ø": "o", "Ø": "O", "ł": "l"})


class HeaderPolicy(EmailPolicy):
    """The policy email.policy.SMTP, except that non-ASCII headers are folded by this module."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a header in its wire form."""
        if self.utf8 or name.lower() not in ("subject", "from", "to"):
            return super().fold_binary(name, value)
        if hasattr(value, "addresses"):
            return _folded(name, _mailbox_parts(value))
        text = str(value)
        is_plain = text.isascii() and len(name) + len(text) < _LINE - 2 and text == text.strip()
        return super().fold_binary(name, value) if is_plain else _folded(name, [(text, True)])


def attachment_name(name: str) -> str:
    """Return a file name in ASCII and short enough for one parameter, so that every mail program shows it."""
    stem, dot, ending = name.rpartition(".")
    plain = unicodedata.normalize("NFKD", stem.translate(_LETTERS))
    kept = "".join(sign if sign.isascii() else "" if unicodedata.combining(sign) else "_" for sign in plain)
    kept = " ".join(kept.replace('"', "_").replace("\\", "_").split())
    return f"{kept[:_LONGEST_NAME].strip() or 'attachment'}{dot}{ending}"


def _mailbox_parts(header: Any) -> list[tuple[str, bool]]:
    """Return the pieces of text of an address header, each with whether it must be encoded."""
    parts: list[tuple[str, bool]] = []
    for number, address in enumerate(header.addresses):
        comma = ", " if number else ""
        if address.display_name.isascii():
            parts.append((f"{comma}{address}", False))
        else:
            parts += [(comma, False), (address.display_name, True), (f" <{address.addr_spec}>", False)]
    return parts


def _folded(name: str, parts: list[tuple[str, bool]]) -> bytes:
    lines, line = [], f"{name}: "
    for text, is_encoded in parts:
        words = list(_encoded(text, _LINE - len(line))) if is_encoded else [text]
        for number, word in enumerate(words):
            if number or (len(line) + len(word) > _LINE and len(line) > len(name) + 2):
                lines.append(line.rstrip())
                line = " "
            line += word.lstrip() if line == " " else word
    return "\r\n".join((*lines, line)).encode("ascii") + b"\r\n"


def _encoded(text: str, room: int) -> Iterator[str]:
    """Yield encoded words for a text.

    The first one fits into the `room` characters left on its line. No character is split.
    """
    chunk = b""
    for sign in text:
        data = sign.encode("utf-8", "replace")
        if chunk and len(_word(chunk + data)) > room:
            yield _word(chunk)
            chunk, room = b"", _LINE - 1
        chunk += data
    yield _word(chunk)


def _word(data: bytes) -> str:
    return f"{_BEGIN}{base64.b64encode(data).decode('ascii')}{_END}"
