"""A message to one receiver, before anybody knows by which way it goes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["office", "student", "guardian", "teacher"]

_NAMESPACE: Final = uuid.UUID("4b0d1e0a-6f57-5c54-9a0a-7d2f2a3c8e61")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    content: bytes
    """XLSX."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, composed."""

    message_id: str
    """UUID, the same in every try of the same item: a receiver knows a repeat by it."""
    role: Role
    student_id: str
    """Whom it is about; empty in a message to the office."""
    address: str
    """Empty where the school's server knows it."""
    sender_name: str
    subject: str
    text: str
    html: str
    registers: tuple[tuple[str, int], ...]
    """Lesson id and revision of what it tells of."""
    attachments: tuple[Attachment, ...] = ()
    language: str = ""
    """Tag of BCP 47; empty: not said."""
    course: str = ""
    """Of the lesson, in a message to its teacher."""
    follows: str = ""
    """Id of the message that this one corrects: mail programs show both together."""


def stable_message_id(device: str, kind: str, ref: str, student_id: str) -> str:
    """Return the id of the message of an outbox item: UUIDv5 of what makes the item unique."""
    return str(uuid.uuid5(_NAMESPACE, "|".join((device, kind, ref, student_id))))
