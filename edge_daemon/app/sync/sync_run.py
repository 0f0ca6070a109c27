"""One run of `sync`: delivers everything that is due, the oldest first, and nothing twice.

An item that fails waits for its own next attempt and delays no other. If no connection can be made, the run ends for
that receiver only.

An error such as a refused login (401) for one item may still concern only that item. Before the receiver counts as
down, two other items and the heartbeat are tried. If it accepts one of these, the error counts as a failed attempt of
the first item. The device's own documents (key, days, heartbeat) never wait behind items.

Only the process that holds the lock delivers, so that claims of a killed run are released at once. A run delivers the
items that were due when it began; therefore it comes to an end.
"""

from __future__ import annotations

import logging
import os
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from edge_daemon.app.sync.channels import Channel, Receiver
from edge_daemon.app.sync.sync_result import ReceiverResult, SyncResult
from edge_daemon.errors import EdgeError, StoreError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.store.alarms import PLACE, clear_settled, raise_alarm
from edge_daemon.store.backlog import backlogs, count_due
from edge_daemon.store.database import transaction
from edge_daemon.store.delivery_file import park_doubtful
from edge_daemon.store.destinations import destination_state, may_try, open_destinations, set_destination
from edge_daemon.store.waits import WaitKeeper
from edge_daemon.types import Delivery, Destination, Outcome

logger = logging.getLogger(__name__)

IN_A_ROW = 3
"""A receiver counts as refusing after this many refusals in a row with a reason that applies to all items."""
_TAKEN_AGAIN_S = 3600.0
MOST_DOUBTS = 12
"""The run ends after this many doubtful refusals (`Outcome.is_doubtful`) by a receiver that accepts other items.

The next run tries the rest.
"""
ASK_PARKED_AGAIN = timedelta(days=1)
"""A receiver that refuses everything is tried once a day, because the cause may have been repaired there."""


