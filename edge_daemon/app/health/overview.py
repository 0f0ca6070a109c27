"""The state of the device now, from the service's status or the databases, and the problems that need a person.

It loads no vision code and needs no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from edge_daemon.app.health.delivery_overview import DeliveryOverview, look_at_delivery
from edge_daemon.app.health.last_lesson import lesson_problems
from edge_daemon.device import host_checks
from edge_daemon.device.clock import SystemClock
from edge_daemon.device.host import Host, read_host
from edge_daemon.device.host_checks import LEAST_FREE_MB
from edge_daemon.device.status import STALE_S, LessonStatus, ServiceStatus, age_s, read_status, runs
from edge_daemon.errors import EdgeError, StoreError
from edge_daemon.home import Home
from edge_daemon.store.backlog import Backlog
from edge_daemon.store.database import open_register
from edge_daemon.store.lesson_counts import LessonCounts, last_finalised, unfinished
from edge_daemon.store.skipped import SkippedLesson, skipped_lessons
from edge_daemon.types import ClockState, Lesson

__all__ = ["LOOK_BACK", "MB", "Backlog", "LessonCounts", "LessonStatus", "Life", "Overview", "age_s", "look"]

LOOK_BACK = timedelta(days=7)
LOOK_AHEAD = timedelta(days=14)
MB = 2**20

Life = Literal["runs", "stuck", "ended", "none", "hidden"]
"""State of the service. `ended`: the process of the last status is gone; `hidden`: this user can't read the status."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of the device at one moment."""

    now: datetime
    life: Life
    status: ServiceStatus | None
    """The last status of the service, even of one that ended."""
    clock: ClockState
    next_start: datetime | None
    next_course: str
    last: LessonCounts | None
    open_lessons: tuple[LessonCounts, ...]
    """Lessons without a register yet, except the running one."""
    skipped: tuple[SkippedLesson, ...]
    """Missed lessons of the last days."""
    host: Host
    delivery: DeliveryOverview | None = None
    """State of the deliveries; None if there is no database yet or it can't be read."""
    problems: tuple[str, ...] = field(default=())
    """Problems that need a person, a line each; empty if all is well."""

    @property
    def lesson(self) -> LessonStatus | None:
        """The running lesson, according to the service."""
        return self.status.lesson if self.status is not None and self.life in ("runs", "stuck") else None


def look(home: Home, now: datetime, root: Path = Path("/")) -> Overview:
    """Return the state of the device. A part that can't be read becomes a problem in the result, never an error.

    Args:
        home: the installation.
        now: the time.
        root: the root folder of /proc and /sys.
    """
    problems: list[str] = []
    status, life = _service(home)
    problems += _service_problems(home, status, life)
    current = status if status is not None and life in ("runs", "stuck") else None
    last, open_lessons, skipped = _history(home, now, problems)
    if current is not None and current.lesson is not None:
        running = current.lesson.lesson_id
        open_lessons = tuple(one for one in open_lessons if one.stored.lesson.lesson_id != running)
    asks_itself = current is None or current.state == "starting"  # a starting service has not read the timetable yet
    following = _next_lesson(home, now, problems) if asks_itself else None
    delivery = _delivery(home, now, problems)
    host = read_host(home.state_dir, root)
    problems += _host_problems(home, host)
    return Overview(
        now=now,
        life=life,
        status=status,
        clock=current.clock if current is not None else _clock(home),
        next_start=following.start if following else current.next_lesson_start if current is not None else None,
        next_course=following.course if following else current.next_course if current is not None else "",
        last=last,
        open_lessons=open_lessons,
        skipped=skipped,
        host=host,
        delivery=delivery,
        problems=tuple(problems),
    )


def _service(home: Home) -> tuple[ServiceStatus | None, Life]:
    try:
        status = read_status(home.runtime_dir)
    except PermissionError:
        return None, "hidden"
    if status is None:
        return None, "none"
    if not runs(status):
        return status, "ended"
    return status, "stuck" if age_s(status) > STALE_S else "runs"


def _service_problems(home: Home, status: ServiceStatus | None, life: Life) -> list[str]:
    if life == "hidden":
        return ["only its own user can read the service's status: run this as root"]
    if status is None:
        return [] if home.home_mode else ["no service runs: `systemctl status edge-daemon` says why"]
    if life == "ended" and status.ended_by:
        faults = [f"{name}: {fault}" for name, fault in status.faults().items()]
        return [*faults, f"the service ended, and systemd starts it again: {status.ended_by}"]
    if life == "ended":
        return ["the service ended without giving a reason: `journalctl -u edge-daemon` may say why"]
    found = [f"the service has not reported for {age_s(status):.0f} s"] if life == "stuck" else []
    if status.state == "degraded":
        found.append(status.detail)
    return [*found, *(f"{name}: {fault}" for name, fault in status.faults().items())]


def _host_problems(home: Home, host: Host) -> Iterator[str]:
    """Yield the problems of the computer that `doctor` reports, and a problem if the disk is nearly full."""
    if host.disk_free_bytes < LEAST_FREE_MB * MB:
        yield f"the disk has only {host.disk_free_bytes // MB} MB left"
    for check in (host_checks.disk(home.state_dir, host), host_checks.temperature(host), host_checks.power(host)):
        if check.state == "bad":
            yield f"{check.name}: {check.found}; {check.advice}"


def _history(
    home: Home, now: datetime, problems: list[str]
) -> tuple[LessonCounts | None, tuple[LessonCounts, ...], tuple[SkippedLesson, ...]]:
    try:
        if not home.register_db_path.exists():
            return None, (), ()
        db = open_register(home.register_db_path, create=False)
        with closing(db.conn):
            problems += lesson_problems(db, now)
            return last_finalised(db, now), tuple(unfinished(db)), tuple(skipped_lessons(db, now - LOOK_BACK))
    except StoreError as error:
        problems.append(error.line())
    except PermissionError:
        problems.append(f"{home.state_dir} is for the service's user: run this as root")
    return None, (), ()


def _delivery(home: Home, now: datetime, problems: list[str]) -> DeliveryOverview | None:
    try:
        found = look_at_delivery(home, now)
    except (EdgeError, PermissionError):  # reported with the history, or with the timetable
        return None
    problems.extend(found.problems() if found is not None else ())
    return found


def _clock(home: Home) -> ClockState:
    """Return the state of the computer's clock, for the case that no service reports it."""
    try:
        trusted = home.config.device.trust_clock
    except EdgeError:  # reported with the timetable
        trusted = False
    return SystemClock(trusted=trusted).reading().state


def _next_lesson(home: Home, now: datetime, problems: list[str]) -> Lesson | None:
    """Return the next lesson from the timetable itself, for the case that no service reports it.

    `problems` receives the problems of the timetable's files.
    """
    try:
        if not home.config.timetable.files:
            return None
        from edge_daemon.app.opening.timetable_files import (  # needs time and memory, and is rarely used
            timetable_of_files,
            unusable,
        )

        timetable = timetable_of_files(home)
        for one in unusable(home, timetable):
            problems.append("timetable: " + " ".join(filter(None, (f"{one.where}:", one.what, one.why))))
        return next(iter(timetable.lessons(now, now + LOOK_AHEAD)), None)
    except EdgeError as error:
        problems.append(error.line())
        return None
