"""Refusals of single messages that are the sender's: a quota, a blocklist, a sender that is not allowed.

Servers say such things after the receiver or after the message, as if they were about it alone; each message would be
parked for good, one by one. Three that are equal, one after the other, are taken for what they are. Quotas and
blocklists pass: they are tried again for as long as it takes.
"""

from __future__ import annotations

import re
from typing import Final

from edge_daemon.delivery.smtp_session import SmtpRefusal
from edge_daemon.types import Outcome

IN_A_ROW: Final = 3
_TRY_AGAIN_S: Final = 3600.0
_LONGEST: Final = 200
_IN_WORDS = re.compile(r"<?[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+>?")
_ENHANCED: Final = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_QUOTA: Final = re.compile(
    r"submission ?quota|(?:sending|daily|hourly|outbound|user|rate|message)[\w ]{0,24}(?:limit|quota)"
    r"|too many (?:messages|recipients|emails)|^5\.4\.5|exceeded (?:the|your)[\w ]{0,20}(?:limit|quota)",
    re.IGNORECASE,
)
_MAILBOX: Final = re.compile(r"mailbox|recipient.{0,20}(?:full|quota)|[45]\.2\.2\b", re.IGNORECASE)
_BLOCKLIST: Final = re.compile(
    r"black ?list|block ?list|blocked (?:using|by|due)|\b(?:rbl|dnsbl|spamhaus|spamcop|barracuda|sorbs)\b"
    r"|listed (?:at|by|in|on)|poor reputation|client host .{0,60}blocked",
    re.IGNORECASE,
)
_OF_ADDRESS: Final = re.compile(r"^[45]\.(?:1\.|2\.[12]$)")
"""Enhanced codes (RFC 3463) of an address or mailbox."""
_ADDRESS_WORDS: Final = re.compile(
    r"user|mailbox|recipient|address|account|unknown|no such|does not exist", re.IGNORECASE
)


class RefusalsInARow:
    """Remembers how messages were refused, one after the other."""

    def __init__(self) -> None:
        self._last: tuple[str, ...] = ()
        self._count = 0

    def forget(self) -> None:
        """Begin anew: a message was taken, or refused for its address."""
        self._last, self._count = (), 0

    def weighed(self, refused: SmtpRefusal, outcome: Outcome, name: str) -> Outcome:
        """Return what becomes of a refused message.

        Args:
            refused: the server's answer.
            outcome: what would become of it if it was the only one.
            name: of the server.
        """
        if outcome.receiver_down:
            return outcome
        passes = is_passing(refused)
        if not passes and _is_of_address(refused):
            self.forget()
            return outcome
        key = _key(refused)
        self._count = self._count + 1 if key == self._last else 1
        self._last = key
        said = words_of(f"{refused.code} {refused.words}")
        if passes:
            answer = f"{name} takes nothing more of this sender now: {said}"
            if self._count < IN_A_ROW:
                return Outcome("retry", answer)
            return Outcome("retry", answer, _TRY_AGAIN_S, receiver_down=True)
        if self._count < IN_A_ROW or outcome.name != "parked":
            return outcome
        answer = f"{name} refuses message after message: {said}; check mail.from and mail.username"
        return Outcome("parked", answer, receiver_down=True)


def is_passing(refused: SmtpRefusal) -> bool:
    """Return whether a refusal ends by itself: a sender's quota, or a blocklist that our address is on."""
    words = refused.words
    is_quota = _QUOTA.search(words) is not None and _MAILBOX.search(words) is None
    return is_quota or _BLOCKLIST.search(words) is not None


def words_of(text: str) -> str:
    """Return a server's words as one line, without the addresses that it repeats."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = _IN_WORDS.sub("(address)", line)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _is_of_address(refused: SmtpRefusal) -> bool:
    enhanced = _ENHANCED.search(refused.words)
    if enhanced is not None:
        return _OF_ADDRESS.search(enhanced[0]) is not None
    return refused.step == "receiver" and _ADDRESS_WORDS.search(refused.words) is not None


def _key(refused: SmtpRefusal) -> tuple[str, ...]:
    """Return what is equal in refusals for the same reason: numbers and addresses differ from message to message."""
    enhanced = _ENHANCED.search(refused.words)
    words = re.findall(r"[a-z]{3,}", re.sub(r"\S*[\d@]\S*", " ", refused.words.lower()))
    return (refused.step, str(refused.code), enhanced[0] if enhanced else "", *words[:8])
