"""Names of the faults on the way to the office's server, and the record of a request."""

from __future__ import annotations

from dataclasses import dataclass

AT_CONNECTION = ("refuse", "handshake-cut", "not-tls", "expired", "early", "other-name", "no-san", "unknown-ca")
BEFORE = ("reset-before-body", "reset-after-body", "redirect", "redirect-http", "captive-portal", "hang", "slow-loris")
BROKEN_ANSWER = ("answer-cut", "huge-answer", "no-length", "hostile-words")
UNTRUE = ("answer-lost", "stores-nothing", "wrong-sha", "no-receipt", "changed-answer", "bomb")
AT_REQUEST = (*BEFORE, *BROKEN_ANSWER, *UNTRUE)
FAULTS = (*AT_CONNECTION, *AT_REQUEST)
"""And any status from 400 on as a word, such as "503"; "503-date" and "429-date" ask for patience with a date."""
PORTAL = b"<!DOCTYPE html><title>Welcome to our Wi-Fi</title><form><input name=room><button>Accept</button></form>"
MAX_BODY = 8 << 20


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    """As it came, perhaps packed."""
    fault: str


@dataclass(frozen=True)
class Answered:
    """The answer to a request."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes
