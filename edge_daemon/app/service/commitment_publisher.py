"""Commits to the plans of coming lessons: the signed document is sent to the office before the lessons begin."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from edge_daemon.app.capture.plan_recorder import AHEAD
from edge_daemon.attendance.commitment import PlanCommitment, read_commitment, sign_commitment
from edge_daemon.device.signing import Signer
from edge_daemon.errors import KeyFileError, RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.commitments import add_commitment, commitments
from edge_daemon.store.database import transaction
from edge_daemon.store.plans import CommittedPlan, committed_plans

logger = logging.getLogger(__name__)

LATEST = timedelta(hours=20)
"""A commitment is signed when a lesson without a commitment begins within this time. It contains the plans
that no commitment has yet, and the changed plans.

Two commitments cover a day of lessons. They are signed in the afternoon before, while the device still has power and
network.
"""
_LOOK_BACK = 100
"""How many of the newest commitments are searched for a plan; a day has a few."""


def publish_commitments(db: sqlite_utils.Database, open_signer: Callable[[], Signer], now: datetime) -> int:
    """Sign the plans of coming lessons that are in no commitment yet; store both the document and its outbox item.

    Args:
        db: register.sqlite.
        open_signer: called only if there are plans to sign. Without the key the plans stay unsigned and lessons are
            held all the same; the failure is logged, and the next call retries.
        now: the time; it has to be trusted.

    Returns:
        How many plans the new commitment has.

    Raises:
        StoreError: the database can't be written.
    """
    coming = committed_plans(db, now, now + AHEAD)
    promised = _committed(db)
    new = [plan for plan in coming if promised.get(plan.lesson.lesson_id) != _publish(plan)]
    if not new or new[0].lesson.start - now > LATEST:
        return 0
    try:
        signer = open_signer()
    except KeyFileError as error:
        logger.warning("plans not signed", extra={"reason": error.what})
        return 0
    at = now.replace(microsecond=0)
    with transaction(db):
        last = next(iter(commitments(db, newest=1)), None)
        previous = last.sha256 if last else None
        ref, document = sign_commitment(new[0].lesson.device, at, [_publish(plan) for plan in new], previous, signer)
        add_commitment(db, ref, document, now)
        outbox.put(db, destination="upstream", kind=outbox.COMMITMENT, ref=ref, not_before=now, at=now)
    return len(new)


def _committed(db: sqlite_utils.Database) -> dict[str, PlanCommitment]:
    """Return the newest commitment for each lesson: an older release may have committed to a different plan."""
    found: dict[str, PlanCommitment] = {}
    for one in commitments(db, newest=_LOOK_BACK):
        with contextlib.suppress(
            RegisterError
        ):  # a document that can't be read commits to nothing; `ledger verify` reports it
            found.update((plan.lesson_id, plan) for plan in read_commitment(one.document).plans_committed)
    return found


def _publish(plan: CommittedPlan) -> PlanCommitment:
    lesson = plan.lesson
    return PlanCommitment(lesson.lesson_id, lesson.start, lesson.end, plan.captures_planned, plan.seed_sha256)
