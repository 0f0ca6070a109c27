"""Delivers mail: composes the message of an outbox item, sends it, and returns the outcome.

An item is composed when it is sent, from the newest revision and the current address. At that moment the program also
checks again whether a student or guardian may be informed.

The office may have several addresses. Each gets an item of its own, created before the first one is sent. So a refused
address neither delays the others nor gets a message twice.
"""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from edge_daemon.app.notices.composer import Composer, templates_of
from edge_daemon.app.notices.wording import Words
from edge_daemon.delivery.mail_server import MailServer, Sender
from edge_daemon.delivery.mail_settings import server_settings
from edge_daemon.delivery.message import Message, stable_message_id
from edge_daemon.errors import DeliveryError, KeyFileError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox
from edge_daemon.types import Delivery, Outcome


def open_sender(home: Home) -> Sender:
    """Return the sender that the settings select, not yet connected.

    Raises:
        DeliveryError: settings, password or templates can't be used.
        KeyFileError: a credential can't be read.
    """
    mail = home.config.mail
    templates_of(home).check()
    if mail.via == "upstream":
        from edge_daemon.delivery.mail_upstream import UpstreamMail
        from edge_daemon.delivery.upstream import Upstream
        from edge_daemon.delivery.upstream_settings import read_token

        settings = home.config.upstream
        if not settings.url:
            raise DeliveryError(
                "the school's server is to send the mail, but no server is set", "upstream.url", "set it"
            )
        folder = home.config_path.parent
        device = home.config.device.name
        return UpstreamMail(Upstream(settings, read_token(settings, folder), config_dir=folder, device=device), device)
    return MailServer(server_settings(mail, home.config_path.parent))


def deliver_mail(
    home: Home, db: sqlite_utils.Database, delivery: Delivery, server: Sender, now: datetime | None = None
) -> Outcome:
    """Try to deliver one mail item, once.

    Args:
        home: settings, and the key of the contacts.
        db: register.sqlite; no transaction may be open.
        delivery: a claimed item of the destination `mail`.
        server: the sender, from `open_sender`.
        now: the time; None to read the clock.

    Raises:
        StoreError: the database can't be read or written.
    """
    at = now or datetime.now(timezone.utc)
    composer = Composer(home, db, needs_addresses=server.needs_addresses)
    try:
        made = composer.compose(delivery, at)
        # Students and guardians get their records even if there is no office.
        if isinstance(made, Message) or delivery.kind in outbox.RECORD_OF.values():
            composer.spread(delivery, at)
    except KeyFileError as error:  # concerns students and guardians only; the office gets bare ids meanwhile
        return Outcome("retry", error.line())
    except DeliveryError as error:  # a template: all messages use it, and a person may repair it at any time
        return Outcome("retry", error.line(), receiver_down=True)
    return server.send(made) if isinstance(made, Message) else made


def trial_message(home: Home, address: str, server: str) -> Message:
    """Return a test message; each call gives the message a new id."""
    mail, device, at = home.config.mail, home.config.device.name, datetime.now(timezone.utc)
    templates = templates_of(home)
    composed = templates.template("test").fill({"room": device, "server": server})
    words = Words(templates.words, ZoneInfo(home.config.device.time_zone))
    return Message(
        message_id=stable_message_id(device, "test", f"{at.timestamp()} {mail.host}", ""),
        role="office",
        student_id="",
        address=address,
        sender_name=words.say("sender", room=device),
        subject=composed.subject,
        text=composed.text,
        html=composed.html,
        language=composed.language,
        registers=(),
    )
