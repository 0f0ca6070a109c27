"""A message to one receiver, independent of how it is sent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["office", "student", "guardian", "teacher"]

_NAMESPACE: Final = uuid.UUID("4b0d1e0a-6f57-5c54-9a0a-7d2f2a3c8e61")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to a message."""

    name: str
    content: bytes
    """Contents of the file, in the format XLSX."""


@dataclass(frozen=True, slots=True)
class Message:
    """A complete message."""

    message_id: str
    """A UUID, which is the same in every attempt of an item, so that the receiver recognises a repetition."""
    role: Role
    student_id: str
    """Id of the student whom the message concerns; empty in a message to the office."""
    address: str
    """Mail address of the receiver; empty if the school's server knows it."""
    sender_name: str
    subject: str
    text: str
    html: str
    registers: tuple[tuple[str, int], ...]
    """Lesson id and revision of each register that the message reports."""
    attachments: tuple[Attachment, ...] = ()
    language: str = ""
    """BCP 47 tag; empty: not specified."""
    course: str = ""
    """Course of the lesson, in a message to its teacher."""
    follows: str = ""
    """Id of the message that this one corrects. Mail programs show both together."""


def stable_message_id(device: str, kind: str, ref: str, student_id: str) -> str:
    """Return the message id of an outbox item: UUIDv5 of the fields that make the item unique."""
    return str(uuid.uuid5(_NAMESPACE, "|".join((device, kind, ref, student_id))))
