"""Recognises when a mail server refuses messages because of their sender: a quota, a blocklist, a rejected address.

Servers send such a refusal in reply to the receiver's address or to the message, as if it concerned only this message.
Each message would then be parked permanently. Three equal refusals in a row therefore count as a refusal of the sender.
Quotas and blocklists end by themselves, so messages that were refused because of them are retried without end.
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
"""Enhanced codes (RFC 3463) that concern an address or mailbox."""
_ADDRESS_WORDS: Final = re.compile(
    r"user|mailbox|recipient|address|account|unknown|no such|does not exist", re.IGNORECASE
)


class RefusalsInARow:
    """Counts equal refusals of consecutive messages."""

    def __init__(self) -> None:
        self._last: tuple[str, ...] = ()
        self._count = 0

    def forget(self) -> None:
        """Start counting again, because a message was accepted, or was refused because of its own address."""
        self._last, self._count = (), 0

    def weighed(self, refused: SmtpRefusal, outcome: Outcome, name: str) -> Outcome:
        """Return the outcome of a refused message, with the refusals before it taken into account.

        Args:
            refused: the server's answer.
            outcome: the outcome by this refusal alone.
            name: name of the server.
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
        reply = words_of(f"{refused.code} {refused.words}")
        if passes:
            answer = f"{name} accepts no more mail from this sender now: {reply}"
            if self._count < IN_A_ROW:
                return Outcome("retry", answer)
            return Outcome("retry", answer, _TRY_AGAIN_S, receiver_down=True)
        if self._count < IN_A_ROW or outcome.name != "parked":
            return outcome
        answer = f"{name} refuses message after message: {reply}; check mail.from and mail.username"
        return Outcome("parked", answer, receiver_down=True)


def is_passing(refused: SmtpRefusal) -> bool:
    """Return whether the reason of a refusal ends by itself: a sender's quota, or a blocklist that has our address."""
    words = refused.words
    is_quota = _QUOTA.search(words) is not None and _MAILBOX.search(words) is None
    return is_quota or _BLOCKLIST.search(words) is not None


def words_of(text: str) -> str:
    """Return a server's text as one short line, with `(address)` in place of mail addresses."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = _IN_WORDS.sub("(address)", line)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _is_of_address(refused: SmtpRefusal) -> bool:
    enhanced = _ENHANCED.search(refused.words)
    if enhanced is not None:
        return _OF_ADDRESS.search(enhanced[0]) is not None
    return refused.step == "receiver" and _ADDRESS_WORDS.search(refused.words) is not None


def _key(refused: SmtpRefusal) -> tuple[str, ...]:
    """Return a key that is equal for refusals with the same reason, without numbers and addresses."""
    enhanced = _ENHANCED.search(refused.words)
    words = re.findall(r"[a-z]{3,}", re.sub(r"\S*[\d@]\S*", " ", refused.words.lower()))
    return (refused.step, str(refused.code), enhanced[0] if enhanced else "", *words[:8])
