"""One run of `sync`: everything that is due, the oldest first, and nothing twice.

An item that fails waits for its own time and holds up no other. An answer that holds for everybody (no network, wrong
token) ends the run for that receiver alone. Only who holds the lock delivers, so that claims of a run that was killed
are ended at once. The items that are due are those that were due when the run began: it comes to an end.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from functools import partial

from edge_daemon.app.sync.channels import Channel, Receiver
from edge_daemon.app.sync.sync_result import ReceiverResult, SyncResult
from edge_daemon.errors import EdgeError, StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.backlog import backlogs, count_due
from edge_daemon.store.database import transaction
from edge_daemon.store.delivery_file import park_doubtful
from edge_daemon.store.destinations import destination_state, may_try, open_destinations, set_destination
from edge_daemon.types import Delivery, Destination, Outcome

logger = logging.getLogger(__name__)

ASK_PARKED_AGAIN = timedelta(days=1)
"""A receiver that refused everybody is asked once a day whether it still does: what was wrong may be mended there."""


class SyncRun:
    """One run.

    Args:
        db: register.sqlite; this process holds the lock of `sync`.
        channels: the receivers, in their order.
        now: the clock.
        rng: source of the jitter.
        show: told (done, in all).
        stopping: asked before each item; True ends the run.
        eager: a person is waiting: what failed before is tried at once, too.
        refresh: called before each item, to learn what was decided meanwhile.
    """

    def __init__(
        self,
        db: sqlite_utils.Database,
        channels: Sequence[Channel],
        *,
        now: Callable[[], datetime],
        rng: random.Random,
        show: Callable[[int, int], None] = lambda _done, _total: None,
        stopping: Callable[[], bool] = lambda: False,
        eager: bool = False,
        refresh: Callable[[], None] = lambda: None,
    ) -> None:
        self._refresh = refresh
        self._db, self._channels, self._now, self._rng = db, channels, now, rng
        self._show, self._stopping, self._eager = show, stopping, eager
        self._tried: dict[Destination, ReceiverResult] = {channel.destination: ReceiverResult() for channel in channels}
        self._done = self._total = 0

    def go(self) -> SyncResult:
        """Deliver what is due and return what became of it.

        Raises:
            StoreError: the database can't be used; what was not settled is tried again by the next run.
        """
        park_doubtful(self._db, self._now())
        outbox.release(self._db)
        if self._eager:
            self._hurry()
        self._begun = self._now()
        self._total = sum(count_due(self._db, one.destination, self._begun) for one in self._channels)
        with ExitStack() as stack:
            opened: list[tuple[Channel, Receiver]] = []
            for channel in self._channels:
                receiver = self._opened(channel)
                if receiver is not None:
                    stack.enter_context(closing(receiver))
                    opened.append((channel, receiver))
            for channel, receiver in opened:
                if self._goes_on(channel, partial(self._ask, receiver)):
                    self._drain(channel, receiver)
            for channel, receiver in opened:
                if not self._tried[channel.destination].stopped_by:
                    self._goes_on(channel, partial(self._tell, receiver))
        return SyncResult("", self._tried, backlogs(self._db), self._stopping())

    def _opened(self, channel: Channel) -> Receiver | None:
        """Return the receiver where it may be tried now and its settings are good."""
        tried = self._tried[channel.destination]
        if not self._may_try(channel):
            tried.waits = True
            return None
        try:
            return channel.open()
        except EdgeError as error:
            self._note(channel, Outcome("parked", error.line(), receiver_down=True))
            return None

    def _may_try(self, channel: Channel) -> bool:
        now = self._now()
        if may_try(self._db, channel.destination, now, channel.settings_sha256):
            return True
        known = destination_state(self._db, channel.destination)
        return (
            known.state == "parked"
            and known.next_attempt is not None
            and abs(now - known.next_attempt) >= ASK_PARKED_AGAIN
        )

    def _goes_on(self, channel: Channel, step: Callable[[], Outcome | None]) -> bool:
        """Take a step that is no item; return whether the receiver takes anything."""
        if self._stopping():
            return False
        outcome = self._tried_once(step)
        if outcome is not None and outcome.receiver_down:
            self._note(channel, outcome)
            return False
        return True

    def _ask(self, receiver: Receiver) -> Outcome | None:
        return receiver.ask(self._db, self._now())

    def _tell(self, receiver: Receiver) -> Outcome | None:
        return receiver.tell(self._db, self._now())

    def _drain(self, channel: Channel, receiver: Receiver) -> None:
        tried = self._tried[channel.destination]
        while not self._stopping():
            self._refresh()
            # By the clock of now, which may have been set back; and never more than what was due at the begin.
            delivery = outbox.claim(
                self._db, channel.destination, self._now(), f"sync {os.getpid()}", due_by=self._begun
            )
            if delivery is None:
                return
            outcome = self._tried_once(partial(receiver.deliver, self._db, delivery))
            if outcome is None:
                outcome = Outcome("retry", "nothing was answered")
            self._settle(channel, delivery, outcome)
            self._done += 1
            self._show(self._done, max(self._total, self._done))
            if outcome.receiver_down:
                self._heed(channel, outcome)
                return
            tried.outcomes[outcome.name] += 1
            tried.newly_parked += outcome.name == "parked"
            tried.put_off = outcome.answer if outcome.name == "retry" else tried.put_off

    def _settle(self, channel: Channel, delivery: Delivery, outcome: Outcome) -> None:
        outbox.settle(self._db, delivery, outcome, self._now(), self._rng, channel.settings_sha256)
        if outcome.name == "parked":
            logger.warning(
                "delivery parked",
                extra={
                    "destination": channel.destination,
                    "lesson_id": delivery.lesson_id,
                    "kind": delivery.kind,
                },
            )

    def _tried_once(self, step: Callable[[], Outcome | None]) -> Outcome | None:
        """Take a step; a mistake of ours in one item must not hold up the others, nor end the run."""
        try:
            return step()
        except StoreError:
            raise
        except EdgeError as error:
            return Outcome("parked", error.line())
        except Exception as error:
            logger.exception("delivery failed")
            return Outcome("retry", f"internal error, {type(error).__name__}; the log has more")

    def _note(self, channel: Channel, outcome: Outcome) -> None:
        set_destination(
            self._db, channel.destination, outcome, self._now(), self._rng, settings_sha256=channel.settings_sha256
        )
        self._heed(channel, outcome)

    def _heed(self, channel: Channel, outcome: Outcome) -> None:
        tried = self._tried[channel.destination]
        tried.stopped_by = outcome.answer or outcome.name
        tried.newly_parked += outcome.name == "parked"
        if outcome.name == "parked":
            logger.warning("destination refuses", extra={"destination": channel.destination, "reason": outcome.answer})
        else:
            logger.info("destination waits", extra={"destination": channel.destination, "reason": outcome.answer})

    def _hurry(self) -> None:
        """Let everything be tried now that waits for its next try only."""
        outbox.hasten(self._db, self._now())
        with transaction(self._db):
            open_destinations(self._db, {channel.destination for channel in self._channels}, self._now())
