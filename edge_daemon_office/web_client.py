"""Requests to other systems over HTTPS: limited in time and size, without redirects and without tracebacks."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from http.client import HTTPException
from typing import Any, Final

_TIMEOUT_S: Final = 60
_MOST_BYTES: Final = 16 * 2**20


class NoAnswerError(Exception):
    """There was no answer, or a too large one; the text has neither address nor secret."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer, whatever its status."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers by name in lower case."""

    def json(self) -> Any:
        """Return the JSON value of the body; None if the body is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect, because a token must go only to the configured address."""


@cache
def _opener(ca_file: str) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=ca_file or None)
    return urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    timeout_s: float = _TIMEOUT_S,
    ca_file: str = "",
) -> WebAnswer:
    """Send a request and return its answer, even if it reports an error.

    Args:
        method: such as GET.
        url: the whole address.
        headers: names and values of the request.
        body: its body; None: it has none.
        timeout_s: longest wait for the next bytes, in seconds.
        ca_file: certificates to trust in place of the system's; empty: the system's.

    Raises:
        NoAnswerError: there was no answer in time.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - settings check it
    try:
        with _opener(ca_file).open(request, timeout=timeout_s) as answer:
            return _read(answer.status, answer, answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error, error.headers)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None)
        raise NoAnswerError(
            f"gives no answer ({type(reason if isinstance(reason, Exception) else error).__name__})"
        ) from error


def _read(status: int, answer: Any, headers: Message) -> WebAnswer:
    try:
        body = answer.read(_MOST_BYTES + 1)
    except (OSError, HTTPException) as error:
        raise NoAnswerError(f"gives half an answer ({type(error).__name__})") from error
    if len(body) > _MOST_BYTES:
        raise NoAnswerError(f"gives an answer of more than {_MOST_BYTES >> 20} MiB")
    return WebAnswer(status, body, {name.lower(): value for name, value in headers.items()})
