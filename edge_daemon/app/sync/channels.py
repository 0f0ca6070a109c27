"""Who is delivered to: the receivers of a run, each behind the same few calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.types import Delivery, Destination, Outcome


class Receiver(Protocol):
    """A receiver that is being delivered to."""

    takes_state: bool
    """It receives the state of the device; False: `send_state` does nothing."""
    proves_itself: bool
    """With an answer to one item that may be meant for all comes the proof that it takes others."""

    def ask(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        """Ask what it has for this device, before anything is delivered; None: there is nothing to ask.

        Raises:
            StoreError: a database or the inbox can't be written.
        """

    def deliver(self, db: sqlite_utils.Database, delivery: Delivery) -> Outcome:
        """Try to deliver one item, once.

        Raises:
            EdgeError: the item itself can't be used.
        """

    def send_state(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        """Send the state of this device, after all else; None: there is nothing to send.

        Raises:
            StoreError: a database can't be read.
        """

    def close(self) -> None:
        """Give connections back."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A receiver that the settings name."""

    destination: Destination
    settings_sha256: str
    """Of the settings, so that other ones are noticed."""
    is_far: bool
    """False: it runs on this computer, which needs no network for it."""
    open: Callable[[], Receiver]
    """Raises an EdgeError where the settings can't be used."""
