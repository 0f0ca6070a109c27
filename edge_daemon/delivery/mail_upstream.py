"""Sends messages through the school's server.

The server gets each message as a document without addresses, and mails it.
"""

from __future__ import annotations

import json
from typing import Protocol

from edge_daemon.delivery import document_paths
from edge_daemon.delivery.message import Message
from edge_daemon.types import Outcome

SCHEMA = 1
"""Schema of the document (docs/mail.schema.json)."""


class _Store(Protocol):
    """The methods of `Upstream` that this module uses."""

    def put(self, path: str, body: bytes, *, write_once: bool) -> Outcome:
        """Try once to store a document on the server, and return the outcome."""

    def close(self) -> None:
        """Release the connection."""


class UpstreamMail:
    """The school's server as the sender of messages.

    Args:
        upstream: the server that stores documents.
        device: name of this device.
    """

    needs_addresses = False
    name = "the school's server"

    def __init__(self, upstream: _Store, device: str) -> None:
        self._upstream, self._device = upstream, device

    def send(self, message: Message) -> Outcome:
        """Store a message on the server, which sends it by mail. `delivered` means that the server has it."""
        path = document_paths.mail(self._device, message.message_id)
        return self._upstream.put(path, to_json(message, self._device), write_once=False)

    def close(self) -> None:
        """Release the connection."""
        self._upstream.close()


def to_json(message: Message, device: str) -> bytes:
    """Return a message as a JSON document, which names the receiver by role and student id and has no address."""
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
