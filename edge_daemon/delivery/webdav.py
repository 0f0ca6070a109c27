"""Server kind `webdav`: PUT into a folder (RFC 4918), confirmed by a GET that returns our exact bytes.

nginx with `dav_methods PUT` ignores If-None-Match and overwrites documents. If a document is to be written once, this
module therefore first checks that there is none. Nextcloud supports If-None-Match, but folders must be created first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from edge_daemon.delivery.answers import doubtful, held, is_page, page, refusal
from edge_daemon.delivery.http import HttpAnswer, Server
from edge_daemon.types import Outcome

_MAX_ANSWER: Final = 64 * 1024
_OK, _FORBIDDEN, _NOT_FOUND, _ALREADY_THERE, _CONFLICT, _NOT_OURS = 200, 403, 404, 405, 409, 412
_NO_FOLDER: Final = (_NOT_FOUND, _CONFLICT, 500)
"""Answers to a PUT into a missing folder: 409 by RFC 4918, 404 by some servers, 500 by nginx."""


class WebDav:
    """A folder on a WebDAV server. The object remembers which folders it created below it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._folders: set[str] = set()

    def put(self, place: str, body: bytes, *, write_once: bool, now: datetime) -> Outcome:
        """Deliver a document, read it back, and return the outcome.

        Raises:
            NoAnswerError: there was no complete answer.
        """
        if write_once:
            there = self._read(place, body)
            if there.status != _NOT_FOUND:
                return self._compare(there, body, now)
        answer = self._send(place, body, write_once)
        if answer.status in _NO_FOLDER and not self._folders.issuperset(_folders_above(place)):
            refused = self._make_folders(place, now)
            if refused is not None:
                return refused
            answer = self._send(place, body, write_once)
        if answer.status in (_NOT_FOUND, _CONFLICT):
            return self._no_folder(answer.status)
        if answer.status == _NOT_OURS:
            return self._compare(self._read(place, body), body, now)
        if not 200 <= answer.status < 300:
            return refusal(answer, self._server.where, now)
        return self._acknowledged(place, body, now)

    def _send(self, place: str, body: bytes, write_once: bool) -> HttpAnswer:
        headers = {"Content-Type": "application/json", **({"If-None-Match": "*"} if write_once else {})}
        return self._server.ask("PUT", place, body=body, headers=headers, max_bytes=_MAX_ANSWER)

    def _read(self, place: str, body: bytes) -> HttpAnswer:
        return self._server.ask("GET", place, max_bytes=max(len(body), _MAX_ANSWER), packed=True)

    def _acknowledged(self, place: str, body: bytes, now: datetime) -> Outcome:
        where, there = self._server.where, self._read(place, body)
        if there.status == _NOT_FOUND:
            return Outcome("retry", f"{where} accepted the document and does not have it")
        if there.status != _OK:
            return refusal(there, where, now)
        if not _is(there, body):
            return (
                page(where) if is_page(there) else Outcome("retry", f"{where} accepted it but returns another document")
            )
        return Outcome("delivered", f"read back from {where}")

    def _compare(self, there: HttpAnswer, body: bytes, now: datetime) -> Outcome:
        """Return the outcome in the case that the server already has a document at the path.

        It is ours, from an attempt whose answer was lost, or a different one.
        """
        if there.status != _OK:
            return refusal(there, self._server.where, now)
        if is_page(there):
            return page(self._server.where)
        return held(self._server.where, is_ours=_is(there, body))

    def _make_folders(self, place: str, now: datetime) -> Outcome | None:
        """Create the folders above a document (MKCOL). Return the outcome if this fails; None if it succeeds."""
        for folder in _folders_above(place):
            if folder in self._folders:
                continue
            answer = self._server.ask("MKCOL", folder, max_bytes=_MAX_ANSWER)
            if answer.status in (_NOT_FOUND, _CONFLICT):
                return self._no_folder(answer.status)
            if answer.status == _FORBIDDEN:  # a folder above its own, which may exist anyway
                continue
            if not 200 <= answer.status < 300 and answer.status != _ALREADY_THERE:
                return refusal(answer, self._server.where, now)
            self._folders.add(folder)
        return None

    def _no_folder(self, status: int) -> Outcome:
        what = f"the folder of upstream.url is not there on {self._server.where} ({status})"
        return doubtful(f"{what}; make it, or correct upstream.url")


def _folders_above(place: str) -> list[str]:
    parts = place.split("/")[:-1]
    return ["/".join(parts[:end]) + "/" for end in range(1, len(parts) + 1)]


def _is(there: HttpAnswer, body: bytes) -> bool:
    return not there.is_cut and there.body == body
