"""Stores why no picture could be taken for a while, so that the slots of that time record the right reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

STARTING_S = 60.0
"""Longest time in seconds until a new worker's models and camera are ready.

A slot in this time is recorded with the reason of the outage before it.
"""
_KEPT = 20
"""How many outages are kept. There are few reasons, and an outage that continues is stored once."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without pictures, in seconds since boot."""

    since_s: float
    until_s: float
    reason: str


class Outages:
    """The outages since boot."""

    def __init__(self) -> None:
        self._noted: list[Outage] = []

    def note(self, since_s: float, until_s: float, reason: str) -> None:
        """Note an outage; one that continues for the same reason is extended."""
        last = self._noted[-1] if self._noted else None
        if last is not None and last.reason == reason and since_s <= last.until_s:
            self._noted[-1] = replace(last, since_s=min(last.since_s, since_s), until_s=max(last.until_s, until_s))
            return
        self._noted = [*self._noted, Outage(since_s, until_s, reason)][-_KEPT:]

    def at_start(self, now_s: float) -> tuple[Outage, ...]:
        """Return the outages for a worker that starts now.

        An outage that still lasts is extended until the worker is ready, in at most 60 s (`STARTING_S`).
        """
        return tuple(
            replace(x, until_s=now_s + STARTING_S) if x.until_s >= now_s - STARTING_S else x for x in self._noted
        )


def reason_at(outages: Iterable[Outage], due_s: float) -> str:
    """Return why no picture was taken at an instant, from the latest outage that covers it; empty if none does."""
    found = [one for one in outages if one.since_s <= due_s <= one.until_s]
    return max(found, key=lambda one: one.since_s).reason if found else ""
