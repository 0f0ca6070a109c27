"""Why no picture could be taken for a while, so that the slots of that time get the true reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

STARTING_S = 60.0
"""Models and camera of a worker are ready within this; the slots that pass meanwhile have the reason of the outage."""
_KEPT = 20
"""Outages that are remembered. Their reasons are few, and one that goes on is one."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without pictures, in seconds since the boot."""

    since_s: float
    until_s: float
    reason: str


class Outages:
    """What kept the service from taking pictures since the boot."""

    def __init__(self) -> None:
        self._noted: list[Outage] = []

    def note(self, since_s: float, until_s: float, reason: str) -> None:
        """Note an outage; one that goes on for the same reason grows."""
        last = self._noted[-1] if self._noted else None
        if last is not None and last.reason == reason and since_s <= last.until_s:
            self._noted[-1] = replace(last, since_s=min(last.since_s, since_s), until_s=max(last.until_s, until_s))
            return
        self._noted = [*self._noted, Outage(since_s, until_s, reason)][-_KEPT:]

    def at_start(self, now_s: float) -> tuple[Outage, ...]:
        """Return what a worker that starts now has to know: what lasts until now lasts until it is ready."""
        return tuple(
            replace(x, until_s=now_s + STARTING_S) if x.until_s >= now_s - STARTING_S else x for x in self._noted
        )


def reason_at(outages: Iterable[Outage], due_s: float) -> str:
    """Return why no picture was taken at an instant, by the latest outage that holds it; empty: by none."""
    found = [one for one in outages if one.since_s <= due_s <= one.until_s]
    return max(found, key=lambda one: one.since_s).reason if found else ""
