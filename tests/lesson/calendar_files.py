"""Calendar files for tests: written as offices' programs write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon.lesson.timetable import Timetable, load_timetable
from edge_daemon.types import Lesson

BERLIN = ZoneInfo("Europe/Berlin")
ROOM = "Room 7"


def event(*lines: str, uid: str = "u1", summary: str = "Maths", location: str = ROOM) -> str:
    """Return a VEVENT; what is empty is left out."""
    named = [("UID", uid), ("SUMMARY", summary), ("LOCATION", location)]
    own = [f"{name}:{value}" for name, value in named if value]
    return "\r\n".join(["BEGIN:VEVENT", *own, *lines, "END:VEVENT"])


def lesson(start: str, *lines: str, minutes: int = 45, zone: str = "Europe/Berlin", **names: str) -> str:
    """Return a VEVENT of some minutes that starts at a time such as 20260302T080000."""
    end = datetime.strptime(start, "%Y%m%dT%H%M%S") + timedelta(minutes=minutes)  # noqa: DTZ007 - a clock on the wall
    tzid = f";TZID={zone}" if zone else ""
    return event(f"DTSTART{tzid}:{start}", f"DTEND{tzid}:{end:%Y%m%dT%H%M%S}", *lines, **names)


def calendar(*parts: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *parts, "END:VCALENDAR", ""]).encode()


class Office:
    """A folder of calendar files, and the timetables read from them."""

    def __init__(self, folder: Path, zone: str = "Europe/Berlin") -> None:
        self.folder, self.zone = folder, ZoneInfo(zone)

    def write(self, *parts: str, name: str = "timetable.ics") -> Path:
        path = self.folder / name
        path.write_bytes(calendar(*parts))
        return path

    def read(self, *parts: str, holidays: tuple[str, ...] = (), room: str = ROOM) -> Timetable:
        """Return the timetable of one file of these events."""
        free = [self.write(*holidays, name="holidays.ics")] if holidays else []
        return load_timetable([self.write(*parts)], room, "box 1", str(self.zone), free)

    def lessons(self, timetable: Timetable, first: str = "2026-01-01", days: int = 366) -> list[Lesson]:
        start = datetime.fromisoformat(first).replace(tzinfo=self.zone)
        return timetable.lessons(start, start + timedelta(days=days))

    def starts(self, timetable: Timetable, first: str = "2026-01-01", days: int = 366) -> list[str]:
        """Return when lessons start, by the school's clock."""
        return [f"{one.start.astimezone(self.zone):%m-%d %H:%M}" for one in self.lessons(timetable, first, days)]

    def reasons(self, timetable: Timetable, first: str = "2026-01-01", days: int = 366) -> list[str]:
        start = datetime.fromisoformat(first).replace(tzinfo=self.zone)
        return [one.why for one in timetable.passed(start, start + timedelta(days=days))]
