"""The school's server as a receiver: it gets registers, commitments and the device's state, and offers documents."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from edge_daemon.app.inbox.waiting import pull_all
from edge_daemon.app.sync.day_documents import day_document, days_to_send
from edge_daemon.app.sync.day_index import day_indexes
from edge_daemon.app.sync.device_documents import device_of, json_bytes, key_document
from edge_daemon.app.sync.heartbeat import heartbeat
from edge_daemon.app.sync.server_watch import is_own_key_there, look_for_missing
from edge_daemon.delivery import document_paths
from edge_daemon.delivery.http import Limits
from edge_daemon.delivery.upstream import PullResponse, Upstream
from edge_daemon.delivery.upstream_settings import read_token
from edge_daemon.errors import DamageError, DeliveryError, StoreError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.backlog import document_of
from edge_daemon.store.daily_events import KEPT_DAYS
from edge_daemon.store.sync_note import Notebook
from edge_daemon.types import Delivery, Outcome

logger = logging.getLogger(__name__)

LIMITS = Limits()
"""Time limits of an exchange; a test sets shorter ones."""
_KEPT_DAYS = 7


class Documents(Protocol):
    """The methods of `delivery/upstream.py` that are used here."""

    def put(self, path: str, body: bytes, *, write_once: bool) -> Outcome:
        """Try once to upload a document; with `write_once`, an existing document is never overwritten."""

    def get(self, path: str, etag: str, max_bytes: int) -> PullResponse:
        """Request a document, unless its version with this ETag is still the current one."""

    def has(self, path: str) -> bool | None:
        """Return whether the server has a document; None if its answer does not show this."""

    def close(self) -> None:
        """Close the connection."""


class OfficeReceiver:
    """The school's server.

    Args:
        home: the installation.
        server: the server at its checked address, with the login.
        notebook: what the server has already; kept up to date.
        stopping: asked between documents whether to stop.
    """

    takes_state, proves_itself = True, False

    def __init__(self, home: Home, server: Documents, notebook: Notebook, stopping: Callable[[], bool]) -> None:
        self._home, self._server, self._notebook, self._stopping = home, server, notebook, stopping
        self._device = home.config.device.name
        self._begun: datetime | None = None
        self._takes_ours: bool | None = None

    @classmethod
    def opened(cls, home: Home, notebook: Notebook, stopping: Callable[[], bool]) -> OfficeReceiver:
        """Return the server that the settings name.

        Raises:
            DeliveryError: the settings can't be used.
        """
        settings, folder = home.config.upstream, home.config_path.parent
        token = read_token(settings, folder)
        server = Upstream(settings, token, config_dir=folder, device=home.config.device.name, limits=LIMITS)
        return cls(home, server, notebook, stopping)

    def ask(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        """Fetch the server's documents for this device; a failure with one does not stop the others."""
        self._begun = now
        try:
            results = pull_all(self._home, db, self._server, now)
        except DamageError:
            raise
        except StoreError as error:  # new documents can't be stored, but deliveries can still go out
            logger.warning("document not kept", extra={"reason": error.what})
            return None
        if not self._stopping():
            look_for_missing(db, partial(self._has, db), self._notebook, now)
        unreachable = [one for one in results if one.result == "unreachable"]
        if not unreachable:
            return None
        reasons = "; ".join(one.reason for one in unreachable)
        is_down = unreachable[-1].receiver_down and not unreachable[-1].is_doubtful
        return Outcome("retry", reasons, receiver_down=is_down)

    def deliver(self, db: sqlite_utils.Database, delivery: Delivery) -> Outcome:
        """Upload one document, exactly as it was made."""
        if delivery.kind not in (outbox.REGISTER, outbox.COMMITMENT):
            raise DeliveryError("is of a kind that this program does not know", f"item {delivery.item_id}", "update it")
        document = document_of(db, delivery.kind, delivery.ref)
        if document is None:
            raise DeliveryError("its document is missing", f"item {delivery.item_id}", "see `edge-daemon ledger`")
        device, path = device_of(document, self._device), self._path(delivery.kind, delivery.ref, document)
        body = document.encode("utf-8")
        outcome = self._put(path, body, write_once=True)
        if outcome.is_doubtful and outcome.name == "parked" and device != self._device and self._is_known(db):
            return Outcome("parked", outcome.answer)
        return outcome

    def send_state(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        """Send the key, the logs and indexes of days, and last the state of the device, so that its time is the latest.

        An error with one of these does not stop the others.
        """
        refused: Outcome | None = None
        for step in (self._send_key, self._send_event_logs, self._send_day_indexes, self._send_heartbeat):
            outcome = step(db, now)
            if outcome is None or outcome.name == "delivered":
                continue
            refused = refused or outcome
            if outcome.receiver_down and not outcome.is_doubtful:
                break
        return refused

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def _send_key(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        fields = key_document(self._home, db)
        if fields is None or is_own_key_there(
            db, self._server.get, self._notebook, self._device, json_bytes(fields), now
        ):
            return None
        path = document_paths.key(self._device)
        self._notebook.documents.pop(path, None)
        return self._replace(path, fields)

    def _send_event_logs(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        zone = ZoneInfo(self._home.config.device.time_zone)
        today = now.astimezone(zone).date()
        for day in days_to_send(db, self._notebook.days_until, now, zone, KEPT_DAYS):
            if self._stopping():
                return None
            outcome = self._replace(document_paths.day(self._device, day), day_document(db, day, zone, self._device))
            if outcome is not None and outcome.name != "delivered":
                return outcome
            # Yesterday's log may still change, by a register that is made late or an item that is refused.
            if day < today - timedelta(days=1):
                self._notebook.days_until = day.isoformat()
        self._forget_old(today, now)
        return None

    def _send_day_indexes(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        """Send the indexes of recent days to a server of folders; a server of kind `api` has a feed in place of them.

        A refused index is logged and not returned, because the office can list the folders instead. Only an outcome
        that says that the receiver is down is returned. The heartbeat follows later: its change makes a reader look
        for new documents.
        """
        if self._home.config.upstream.kind != "webdav":
            return None
        for day, fields in day_indexes(db, _first_kept(now), self._device).items():
            if self._stopping():
                return None
            outcome = self._replace(document_paths.delivered(self._device, day), fields)
            if outcome is not None and outcome.name != "delivered":
                logger.info("index of a day not taken", extra={"destination": "upstream", "reason": outcome.answer})
                return outcome if outcome.receiver_down and not outcome.is_doubtful else None
        return None

    def _send_heartbeat(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        if self._stopping():
            return None
        body = json_bytes(heartbeat(self._home, db, now))
        return self._put(document_paths.status(self._device), body, write_once=False)

    def _has(self, db: sqlite_utils.Database, kind: str, ref: str) -> bool | None:
        document = document_of(db, kind, ref)
        return None if document is None else self._server.has(self._path(kind, ref, document))

    def _path(self, kind: str, ref: str, document: str) -> str:
        """Return the path of a document, under the device name with which it was made and signed."""
        device = device_of(document, self._device)
        if kind != outbox.REGISTER:
            return document_paths.commitment(device, ref)
        lesson_id, _, revision = ref.rpartition("/")
        return document_paths.register(device, lesson_id, int(revision))

    def _is_known(self, db: sqlite_utils.Database) -> bool:
        """Return whether the server accepts documents in the folder with this device's present name.

        If it does, and refuses a document in the folder with an earlier name, the earlier name is the reason.
        """
        if self._takes_ours is None and self._begun is not None:
            outcome = self._send_heartbeat(db, self._begun)
            self._takes_ours = outcome is not None and outcome.name == "delivered"
        return bool(self._takes_ours)

    def _replace(self, path: str, fields: Mapping[str, object]) -> Outcome | None:
        """Upload a document unless the server has the same one; return None in that case."""
        body = json_bytes(fields)
        sha256 = hashlib.sha256(body).hexdigest()
        if self._notebook.documents.get(path) == sha256:
            return None
        outcome = self._put(path, body, write_once=False)
        if outcome.name == "delivered":
            self._notebook.documents[path] = sha256
        return outcome

    def _forget_old(self, today: date, now: datetime) -> None:
        kept = {
            document_paths.key(self._device),
            *(document_paths.day(self._device, today - timedelta(days=n)) for n in range(_KEPT_DAYS)),
        }
        indexes, first = f"/{document_paths.DELIVERED}/", document_paths.delivered(self._device, _first_kept(now))
        self._notebook.documents = {
            path: sha256
            for path, sha256 in self._notebook.documents.items()
            if path in kept or (indexes in path and path >= first)
        }

    def _put(self, path: str, body: bytes, *, write_once: bool) -> Outcome:
        outcome = self._server.put(path, body, write_once=write_once)
        self._notebook.reached = self._notebook.reached or outcome.name == "delivered"
        return outcome


def _first_kept(now: datetime) -> date:
    """Return the first day, in UTC, whose index may still change on the server."""
    return now.astimezone(timezone.utc).date() - timedelta(days=_KEPT_DAYS - 1)
