"""Server kind `api`: a receipt repeats the SHA-256 of the document that we sent (docs/openapi.yaml)."""

from __future__ import annotations

import gzip
import hashlib
from datetime import datetime
from typing import Final

from edge_daemon.delivery.answers import fields_of, held, is_page, page, problem_of, refusal
from edge_daemon.delivery.http import HttpAnswer, Server
from edge_daemon.types import Outcome

MAX_ANSWER: Final = 64 * 1024
"""Largest size of a receipt or of problem details, in bytes."""
_OK: Final = 200
_CONFLICT: Final = (409, 412)


def put(server: Server, place: str, body: bytes, *, write_once: bool, now: datetime) -> Outcome:
    """Deliver a document, and return the outcome by the server's receipt.

    Raises:
        NoAnswerError: there was no complete answer.
    """
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    if write_once:
        headers["If-None-Match"] = "*"
    # The request does not contain the SHA-256, so a server that only echoes can't know it.
    answer = server.ask("PUT", place, body=gzip.compress(body, mtime=0), headers=headers, max_bytes=MAX_ANSWER)
    if answer.status in _CONFLICT:
        return _conflict(server, place, body, problem_of(answer).sha256, now)
    if is_page(answer) and 200 <= answer.status < 300:
        return page(server.where)
    if not 200 <= answer.status < 300:
        return refusal(answer, server.where, now)
    return _receipt(answer, server.where, _sha256(body))


def _receipt(answer: HttpAnswer, where: str, ours: str) -> Outcome:
    theirs = fields_of(answer).get("sha256")
    if not isinstance(theirs, str):
        what = f"{where} answers {answer.status} without a receipt"
        return Outcome(
            "retry", f'{what}; is it a WebDAV server (upstream.kind = "webdav")?', receiver_down=True, is_doubtful=True
        )
    if theirs.lower() != ours:
        return Outcome("retry", f"{where} gives a receipt for another document than the one sent")
    return Outcome("delivered", f"receipt of {where}")


def _conflict(server: Server, place: str, body: bytes, theirs: str, now: datetime) -> Outcome:
    """Return the outcome in the case that the server already has a document at the path.

    It is ours, from an attempt whose answer was lost, or a different one.
    """
    if theirs:
        return held(server.where, is_ours=theirs.lower() == _sha256(body))
    there = server.ask("GET", place, max_bytes=max(len(body), MAX_ANSWER))
    if there.status != _OK:
        return refusal(there, server.where, now)
    if is_page(there):
        return page(server.where)
    return held(server.where, is_ours=not there.is_cut and there.body == body)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
