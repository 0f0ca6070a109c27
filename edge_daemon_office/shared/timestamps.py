"""Times as text: RFC 3339 in UTC, so that text sorts in order of time."""

from __future__ import annotations

from datetime import datetime, timezone


def stored(at: datetime) -> str:
    """Return an aware time as `2026-11-21T08:00:00.000000Z`, always 27 characters: the form of the databases."""
    return _utc(at).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def written(at: datetime) -> str:
    """Return an aware time as `2026-11-21T08:00:00Z`, with a fraction if it has one: the form of documents."""
    return _utc(at).isoformat().replace("+00:00", "Z")


def parsed(text: str) -> datetime:
    """Parse a time in either of this module's two formats.

    Raises:
        ValueError: the text is not such a time.
    """
    try:
        return _utc(datetime.fromisoformat(text.removesuffix("Z") + "+00:00" if text.endswith("Z") else text))
    except OverflowError as error:  # within a day of the first or last year
        raise ValueError(f"not a time in UTC: {text}") from error


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"a time without time zone: {at.isoformat()}")
    return at.astimezone(timezone.utc)
