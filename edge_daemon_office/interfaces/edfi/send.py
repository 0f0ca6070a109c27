"""Updates the Ed-Fi system until it has exactly the wanted events. Each event is recorded here before it is sent.

So after any interruption the next run knows every event that the system may have. The run sends events that got no
answer again; the system recognises them by their key. It deletes events that are no longer wanted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from itertools import groupby
from typing import Final

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.interfaces.edfi.client import EdFiClient, EdFiDownError, EventRefusedError
from edge_daemon_office.interfaces.edfi.events import WantedEvent, wanted_events
from edge_daemon_office.interfaces.edfi.mapping import mapping_of
from edge_daemon_office.interfaces.models import EdFiEvent
from edge_daemon_office.scope import use_school

_AGAIN: Final = timedelta(hours=20)
"""A refused event is retried after this time, or when it has changed."""


@dataclass(slots=True)
class SendResult:
    """The result of a run."""

    sent: int = 0
    deleted: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)
    """Day and reason of problems, without a student's id."""
    unmapped: dict[str, int] = field(default_factory=dict)
    down: str = ""
    """Why the run ended early; empty if it did not."""


def send_events(
    school: School,
    today: date,
    days: int | None = None,
    client: EdFiClient | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> SendResult:
    """Update the system to the registers and excuses of the last days.

    Args:
        school: the school, with settings of Ed-Fi.
        today: the day at the school.
        days: number of days to look back; None for the setting.
        client: the connection to the system; None to make one.
        now: the time.

    Raises:
        OfficeError: Ed-Fi is not set up, or the mapping can't be read.
    """
    edfi = school.edfi
    if edfi is None:
        raise OfficeError("is not set up", f"office.toml, schools.{school.school}.edfi", "see docs/OFFICE.md")
    use_school(school.school)
    courses = mapping_of(school.school, edfi.mapping)
    first = today - timedelta(days=days if days is not None else edfi.days)
    wanted = wanted_events(school, edfi, courses, first, today)
    result = SendResult(unmapped=dict(wanted.unmapped))
    known = {row.event_key: row for row in EdFiEvent.objects.filter(school=school.school, day__gte=first)}
    run = _Run(school.school, edfi.school_id, client or EdFiClient(edfi), now, result)
    try:
        run.bring(wanted.events, known)
    except EdFiDownError as error:
        result.down = str(error)
    return result


@dataclass(slots=True)
class _Run:
    school: str
    school_id: int
    client: EdFiClient
    now: Callable[[], datetime]
    result: SendResult

    def bring(self, wanted: dict[str, WantedEvent], known: dict[str, EdFiEvent]) -> None:
        """Send the wanted events and delete the others, one student, day and section at a time.

        Args:
            wanted: the events that the system should have, by key.
            known: the events that it has or may have, by key.
        """
        rows = [*((_place(one), True, key) for key, one in wanted.items())]
        rows += [
            ((str(row.day), row.student_id, row.section), False, key) for key, row in known.items() if key not in wanted
        ]
        for _, group in groupby(sorted(rows), key=lambda row: row[0]):
            events = list(group)
            gone = [known[key] for _, is_wanted, key in events if not is_wanted]
            are_gone = [self._delete(row) for row in gone]
            if all(are_gone):  # the category is in the key: delete, then post
                for key in (key for _, is_wanted, key in events if is_wanted):
                    self._put(wanted[key], known.get(key))

    def _delete(self, row: EdFiEvent) -> bool:
        try:
            resource_id = row.resource_id or self.client.find(json.loads(row.body))
            if resource_id:
                self.client.delete(resource_id)
        except EventRefusedError as error:
            self.result.refused.append(f"{row.day}: can't be deleted: {error}")
            return False
        row.delete()
        self.result.deleted += 1
        return True

    def _put(self, event: WantedEvent, row: EdFiEvent | None) -> None:
        body = json.dumps(event.body(self.school_id), sort_keys=True)
        if row is not None and row.body == body and self._is_settled(row):
            self.result.unchanged += 1
            return
        if row is None:
            day, student_id, section = _place(event)
            row = EdFiEvent(school=self.school, event_key=event.key(), student_id=student_id, day=day, section=section)
        row.body, row.refused, row.at, row.is_answered = body, "", self.now(), False
        row.save()
        try:
            row.resource_id = self.client.put(event.body(self.school_id))
            self.result.sent += 1
        except EventRefusedError as error:
            row.refused = str(error)
            self.result.refused.append(f"{event.day}: {error}")
        row.is_answered = True
        row.save()

    def _is_settled(self, row: EdFiEvent) -> bool:
        return row.is_answered and (not row.refused or self.now() - row.at < _AGAIN)


def _place(event: WantedEvent) -> tuple[str, str, str]:
    return str(event.day), event.student_id, "\x1f".join(event.order())


def lines(result: SendResult) -> Iterable[str]:
    """Return the problems that a person should look at, a line each."""
    for where, count in sorted(result.unmapped.items()):
        yield f"no line of the mapping fits: {where}: events not sent: {count}"
    for what in result.refused:
        yield f"not taken: {what}"
