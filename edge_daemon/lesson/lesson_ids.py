"""Lesson ids: UUIDv5 (RFC 9562), so that a lesson has the same id after any restart."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Final

NAMESPACE: Final = uuid.UUID("6f3b7f0e-6a52-5b7d-9d53-0c1f3a6f2b11")
"""Namespace of all lesson ids of this program."""


def timetable_lesson_id(device: str, calendar_uid: str, recurrence_start: datetime) -> str:
    """Return the id of a lesson from the timetable.

    Args:
        device: name of the device.
        calendar_uid: UID of the calendar event.
        recurrence_start: start of the lesson by the event's rule, so that a moved lesson of a series keeps its id.
    """
    return str(uuid.uuid5(NAMESPACE, f"{device}|{calendar_uid}|{_utc(recurrence_start):%Y%m%dT%H%M%SZ}"))


def moved_lesson_id(lesson_id: str, start: datetime) -> str:
    """Return a new id for a lesson that is moved after it was held. The lesson at the new time gets its own register.

    Args:
        lesson_id: id of the lesson that was held.
        start: the new start.
    """
    return str(uuid.uuid5(NAMESPACE, f"{lesson_id}|moved|{_utc(start):%Y%m%dT%H%M%SZ}"))


def timetable_event_id(device: str, calendar_uid: str) -> str:
    """Return the id of a calendar event, which all of its lessons share."""
    return str(uuid.uuid5(NAMESPACE, f"{device}|{calendar_uid}"))


def rehearsal_lesson_id(device: str, frames_digest: str, called_at: datetime) -> str:
    """Return the id of a rehearsal. Each rehearsal has an id of its own, because `called_at` has microseconds.

    Args:
        device: name of the device.
        frames_digest: digest of the pictures' names and contents (the camera's `digest`).
        called_at: time at which the rehearsal was started.
    """
    return str(uuid.uuid5(NAMESPACE, f"{device}|{frames_digest}|{_utc(called_at):%Y%m%dT%H%M%S.%fZ}"))


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"a time without time zone: {at.isoformat()}")
    return at.astimezone(timezone.utc)
