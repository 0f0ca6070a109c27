"""Maps a server's answer to an `Outcome`: HTTP status, problem details and Retry-After.

Only permanent failures are parked: a document that the server refuses, or a device that it does not know. Everything
else is retried, even a wrong address. A proxy in front of the office's server that answers 404 for an hour must not
stop 200 devices until somebody visits them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final

from edge_daemon.delivery.error_messages import cleaned, wants_certificate
from edge_daemon.delivery.http import HttpAnswer
from edge_daemon.types import Outcome, OutcomeName

_LONGEST_RETRY_S: Final = 24 * 3600.0
_NOT_THIS_SERVICE: Final = {
    404: "knows no such address; check upstream.url",
    405: "does not take documents there; check upstream.url and upstream.kind",
    410: "knows no such address any more; check upstream.url",
    415: "does not take this kind of document; check upstream.kind",
    421: "is not the server of that name; check upstream.url and the proxy",
    501: "does not take documents; check upstream.url and upstream.kind",
}
_PASSING: Final = (408, 423, 425)
"""Statuses that may concern only one document or one moment. The document is retried; other documents are sent."""
_BUSY: Final = (429, 502, 503, 504, 507)
_BAD_REQUEST: Final = 400
_NO_CERTIFICATE: Final = (_BAD_REQUEST, 495, 496)
"""Statuses with which nginx answers a missing or invalid client certificate."""
_NOT_FETCHED: Final = (403, 405, 415, 501)
_UNAUTHORISED, _FORBIDDEN, _PROXY_LOG_IN, _NETWORK_LOG_IN = 401, 403, 407, 511


class ForbiddenOutcome(Outcome):
    """Outcome of an answer 403. It may concern this device, or only one document if the server accepts others."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """Problem details (RFC 9457), and the SHA-256 of the document that the server holds."""

    words: str
    """Title and detail on one line, without control characters."""
    sha256: str = ""


def problem_of(answer: HttpAnswer) -> ProblemDetails:
    """Return the problem details in an answer; they are empty if the answer has none."""
    fields = fields_of(answer)
    texts = [cleaned(text) for text in (fields.get("title"), fields.get("detail")) if isinstance(text, str)]
    sha256 = fields.get("sha256")
    return ProblemDetails(": ".join(text for text in texts if text), sha256 if isinstance(sha256, str) else "")


def fields_of(answer: HttpAnswer) -> dict[str, object]:
    """Return the JSON object in an answer's body; empty if the body is no JSON object or was truncated."""
    if answer.is_cut or is_page(answer):
        return {}
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def is_page(answer: HttpAnswer) -> bool:
    """Return whether an answer is a web page, such as that of a captive portal."""
    is_html = "html" in answer.headers.get("content-type", "").lower()
    return is_html or answer.body[:64].lstrip()[:1] == b"<"


def refusal(answer: HttpAnswer, where: str, now: datetime) -> Outcome:
    """Return the outcome for a document that the server did not accept.

    Args:
        answer: an answer with an error status.
        where: host and port.
        now: the current time, for a Retry-After that is a date.
    """
    status, problem = answer.status, problem_of(answer)
    if status in _NO_CERTIFICATE and (status != _BAD_REQUEST or b"SSL certificate" in answer.body):
        return doubtful(f"{wants_certificate(where)} ({status})")
    said = f" ({problem.words})" if problem.words else ""
    if 300 <= status < 400:
        target = cleaned(answer.headers.get("location", "another place"), 100)
        what = f"{where} answers with a redirect to {target}: a captive portal, or a wrong upstream.url"
        return doubtful(what)
    if status in (_UNAUTHORISED, _FORBIDDEN):
        return _not_known(status, where, said)
    if status == _PROXY_LOG_IN:
        return doubtful("the proxy asks for a name and password (407)")
    if status == _NETWORK_LOG_IN:
        return page(where)
    if status in _NOT_THIS_SERVICE:
        return Outcome(
            "retry", f"{where} {_NOT_THIS_SERVICE[status]} ({status}){said}", receiver_down=True, is_doubtful=True
        )
    if status in _BUSY:
        after_s = retry_after_s(answer.headers.get("retry-after", ""), now)
        return Outcome(
            "retry", f"{where} has no capacity now ({status}){said}", after_s, receiver_down=True, is_doubtful=True
        )
    if status in _PASSING or status >= 500 or status < 200:
        after_s = retry_after_s(answer.headers.get("retry-after", ""), now)
        return Outcome("retry", f"{where} failed ({status}){said}", after_s)
    return Outcome("parked", f"{where} refuses the document ({status}){said}")


def doubtful(answer: str, retry_after_s: float | None = None, name: OutcomeName = "retry") -> Outcome:
    """Return the outcome of a failure that may concern all documents or only this one."""
    return Outcome(name, answer, retry_after_s, receiver_down=True, is_doubtful=True)


def page(where: str) -> Outcome:
    """Return the outcome for a document if the server answered with a web page."""
    what = f"{where} answers with a web page: a captive portal or log-in, or a wrong upstream.url"
    return doubtful(what)


def held(where: str, *, is_ours: bool) -> Outcome:
    """Return the outcome if the path already has a document: `delivered` if that document is ours, else `parked`."""
    if is_ours:
        return Outcome("delivered", f"{where} already had it")
    what = f"{where} holds another document there, which is never overwritten"
    hint = "was register.sqlite restored from a backup, or do two devices share a name?"
    return Outcome("parked", f"{what}; {hint}", is_occupied=True)


def _not_known(status: int, where: str, said: str) -> Outcome:
    retry = "then `edge-daemon outbox retry`"
    if status == _UNAUTHORISED:
        what = f"{where} does not know this device's token (401){said}; correct upstream.token_file, {retry}"
        return doubtful(what, name="parked")
    what = f"{where} does not allow this device to deliver (403){said}; ask its administrator, {retry}"
    return ForbiddenOutcome("parked", what, receiver_down=True, is_doubtful=True)


def unfetched(answer: HttpAnswer, name: str, where: str, now: datetime) -> Outcome:
    """Return the outcome for a document of the office that was not fetched. The reason in it names the document.

    Args:
        answer: an answer with an error status, or a web page.
        name: name of the document.
        where: host and port.
        now: the current time, for a Retry-After that is a date.
    """
    outcome = page(where) if 200 <= answer.status < 300 else refusal(answer, where, now)
    if answer.status in _NOT_FETCHED:
        said = problem_of(answer).words
        why = f"{where} does not allow this device to read it ({answer.status})" + (f" ({said})" if said else "")
    else:
        why = outcome.answer
    return Outcome("retry", f"{name} was not fetched: {why}", outcome.retry_after_s, outcome.receiver_down, True)


def retry_after_s(text: str, now: datetime) -> float | None:
    """Return the wait in seconds that a Retry-After requests (RFC 9110, section 10.2.3), at most a day.

    The result is None if the header is empty or invalid.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_RETRY_S)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return min(max((at - now).total_seconds(), 0.0), _LONGEST_RETRY_S)
