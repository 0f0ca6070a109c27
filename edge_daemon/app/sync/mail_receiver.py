"""The receiver of mail: the mail server, or the school's server if that one sends the mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from edge_daemon.app.notices.mail_delivery import deliver_mail, open_sender
from edge_daemon.delivery.mail_server import Sender
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.types import Delivery, Outcome


class MailReceiver:
    """Delivers mail through a sender.

    Args:
        home: the installation.
        sender: the sender, from `open_sender`.
        now: the clock.
    """

    takes_state = False

    def __init__(self, home: Home, sender: Sender, now: Callable[[], datetime]) -> None:
        self._home, self._sender, self._now = home, sender, now
        self.proves_itself = sender.needs_addresses
        """True for a mail server: the sender has connected to it again if it closed the connection after an item."""

    @classmethod
    def opened(cls, home: Home, now: Callable[[], datetime]) -> MailReceiver:
        """Return the receiver that the settings name; nothing is connected yet.

        Raises:
            DeliveryError: settings, password or templates can't be used.
            KeyFileError: a credential can't be read.
        """
        return cls(home, open_sender(home), now)

    def ask(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:  # noqa: ARG002 - the protocol of receivers
        """Return None: mail has no documents for the device."""
        return None

    def deliver(self, db: sqlite_utils.Database, delivery: Delivery) -> Outcome:
        """Send one message."""
        return deliver_mail(self._home, db, delivery, self._sender, self._now())

    def send_state(self, db: sqlite_utils.Database, now: datetime) -> Outcome | None:  # noqa: ARG002 - the protocol of receivers
        """Return None: the device's state goes to the school's server."""
        return None

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()
