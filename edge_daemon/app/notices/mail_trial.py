"""Sends a test message."""

from __future__ import annotations

from contextlib import closing

from edge_daemon.app.notices.mail_delivery import open_sender, trial_message
from edge_daemon.home import Home
from edge_daemon.types import Outcome


def send_trial(home: Home, address: str) -> tuple[str, Outcome]:
    """Send a test message to an address; return the sender's name and the outcome.

    Raises:
        DeliveryError: the mail settings can't be used.
    """
    sender = open_sender(home)
    with closing(sender):
        return sender.name, sender.send(trial_message(home, address, sender.name))
