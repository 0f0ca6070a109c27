"""Exchanges documents with the office's server, which is of kind `api` or `webdav` (docs/UPSTREAM.md).

A document counts as delivered when the server has proved that it has exactly these bytes, not when it answers "201". A
document that is written once is never overwritten, even if another device wrote it. If one document fails, the others
are still sent. If several in a row fail, this counts as a failure of the server.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Final

from edge_daemon import __version__
from edge_daemon.config import UpstreamConfig
from edge_daemon.delivery import receipts
from edge_daemon.delivery.answers import ForbiddenOutcome, is_page, unfetched
from edge_daemon.delivery.document_paths import quoted
from edge_daemon.delivery.http import Limits, NoAnswerError, Server
from edge_daemon.delivery.upstream_settings import checked_ca_file, checked_client_certificate, checked_url
from edge_daemon.delivery.webdav import WebDav
from edge_daemon.errors import DeliveryError
from edge_daemon.types import Outcome

logger = logging.getLogger(__name__)

IN_A_ROW: Final = 3
"""Consecutive failures after which the server counts as failing, so that the other documents need no attempt."""
_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
_OK, _NOT_MODIFIED, _NOT_FOUND, _GONE = 200, 304, 404, 410


@dataclass(frozen=True, slots=True)
class PullResponse:
    """The server's answer to a request for a document."""

    status: int
    """HTTP status; 0 if there was no usable answer.

    200: `body` has a new version. 304: the known version is current. 404: there is no document. Others: see `problem`.
    """
    body: bytes = b""
    etag: str = ""
    problem: Outcome | None = None


def is_etag(text: str) -> bool:
    """Return whether a text is an ETag (RFC 9110, section 8.8.3) that can be sent back."""
    return _ETAG.fullmatch(text) is not None


class Upstream:
    """The office's server. Only one thread may use it.

    Args:
        settings: [upstream].
        token: the token from `read_token`; empty: none.
        config_dir: folder where a relative upstream.ca_file starts.
        device: name of this device for the server.
        limits: time limits.
        now: returns the current time, for a Retry-After that is a date.

    Raises:
        DeliveryError: the settings can't be used.
    """

    def __init__(
        self,
        settings: UpstreamConfig,
        token: str,
        *,
        config_dir: Path = Path(),
        device: str = "",
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        url = checked_url(settings)
        self._now, self._failed_in_a_row, self._forbidden_in_a_row, self._has_taken = now, 0, 0, False
        self._server = Server(
            url,
            secret=token,
            username=settings.username,
            ca_file=checked_ca_file(settings, config_dir),
            client_certificate=checked_client_certificate(settings, config_dir),
            proxy=settings.proxy,
            agent=f"edge-daemon/{__version__}" + (f" ({ascii(device)[1:-1]})" if device else ""),
            limits=limits or Limits(),
        )
        self._webdav = WebDav(self._server) if settings.kind == "webdav" else None
        if url.startswith("http://"):
            logger.warning("upstream is not encrypted: anybody on the way can read and change registers")

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._server.close()

    def put(self, path: str, body: bytes, *, write_once: bool) -> Outcome:
        """Deliver a document.

        Args:
            path: path below `upstream.url`, not quoted (`delivery/document_paths.py`).
            body: the document, JSON.
            write_once: True: an existing document is never overwritten. False: it is replaced.

        Raises:
            DeliveryError: the path could leave its folder.
        """
        place = quoted(path)
        try:
            if self._webdav is not None:
                outcome = self._webdav.put(place, body, write_once=write_once, now=self._now())
            else:
                outcome = receipts.put(self._server, place, body, write_once=write_once, now=self._now())
        except NoAnswerError as error:
            outcome = Outcome("retry", error.what, receiver_down=not error.in_the_middle)
        return self._weighed(outcome)

    def get(self, path: str, etag: str, max_bytes: int) -> PullResponse:
        """Request a document, unless the ETag's version is still the current one.

        Raises:
            DeliveryError: the path could leave its folder, or the answer is unusable.
        """
        known = {"If-None-Match": etag} if is_etag(etag) else {}
        try:
            answer = self._server.ask("GET", quoted(path), headers=known, max_bytes=max_bytes)
        except NoAnswerError as error:
            return PullResponse(0, problem=Outcome("retry", error.what, receiver_down=not error.in_the_middle))
        if answer.status == _NOT_MODIFIED:
            return PullResponse(_NOT_MODIFIED, etag=etag)
        if answer.status in (_NOT_FOUND, _GONE):
            return PullResponse(_NOT_FOUND)
        if answer.status != _OK or is_page(answer):
            name = path.rpartition("/")[2]
            problem = unfetched(answer, name, self._server.where, self._now())
            return PullResponse(answer.status if answer.status != _OK else 0, problem=problem)
        if answer.is_cut:
            raise DeliveryError(f"is larger than {max_bytes} bytes", path, "make it smaller")
        given = answer.headers.get("etag", "")
        return PullResponse(_OK, answer.body, given if is_etag(given) else "")

    def has(self, path: str) -> bool | None:
        """Return whether the server has a document; None if its answer does not show this."""
        try:
            status = self._server.ask("HEAD", quoted(path), max_bytes=0).status
        except NoAnswerError:
            return None
        return True if status == _OK else False if status in (_NOT_FOUND, _GONE) else None

    def _weighed(self, outcome: Outcome) -> Outcome:
        """Return the outcome, changed if earlier outcomes show that a failure concerns the server, not the document."""
        if outcome.name == "delivered":
            self._failed_in_a_row, self._forbidden_in_a_row, self._has_taken = 0, 0, True
            return outcome
        if outcome.is_doubtful or outcome.name == "parked":
            self._failed_in_a_row = 0
            return self._of_one(outcome) if isinstance(outcome, ForbiddenOutcome) else outcome
        self._failed_in_a_row += 1
        return dataclasses.replace(outcome, receiver_down=outcome.receiver_down or self._failed_in_a_row >= IN_A_ROW)

    def _of_one(self, outcome: ForbiddenOutcome) -> Outcome:
        """Decide whether an answer 403 concerns the document or the device; return the new outcome.

        If the server accepted another document in this run, it knows the device, so a single 403 concerns the document.
        An answer 401 (unknown token) never concerns one document; otherwise 2,000 items might be parked because of it.
        """
        self._forbidden_in_a_row += 1
        is_one = self._has_taken and self._forbidden_in_a_row < IN_A_ROW
        return Outcome("parked", outcome.answer, receiver_down=not is_one, is_doubtful=True)
