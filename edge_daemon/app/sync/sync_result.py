"""The result of a run of `sync`, in figures and in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from edge_daemon.store.backlog import Backlog
from edge_daemon.types import Destination, OutcomeName

__all__ = ["NO_NETWORK", "Backlog", "ReceiverResult", "Refusal", "SyncResult"]

NO_NETWORK: Final = "no network yet"
"""First words of `SyncResult.line` if the run found no network. Stored summaries are recognised by them."""
Refusal = Literal["", "busy", "not set up", "no network"]


@dataclass(slots=True)
class ReceiverResult:
    """The result for one receiver."""

    outcomes: Counter[OutcomeName] = field(default_factory=Counter)
    stopped_by: str = ""
    """The receiver's error that stopped the deliveries; empty if every due item was tried."""
    put_off: str = ""
    """The receiver's error for the last item that is retried later."""
    not_fetched: str = ""
    """Why the office's documents for this device were not fetched; deliveries go on."""
    newly_parked: int = 0
    """Number of items that need a person since this run; a receiver that refuses everything counts as one."""
    waits: bool = False
    """True if the receiver's next attempt was not due yet."""


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The result of a run of `sync`."""

    nothing_done: Refusal = ""
    """Why there was no run at all."""
    tried: Mapping[Destination, ReceiverResult] = field(default_factory=dict)
    left: Mapping[Destination, Backlog] = field(default_factory=dict)
    """The queue of each receiver after the run."""
    stopped: bool = False
    """True if the run was asked to stop before its end."""

    @property
    def needs_a_person(self) -> bool:
        """Whether something was refused permanently in this run; `status` reports earlier refusals."""
        return any(one.newly_parked for one in self.tried.values())

    def line(self) -> str:
        """Return the result in one line."""
        if self.nothing_done:
            return _NOTHING[self.nothing_done] + self._waiting()
        destinations = "; ".join(self._of(destination) for destination in self.tried)
        return f"stopped before the end; {destinations}" if self.stopped else destinations

    def _of(self, destination: Destination) -> str:
        tried, left = self.tried[destination], self.left.get(destination)
        words = [f"{tried.outcomes['delivered']} delivered"]
        if left is not None:
            words += [f"{left.waiting} waiting"] if left.waiting else []
            words += [f"{left.held} held"] if left.held else []
            words += [f"{left.parked} parked (see `edge-daemon outbox list`)"] if left.parked else []
        why = tried.stopped_by or (left.answer if tried.waits and left is not None else "") or tried.put_off
        reasons = [one for one in (why, tried.not_fetched if tried.not_fetched != why else "") if one]
        return "; ".join((f"{destination}: {', '.join(words)}", *reasons))

    def _waiting(self) -> str:
        count = sum(one.waiting for one in self.left.values())
        return f"; {count} {'item waits' if count == 1 else 'items wait'}" if count else ""


_NOTHING: Mapping[Refusal, str] = {
    "": "",
    "busy": "another sync is delivering already",
    "not set up": "nothing is set up to deliver to: set upstream.url or mail.host",
    "no network": NO_NETWORK,
}
