"""The weeks and months of the office's sheets, and which sheets are sent again because of late registers.

A sheet covers `2026-W47` or `2026-11`. If it was sent too early, it is sent again after its time is over, as
`2026-W47~2`, `2026-W47~3`. This happens when the clock was ahead, or when a register was made late. Which
version is the latest follows from the order of the outbox, which no clock can change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

from edge_daemon.attendance.sheets import By
from edge_daemon.attendance.week import SchoolWeek
from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox

_VERSION_MARK: Final = "~"


@dataclass(frozen=True, slots=True)
class Period:
    """A week or month of the device's time zone."""

    by: By
    start: datetime
    end: datetime


def base_of(ref: str) -> tuple[str, int]:
    """Return the week or month of a sheet, and the sheet's version, from 1 on."""
    base, _, version = ref.partition(_VERSION_MARK)
    return base, int(version) if version.isdecimal() else 1


def sheet_before(ref: str) -> str | None:
    """Return the reference of the sheet that this one replaces; None for the first one."""
    base, version = base_of(ref)
    if version == 1:
        return None
    return base if version == 2 else f"{base}{_VERSION_MARK}{version - 1}"


def period_of(ref: str, zone: tzinfo, week: SchoolWeek) -> Period:
    """Return the days of a reference such as `2026-W47`, `2026-11` or `2026-W47~2`.

    Args:
        ref: the reference of a sheet.
        zone: the device's time zone.
        week: the school week, which decides the first day.

    Raises:
        RegisterError: the text is not a week or month.
    """
    year, _, rest = base_of(ref)[0].partition("-")
    try:
        if rest.startswith("W"):
            first = week.begin_of(int(year), int(rest[1:]))
            return Period("week", _midnight(first, zone), _midnight(first + timedelta(days=7), zone))
        first = date(int(year), int(rest), 1)
        return Period("month", _midnight(first, zone), _midnight((first + timedelta(days=31)).replace(day=1), zone))
    except (ValueError, OverflowError) as error:
        raise RegisterError("is not a week or month", repr(ref), "a week is 2026-W47, a month 2026-11") from error


def put_sheet(db: sqlite_utils.Database, kind: str, ref: str, zone: tzinfo, week: SchoolWeek, now: datetime) -> bool:
    """Queue the sheet of a past week or month; queue it again if registers of it were made after it was sent.

    Call this within a transaction.

    Args:
        db: register.sqlite.
        kind: `outbox.WEEK` or `outbox.MONTH`.
        ref: the week or month.
        zone: the device's time zone.
        week: the school week, which decides the first day.
        now: the time; it has to be trusted.

    Returns:
        Whether a new item was written.
    """
    if outbox.put(db, destination="mail", kind=kind, ref=ref, not_before=now, at=now):
        return True
    item_id, last, state = db.execute(
        "SELECT item_id, ref, state FROM outbox WHERE destination = 'mail' AND kind = ?1 AND (ref = ?2 OR ref GLOB ?3)"
        " AND instr(ref, '#') = 0 ORDER BY item_id DESC LIMIT 1",
        (kind, ref, f"{ref}{_VERSION_MARK}[0-9]*"),
    ).fetchone()
    period = period_of(ref, zone, week)
    if state != "delivered" or not _were_made_after(db, item_id, period):
        return False
    again = f"{ref}{_VERSION_MARK}{base_of(last)[1] + 1}"
    return outbox.put(db, destination="mail", kind=kind, ref=again, not_before=now, at=now)


def _were_made_after(db: sqlite_utils.Database, item_id: int, period: Period) -> bool:
    """Return whether lessons of a period got their first register after an item was written."""
    row = db.execute(
        "SELECT 1 FROM outbox JOIN lessons USING (lesson_id) WHERE destination = 'upstream' AND kind = ?"
        " AND item_id > ? AND ref = lesson_id || '/1' AND origin = 'timetable' AND start_utc >= ? AND start_utc < ?",
        (outbox.REGISTER, item_id, *(f"{at:%Y-%m-%dT%H:%M:%S}" for at in (period.start, period.end))),
    ).fetchone()
    return row is not None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(timezone.utc)
