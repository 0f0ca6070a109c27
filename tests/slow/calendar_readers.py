"""Three readers of one calendar: the program, recurring-ical-events alone, and ical.js alone."""

from __future__ import annotations

import json
import subprocess
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge_daemon.errors import TimetableError
from edge_daemon.lesson.cancellations import is_status_cancelled
from edge_daemon.lesson.ical_lines import Source
from edge_daemon.lesson.rooms import is_in_room
from edge_daemon.lesson.timetable import build_timetable
from tests.slow.calendar_variants import ROOM, Variant

HERE = Path(__file__).parent
FIRST, END = datetime(2026, 8, 1, tzinfo=timezone.utc), datetime(2028, 1, 1, tzinfo=timezone.utc)
Lessons = tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class Reading:
    """What a reader finds in a calendar."""

    lessons: Lessons
    remarks: tuple[str, ...] = ()
    """The reader's remarks."""
    error: str = ""
    """Why the reader could not read the calendar; empty if it could."""


def by_program(variant: Variant) -> Reading:
    """Return what the program finds in a calendar."""
    free = [Source(Path("holidays.ics"), variant.holidays)] if variant.holidays else []
    try:
        read = build_timetable(
            [Source(Path("t.ics"), variant.text)], free, ROOM, "box", variant.school, **variant.settings
        )
    except TimetableError as error:
        return Reading((), error=error.line())
    lessons = tuple((one.start, one.end) for one in read.lessons(FIRST, END))
    remarks = [one.why for one in (*read.remarks, *read.left_out, *read.passed(FIRST, END))]
    return Reading(lessons, tuple(dict.fromkeys(remarks)))


def by_recurring_ical_events(variant: Variant) -> Reading:
    """Return what recurring-ical-events finds in a calendar.

    An event counts if it is in the room by our rule, has times, and is not cancelled by its status.
    """
    import icalendar
    import recurring_ical_events

    school = ZoneInfo(variant.school)
    icalendar.use_zoneinfo()  # forgets the VTIMEZONEs of the calendar before
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            calendars = icalendar.Calendar.from_ical(variant.text, multiple=True)
            found = [one for each in calendars for one in recurring_ical_events.of(each).between(FIRST, END)]
            return Reading(_lessons((_of_icalendar(one) for one in found), school))
    except Exception as error:  # noqa: BLE001 - whatever it raises is what its user sees
        return Reading((), error=f"{type(error).__name__}: {error}"[:120])


def _of_icalendar(found: Any) -> tuple[object, object, str, str]:
    start, end = found["DTSTART"].dt, found["DTEND"].dt if "DTEND" in found else found["DTSTART"].dt
    return start, end, str(found.get("LOCATION", "")), str(found.get("STATUS", ""))


def by_ical_js(variants: Sequence[Variant], modules: Path) -> list[Reading]:
    """Return what ical.js finds in calendars, read by one process of Node.

    Args:
        variants: the calendars.
        modules: folder that has `node_modules/ical.js`.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number, variant in enumerate(variants):
            (Path(folder) / f"{number}.ics").write_bytes(variant.text)
        command = ["node", str(HERE / "calendar_reader.mjs"), str(modules.resolve()), folder, str(len(variants))]
        completed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        _of_ical_js(parsed, variant) for parsed, variant in zip(json.loads(completed.stdout), variants, strict=True)
    ]


def _of_ical_js(parsed: Mapping[str, Any], variant: Variant) -> Reading:
    if "error" in parsed:
        return Reading((), error=parsed["error"][:120])
    school = ZoneInfo(variant.school)
    events = ((_time(one["start"]), _time(one["end"]), one["location"], one["status"]) for one in parsed["events"])
    return Reading(_lessons(events, school))


def _time(parsed_time: Mapping[str, Any]) -> object:
    """Return a time of ical.js: in UTC if it knows the zone, else by the clock of the IANA name, or floating."""
    at = datetime.fromisoformat(parsed_time["at"])
    if parsed_time["is_date"]:
        return at.date()
    if parsed_time["is_utc"]:
        return at.replace(tzinfo=timezone.utc)
    try:
        return at.replace(tzinfo=ZoneInfo(parsed_time["zone"])) if parsed_time["zone"] else at
    except (ZoneInfoNotFoundError, ValueError):
        return at


def _lessons(found: Any, school: ZoneInfo) -> Lessons:
    lessons = []
    for start, end, location, status in found:
        if not isinstance(start, datetime) or not isinstance(end, datetime):
            continue
        first, last = (at.replace(tzinfo=school) if at.tzinfo is None else at for at in (start, end))
        first, last = first.astimezone(timezone.utc), last.astimezone(timezone.utc)
        if is_in_room(location, [ROOM]) and not is_status_cancelled(status) and last - first > timedelta(0):
            lessons.append((first, last))
    return tuple(sorted(lessons))
