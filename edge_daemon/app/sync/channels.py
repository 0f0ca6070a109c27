"""The receivers of a sync run, all with the same few methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.types import Delivery, Destination, Outcome


class Receiver(Protocol):
    """A connected receiver."""

    takes_state: bool
    """True if the receiver accepts the state of the device; otherwise `send_state` does nothing."""
    proves_itself: bool
    """True if the receiver has already shown that it works.

    An error that could concern all items then counts as a failure of the single item.
    """

    def ask(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        """Fetch the receiver's documents for this device, before anything is delivered.

        Return why some could not be fetched; None if there was no such error.

        Raises:
            StoreError: a database or the inbox can't be written.
        """

    def deliver(self, db: sqlite_utils.Database, delivery: Delivery) -> Outcome:
        """Try once to deliver one item, and return the outcome.

        Raises:
            EdgeError: the item itself can't be used.
        """

    def send_state(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:
        """Send the state of this device, after everything else.

        Return the first error; None if everything was accepted, or if there was nothing to send.

        Raises:
            StoreError: a database can't be read.
        """

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A receiver that the settings name."""

    destination: Destination
    settings_sha256: str
    """SHA-256 of the settings, by which a change of the settings is noticed."""
    is_far: bool
    """False if the receiver runs on this computer, so that no network is needed."""
    open: Callable[[], Receiver]
    """Connects to the receiver; raises an EdgeError if the settings can't be used."""
