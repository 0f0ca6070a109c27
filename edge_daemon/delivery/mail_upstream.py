"""Leaving the sending to the school's server: a message as a document beside the registers, without any address."""

from __future__ import annotations

import json
from typing import Protocol

from edge_daemon.delivery import document_paths
from edge_daemon.delivery.message import Message
from edge_daemon.types import Outcome

SCHEMA = 1
"""Of the document (docs/mail.schema.json)."""


class _Store(Protocol):
    """What `Upstream` can do of it."""

    def put(self, path: str, body: bytes, *, write_once: bool) -> Outcome:
        """Store a document."""

    def close(self) -> None:
        """Give the connection back."""


class UpstreamMail:
    """The school's server as the sender of messages.

    Args:
        upstream: where documents are stored.
        device: its name.
        office: the number of addresses of the office is the server's own business: it gets one message.
    """

    needs_addresses = False
    name = "the school's server"

    def __init__(self, upstream: _Store, device: str) -> None:
        self._upstream, self._device = upstream, device

    def send(self, message: Message) -> Outcome:
        """Store a message; the server has sent it or will."""
        path = document_paths.mail(self._device, message.message_id)
        return self._upstream.put(path, to_json(message, self._device), write_once=False)

    def close(self) -> None:
        """Give the connection back."""
        self._upstream.close()


def to_json(message: Message, device: str) -> bytes:
    """Return a message as a document: to whom by role and student id, what it says, and which registers it tells of."""
    document = {
        "schema": SCHEMA,
        "message_id": message.message_id,
        "device": device,
        "to": message.role,
        "student_id": message.student_id or None,
        "course": message.course or None,
        "language": message.language or None,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "sheets": [attachment.name for attachment in message.attachments],
        "registers": [{"lesson_id": lesson_id, "revision": revision} for lesson_id, revision in message.registers],
        "follows": message.follows or None,
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
