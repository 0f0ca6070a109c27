"""Finds the current alerts of a school. Each alert has a key, so that no account receives it twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

from django.db.models import Max, Sum
from django.utils.formats import date_format

from edge_daemon_office.home import School
from edge_daemon_office.ingest.day_logs import missing_registers, without_awaited_logs
from edge_daemon_office.pages.below import FEWEST_LESSONS, consecutive
from edge_daemon_office.pages.excused import excused_days, is_excused
from edge_daemon_office.pages.names import names_of
from edge_daemon_office.pages.room_states import SILENT
from edge_daemon_office.pages.wording import t
from edge_daemon_office.people import rights
from edge_daemon_office.people.models import Account
from edge_daemon_office.registers.models import DayTally, Heartbeat, Mark, Promise
from edge_daemon_office.registers.months import between
from edge_daemon_office.scope import use_school

LATE: Final = timedelta(minutes=30)
"""How long after its lesson a register is expected."""
_QUIET: Final = timedelta(hours=2)
"""A device syncs every few minutes. After this silence in lesson time, somebody should look at it."""
_PERIOD: Final = timedelta(days=60)
_DAYS: Final = 7
"""Number of days, with today, whose events are reported if they were not reported before.

Mail may fail for a weekend, and registers may come late.
"""


@dataclass(frozen=True, slots=True)
class Alert:
    """One line of a digest."""

    key: str
    section: str
    """Heading under which the digest lists the line."""
    line: str


def alerts_of(account: Account, school: School, now: datetime) -> list[Alert]:
    """Return the alerts for an account: about rooms and about registers, as far as its role may see them."""
    use_school(school.school)
    found: list[Alert] = []
    today = now.astimezone(school.zone).date()
    if rights.may(account, rights.SEE_ROOMS):
        found += _rooms(school, today, now)
    if rights.may(account, rights.SEE_REGISTERS):
        found += [*_absent(account, today), *_low(account, school, today), *_in_a_row(account, school, today)]
    return found


def _rooms(school: School, today: date, now: datetime) -> list[Alert]:
    section = t("Lessons without a register")
    newest = _newest_contact(school, now)
    found = [
        Alert(f"register {one.lesson_id}", section, f"{one.device}, {_moment(one.start, school)}")
        for day in _last_days(today)
        for one in without_awaited_logs(school, missing_registers(school, day).missing, now)
        if one.end + LATE <= (now if day == today else newest)
    ]
    section = t("Rooms that are silent in lesson time")
    on_now = Promise.objects.filter(school=school.school, start__lte=now, end__gte=now)
    busy = set(on_now.values_list("device", flat=True))
    for one in Heartbeat.objects.filter(school=school.school):
        is_silent = one.at is None or now - one.at > (_QUIET if one.device in busy else SILENT)
        if is_silent and one.device in busy:
            last = _moment(one.at, school) if one.at else "–"
            found.append(Alert(f"silent {one.device} {today}", section, f"{one.device} ({t('Last contact')}: {last})"))
    return found


def _newest_contact(school: School, now: datetime) -> datetime:
    """Return when the office's copy last had news of any device.

    Later lessons of earlier days are not missing yet: the office itself may have been switched off.
    """
    contacts = Heartbeat.objects.filter(school=school.school).aggregate(newest=Max("at"))["newest"]
    return min(contacts or datetime.min.replace(tzinfo=timezone.utc), now)


def _last_days(today: date) -> list[date]:
    """Return the days whose events may still have to be reported, earliest first."""
    return [today - timedelta(days=before) for before in reversed(range(_DAYS))]


def _moment(at: datetime, school: School) -> str:
    """Return date and time at the school as the pages write them."""
    local = at.astimezone(school.zone)
    return f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M}"


def _absent(account: Account, today: date) -> list[Alert]:
    """Return the unexcused absences of the last days, except those that a person must check first."""
    first = _last_days(today)[0]
    marks = Mark.objects.filter(
        **rights.own(account), **between(first, today), standing="absent", is_counted=True
    ).order_by("day", "start")
    by_day: dict[tuple[str, date], list[Mark]] = {}
    for mark in marks:
        by_day.setdefault((mark.student_id, mark.day), []).append(mark)
    excuses = excused_days(account.school, first, today)
    names = names_of(account.school, [student_id for student_id, _ in by_day])
    return [
        Alert(
            f"absent {student_id} {day}",
            t("Absent and not excused"),
            f"{names[student_id]}, {date_format(day, 'SHORT_DATE_FORMAT')}: {', '.join(mark.course for mark in found)}",
        )
        for (student_id, day), found in by_day.items()
        if not is_excused(excuses.get(student_id, ()), day)
    ]


def _low(account: Account, school: School, today: date) -> list[Alert]:
    tallies = DayTally.objects.filter(**rights.own(account), day__gte=today - _PERIOD, day__lte=today)
    sums = tallies.values("student_id").annotate(present=Sum("present"), absent=Sum("absent"))
    low = [
        row
        for row in sums
        if (decided := row["present"] + row["absent"]) >= FEWEST_LESSONS
        and 100 * row["present"] < school.limit_percent * decided
    ]
    names = names_of(account.school, [row["student_id"] for row in low])
    return [
        Alert(
            f"low {row['student_id']} {today:%Y-%m}",  # again in another month, where it still holds
            t("Below %(limit)s percent", limit=school.limit_percent),
            f"{names[row['student_id']]}: {row['present'] / (row['present'] + row['absent']):.0%}",
        )
        for row in low
    ]


def _in_a_row(account: Account, school: School, today: date) -> list[Alert]:
    tallies = DayTally.objects.filter(**rights.own(account), day__gte=today - _PERIOD, day__lte=today)
    rows = consecutive(account.school, tallies, school.consecutive_days)
    names = names_of(account.school, [row["student_id"] for row in rows])
    section = t("Absent and not excused for %(days)s or more days in a row", days=school.consecutive_days)
    return [
        Alert(f"row {row['student_id']} {row['since']}", section, f"{names[row['student_id']]}: {row['days']}")
        for row in rows
    ]
