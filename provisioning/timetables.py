"""A first look at a timetable, enough to see that the right file was named; the device reads it in full."""

from __future__ import annotations

import re

_FOLD = re.compile(r"\r?\n[ \t]")
_LOCATION = re.compile(r"^LOCATION(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_ESCAPE = re.compile(r"\\([\\;,nN])")


def locations(content: bytes) -> set[str] | None:
    """Return the rooms that occur in an iCalendar file (RFC 5545, 3.8.1.7), None where it is no such file."""
    text = content.decode("utf-8-sig", errors="replace")
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        return None
    found = _LOCATION.findall(_FOLD.sub("", text))
    return {_ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], place).strip() for place in found}