class SyncRun:
    """One run.

    Args:
        db: register.sqlite; this process holds the lock of `sync`.
        channels: the receivers, in their order.
        now: the clock.
        rng: source of the jitter.
        show: called with (done, in all).
        stopping: asked before each item; True ends the run.
        eager: True if a person is waiting: items that failed before are retried at once, too.
        refresh: called before each item, to copy what changed in register.sqlite meanwhile.
        waits: corrects the end of each wait when the clock jumps, so that its length stays the same.
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
        waits: WaitKeeper | None = None,
    ) -> None:
        self._waits = waits
        self._refresh = refresh
        self._db, self._channels, self._now, self._rng = db, channels, now, rng
        self._show, self._stopping, self._eager = show, stopping, eager
        self._tried: dict[Destination, ReceiverResult] = {channel.destination: ReceiverResult() for channel in channels}
        self._suspects: defaultdict[Destination, list[tuple[Delivery, Outcome]]] = defaultdict(list)
        self._done = self._total = 0

    def go(self) -> SyncResult:
        """Deliver what is due and return the result.

        Raises:
            StoreError: the database can't be used; the next run retries every item whose outcome was not stored.
        """
        park_doubtful(self._db, self._clock())
        outbox.release(self._db)
        if self._eager:
            self._hurry()
        self._begun = self._clock()
        self._total = sum(count_due(self._db, one.destination, self._begun) for one in self._channels)
        with ExitStack() as stack:
            opened: list[tuple[Channel, Receiver]] = []
            for channel in self._channels:
                receiver = self._opened(channel)
                if receiver is not None:
                    stack.enter_context(closing(receiver))
                    opened.append((channel, receiver))
            for channel, receiver in opened:
                if self._fetch(channel, receiver):
                    self._drain(channel, receiver)
            for channel, receiver in opened:
                if not self._tried[channel.destination].stopped_by:
                    self._inform(channel, receiver)
        clear_settled(self._db, self._clock())
        return SyncResult("", self._tried, backlogs(self._db), self._stopping())

    def _clock(self) -> datetime:
        """Return the time, and correct waits that a wrong clock has set."""
        now = self._now()
        if self._waits is not None:
            self._waits.look(now)
        return now

    def _opened(self, channel: Channel) -> Receiver | None:
        """Return the connected receiver; None if it may not be tried now or its settings are invalid."""
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
        now = self._clock()
        if may_try(self._db, channel.destination, now, channel.settings_sha256):
            return True
        known = destination_state(self._db, channel.destination)
        return (
            known.state == "parked"
            and known.next_attempt is not None
            and abs(now - known.next_attempt) >= ASK_PARKED_AGAIN
        )

    def _fetch(self, channel: Channel, receiver: Receiver) -> bool:
        """Fetch the receiver's documents; return whether it can be reached. A refusal here stops no delivery."""
        if self._stopping():
            return False
        outcome = self._tried_once(lambda: receiver.ask(self._db, self._clock()))
        if outcome is None or outcome.name == "delivered":
            return True
        self._tried[channel.destination].not_fetched = outcome.answer
        logger.info("documents not fetched", extra={"destination": channel.destination, "reason": outcome.answer})
        if outcome.receiver_down:
            self._note(channel, outcome)
        return not outcome.receiver_down

    def _inform(self, channel: Channel, receiver: Receiver) -> None:
        """Send the state of the device last, so that its time is the latest."""
        tried = self._tried[channel.destination]
        if self._stopping():
            self._vindicate(channel)
            return
        outcome = self._send_state(receiver)
        if outcome is None or not outcome.receiver_down:
            self._vindicate(channel)
        elif not outcome.is_doubtful or (self._has_other_refusal(channel) and not tried.outcomes["delivered"]):
            self._condemn(channel, outcome)
        else:
            self._vindicate(channel)
        if outcome is not None:
            tried.put_off = tried.put_off or outcome.answer

    def _has_other_refusal(self, channel: Channel) -> bool:
        """Return whether the receiver refused the request for documents, or another item whose outcome is still open.

        If it refused only the device's state, that does not show that it accepts nothing.
        """
        return bool(self._suspects[channel.destination] or self._tried[channel.destination].not_fetched)

    def _send_state(self, receiver: Receiver) -> Outcome | None:
        return self._tried_once(lambda: receiver.send_state(self._db, self._clock()))

    def _drain(self, channel: Channel, receiver: Receiver) -> None:
        tried, parked = self._tried[channel.destination], list[int]()
        while not self._stopping():
            self._refresh()
            # The current clock decides, which may have been set back. No more is taken than was due at the beginning.
            delivery = outbox.claim(
                self._db, channel.destination, self._clock(), f"sync {os.getpid()}", due_by=self._begun
            )
            if delivery is None:
                return
            outcome = self._tried_once(partial(receiver.deliver, self._db, delivery))
            if outcome is None:
                outcome = Outcome("retry", "nothing was answered")
            self._done += 1
            self._show(self._done, max(self._total, self._done))
            if outcome.is_occupied:
                outcome = self._alarm(channel, delivery, outcome)
            if outcome.is_doubtful:
                if self._doubt(channel, receiver, delivery, outcome):
                    return
                continue
            if outcome.receiver_down and outcome.name == "parked":
                # The items just before were refused in the same way: the receiver refuses, and the items are fine.
                outbox.put_back(self._db, parked, self._clock())
            if outcome.name == "delivered":
                self._vindicate(channel)
            self._settle(channel, delivery, outcome)
            parked = [*parked, delivery.item_id] if outcome.name == "parked" else []
            if outcome.receiver_down:
                self._condemn(channel, None)
                self._heed(channel, outcome)
                return
            tried.outcomes[outcome.name] += 1
            tried.newly_parked += outcome.name == "parked"
            tried.put_off = outcome.answer if outcome.name == "retry" else tried.put_off

    def _alarm(self, channel: Channel, delivery: Delivery, outcome: Outcome) -> Outcome:
        """Raise an alarm that another document has the item's name; return an outcome that retries the item hourly."""
        tried = self._tried[channel.destination]
        if not delivery.attempts:
            tried.newly_parked += 1
        logger.error(
            "place of a document is taken",
            extra={"destination": channel.destination, "lesson_id": delivery.lesson_id, "kind": delivery.kind},
        )
        place = f"{delivery.kind} {delivery.ref}"
        what = f"another document is at the place of {place} on the office's server; somebody may have its token"
        raise_alarm(self._db, PLACE, what, self._clock(), [delivery.item_id])
        return Outcome("retry", outcome.answer, _TAKEN_AGAIN_S)

    def _doubt(self, channel: Channel, receiver: Receiver, delivery: Delivery, outcome: Outcome) -> bool:
        """Handle an answer that may concern this item or all items; return whether the run stops for this receiver.

        A receiver that asked to wait is left alone at once, and the item goes behind the others. Otherwise the item
        stays claimed until the run knows whether the receiver accepts other items.
        """
        tried = self._tried[channel.destination]
        if outcome.retry_after_s is not None:
            self._vindicate(channel)
            self._settle(channel, delivery, _of_item(outcome))
            tried.outcomes["retry"] += 1
            self._send_state(receiver)
            self._note(channel, outcome)
            return True
        self._suspects[channel.destination].append((delivery, outcome))
        if len(self._suspects[channel.destination]) < IN_A_ROW:
            return False
        answer = self._send_state(receiver) if receiver.takes_state else outcome
        if answer is not None and answer.receiver_down and not receiver.proves_itself:
            self._condemn(channel, outcome)
            return True
        self._vindicate(channel)
        return tried.outcomes["retry"] >= MOST_DOUBTS

    def _vindicate(self, channel: Channel) -> None:
        """Let each doubtful item wait for its own next attempt, because the receiver accepts other items."""
        tried = self._tried[channel.destination]
        for delivery, outcome in self._suspects.pop(channel.destination, []):
            self._settle(channel, delivery, _of_item(outcome))
            tried.outcomes["retry"] += 1
            tried.put_off = outcome.answer

    def _condemn(self, channel: Channel, outcome: Outcome | None) -> None:
        """Make the doubtful items wait as if they had not been tried, because the receiver accepts nothing.

        Args:
            channel: the receiver's channel.
            outcome: the outcome to store for the receiver; None if the caller does that.
        """
        for delivery, answered in self._suspects.pop(channel.destination, []):
            self._settle(channel, delivery, replace(answered, name="retry", receiver_down=True))
        if outcome is not None:
            self._note(channel, outcome)

    def _settle(self, channel: Channel, delivery: Delivery, outcome: Outcome) -> None:
        outbox.settle(self._db, delivery, outcome, self._clock(), self._rng, channel.settings_sha256)
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
        """Run a step and return its outcome; an internal error with one item must not stop the others or the run."""
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
            self._db, channel.destination, outcome, self._clock(), self._rng, settings_sha256=channel.settings_sha256
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
        """Make items due now if all that they wait for is their next attempt."""
        now = self._clock()
        outbox.hasten(self._db, now)
        with transaction(self._db):
            open_destinations(self._db, {channel.destination for channel in self._channels}, now)


def _of_item(outcome: Outcome) -> Outcome:
    """Return a refusal as an outcome of its item alone: the item is retried, and the receiver is not down."""
    return replace(outcome, name="retry", receiver_down=False, is_doubtful=False)
