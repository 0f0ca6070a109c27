"""Records decisions, and finds out which of them have reached the device and the register."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from edge_daemon_office.decisions.lists import CORRECTIONS, MAX_OF_A_LESSON
from edge_daemon_office.decisions.models import Decision, Publication
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.people.activity import note
from edge_daemon_office.people.models import Account
from edge_daemon_office.registers.models import Heartbeat, Lesson, SignedChange

VERDICTS: Final = ("present", "absent", "inconclusive", "not_assessed")
HELD: Final = ("held", "not_held")
REASONS: Final = (
    *("not_recognised", "not_there", "mistaken_identity", "came_late", "left_early", "excused", "confirmed", "other"),
)
USUAL_REASON: Final = {"present": "not_recognised", "absent": "not_there"}
"""Reason code if a person chose a mark but no reason."""
PENDING, TAKEN, DELIVERED, REFUSED = "pending", "signed", "delivered", "refused"
BY_OFFICE = "overlay"


@dataclass(frozen=True, slots=True)
class WantedChange:
    """A person's choice on the page."""

    student_id: str
    """Id of the student; empty if the choice is about the whole lesson."""
    verdict: str
    reason_code: str = ""


@dataclass(frozen=True, slots=True)
class DecisionState:
    """A decision and its state."""

    decision: Decision
    state: str
    """`pending`: no device has it. `signed`: the device has put it into force. `delivered`: the register has it.
    `refused`: the device did not do it. `overlay`: the office signed in place of a device that is gone."""


def decide(account: Account, lesson: Lesson, wanted: Sequence[WantedChange]) -> list[Decision]:
    """Record decisions, all or none.

    Raises:
        OfficeError: a verdict or reason is invalid, or the lesson has too many decisions already.
    """
    for one in wanted:
        is_right = one.verdict in VERDICTS and one.reason_code in REASONS if one.student_id else one.verdict in HELD
        if not is_right:
            raise OfficeError("is not a decision", one.verdict[:40], "choose one of the list")
    now = datetime.now(timezone.utc).replace(microsecond=0)
    with transaction.atomic():
        mine = Decision.objects.filter(school=account.school)
        if mine.filter(lesson_id=lesson.lesson_id).count() + len(wanted) > MAX_OF_A_LESSON:
            raise OfficeError("has too many decisions", "this lesson", "devices take 200 of a lesson")
        number = mine.aggregate(last=Max("number"))["last"] or 0
        made = [
            Decision(
                school=account.school,
                decision_id=f"{number + at}-{secrets.token_hex(4)}",
                number=number + at,
                device=lesson.device,
                lesson_id=lesson.lesson_id,
                student_id=one.student_id,
                verdict=one.verdict,
                reason_code=one.reason_code,
                by=account.name,
                title=account.title,
                account=account.username,
                at=now,
            )
            for at, one in enumerate(wanted, 1)
        ]
        Decision.objects.bulk_create(made)
        for one in made:
            detail = f"{one.verdict} {one.reason_code}".strip()
            what = "correction" if one.student_id else "confirmation"
            about = {"lesson_id": one.lesson_id, "student_id": one.student_id}
            note(account.school, account.username, what, detail=detail, **about)
    return made


def states(school: str, decisions: Iterable[Decision]) -> list[DecisionState]:
    """Return the decisions, each with its `DecisionState.state`."""
    rows = list(decisions)
    signed = {
        (one.lesson_id, one.student_id, one.verdict, one.by, one.at)
        for one in SignedChange.objects.filter(school=school, lesson_id__in={one.lesson_id for one in rows})
    }
    devices = {one.device for one in rows}
    published = {one.device: one for one in Publication.objects.filter(school=school, document=CORRECTIONS)}
    pulled_by_device = {one.device: one.pulled for one in Heartbeat.objects.filter(school=school, device__in=devices)}
    found = []
    for one in rows:
        pulled = pulled_by_device.get(one.device, {}).get(CORRECTIONS, {})
        last = published.get(one.device)
        state = PENDING
        if (one.lesson_id, one.student_id, one.verdict, one.by, one.at) in signed:
            state = DELIVERED
        elif one.device in settings.OFFICE.schools[school].gone_devices:
            state = BY_OFFICE
        elif one.decision_id in pulled.get("problem", ""):
            state = REFUSED
        elif last is not None and one.number <= last.last_number and pulled.get("sha256") == last.sha256:
            state = TAKEN
        found.append(DecisionState(one, state))
    return found
