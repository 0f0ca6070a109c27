"""The state of each room: its device's report, documents that were left out, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from edge_daemon_office.home import School
from edge_daemon_office.pages.wording import t
from edge_daemon_office.registers.models import Heartbeat, Problem, Source

SILENT: Final = timedelta(hours=26)
_LOW_DISK_MB: Final = 1000
_HOT_C: Final = 80


@dataclass(slots=True)
class RoomStanding:
    """A room and the reasons why somebody should look at it; none if all is well."""

    device: str
    heartbeat: Heartbeat | None
    reasons: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def room_states(school: School) -> list[RoomStanding]:
    """Return all rooms; those that need attention come first."""
    now = datetime.now(timezone.utc)
    found = {one.device: RoomStanding(one.device, one) for one in Heartbeat.objects.filter(school=school.school)}
    for problem in Problem.objects.filter(school=school.school).order_by("-is_left_out", "where"):
        found.setdefault(problem.device, RoomStanding(problem.device, None)).problems.append(problem)
    for folder in Source.objects.filter(school=school.school).values_list("folder", flat=True).distinct():
        found.setdefault(folder, RoomStanding(folder, None))
    for room in found.values():
        room.reasons = [*_reasons(room, now)]
    return sorted(found.values(), key=lambda room: (not room.reasons, room.device))


def _reasons(room: RoomStanding, now: datetime) -> list[str]:
    heartbeat, reasons = room.heartbeat, []
    if heartbeat is None or heartbeat.at is None:
        reasons.append(t("It has not sent its state yet. Check its power and network."))
    elif now - heartbeat.at > SILENT:
        reasons.append(t("It has been silent for a day or more. Check its power and network."))
    if heartbeat is not None:
        reasons += heartbeat.problems
        if heartbeat.disk_free_mb is not None and heartbeat.disk_free_mb < _LOW_DISK_MB:
            reasons.append(t("Its card is almost full: run `attendance doctor` there."))
        if heartbeat.temperature_c is not None and heartbeat.temperature_c >= _HOT_C:
            reasons.append(t("It is hot: improve its ventilation."))
        if heartbeat.clock == "unsynchronised":
            reasons.append(t("Its clock is not set: check its network."))
        if heartbeat.parked:
            reasons.append(
                t(
                    "Items that can't be delivered: %(count)s. Run `attendance outbox list` there.",
                    count=heartbeat.parked,
                )
            )
    left_out = sum(one.is_left_out for one in room.problems)
    if left_out:
        reasons.append(t("Left out: %(count)s; see below.", count=left_out))
    elif room.problems:
        reasons.append(t("Looks wrong: %(count)s; see below.", count=len(room.problems)))
    return reasons
