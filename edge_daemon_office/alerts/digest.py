"""The digest: one mail to an account, with the alerts that it has not received before."""

from __future__ import annotations

import base64
import hashlib
import smtplib
import socket
import ssl
from contextlib import ExitStack
from datetime import datetime
from email.message import EmailMessage
from itertools import groupby
from typing import Final

from django.conf import settings
from django.utils import translation

from edge_daemon_office.alerts.find import Alert, alerts_of
from edge_daemon_office.alerts.sent_alerts import is_known
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import MailSettings, OfficeHome
from edge_daemon_office.pages.wording import t
from edge_daemon_office.people.models import Account, ToldAlert
from edge_daemon_office.shared.delivery.connection_deadline import ConnectionDeadline

_TIMEOUT_S: Final = 60
_LONGEST_S: Final = 300
"""Longest time in seconds for sending one mail. Some servers send a byte now and then and would never end."""
_MOST: Final = 200
"""Limit for the lines of a mail; the next mail has the others."""


def send_digests(home: OfficeHome, now: datetime) -> tuple[int, list[str]]:
    """Send the new alerts to each account that has an address; return the number of mails, and a line for each failure.

    An alert is marked as sent after the server accepted the mail. A process that is killed between these two steps
    sends the mail again with the same Message-ID, so that mail programs recognise the repeat.

    Raises:
        OfficeError: mail is not set up, or its password can't be read.
    """
    if home.mail is None:
        raise OfficeError("is not set up", "office.toml, mail", "add a table [mail] with host and from")
    sent, problems = 0, []
    for account in Account.objects.filter(is_active=True).exclude(email="").order_by("pk"):
        school = home.schools.get(account.school)
        if school is None:
            continue
        with translation.override(account.language or home.language):
            new = new_alerts(account, alerts_of(account, school, now))[:_MOST]
            if not new:
                continue
            message = digest(account, school.name, home.mail.sender, new, now)
        try:
            _send(home.mail, message)
        except (OSError, smtplib.SMTPException) as error:
            problems.append(f"{account.username}: {type(error).__name__}")
            continue
        ToldAlert.objects.bulk_create([ToldAlert(account=account, key=one.key, at=now) for one in new])
        sent += 1
    return sent, problems


def new_alerts(account: Account, alerts: list[Alert]) -> list[Alert]:
    """Return the alerts that an account has not received, each once."""
    known = set(ToldAlert.objects.filter(account=account).values_list("key", flat=True))
    return list({one.key: one for one in alerts if not is_known(one.key, known)}.values())


def digest(account: Account, school: str, sender: str, alerts: list[Alert], now: datetime) -> EmailMessage:
    """Return the mail; its subject contains no name."""
    message = EmailMessage()
    message["From"], message["To"] = sender, account.email
    message["Subject"] = t(
        "Attendance of %(school)s: %(count)s new", school=" ".join(school.split()), count=len(alerts)
    )
    message["Date"] = now
    keys = hashlib.sha256("\n".join([str(account.pk), *(one.key for one in alerts)]).encode("utf-8")).hexdigest()
    message["Message-ID"] = f"<{keys[:32]}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    parts = []
    for section, lines in groupby(alerts, key=lambda one: one.section):
        parts.append("\n".join([section, *(f"- {' '.join(one.line.split())}" for one in lines)]))
    address = f"https://{settings.OFFICE.hosts[0]}/"
    message.set_content("\n\n".join([*parts, address]) + "\n")
    return message


def _send(mail: MailSettings, message: EmailMessage) -> None:
    """Send a message, never in clear text.

    Raises:
        OSError, smtplib.SMTPException: the server can't be reached, has no encryption, or refuses the message.
    """
    context = ssl.create_default_context(cafile=mail.ca_file or None)
    deadline = ConnectionDeadline()

    class Plain(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            return deadline.connect((host, port), timeout)

    class Encrypted(smtplib.SMTP_SSL, Plain):
        pass

    with ExitStack() as stack:
        stack.callback(deadline.drop)
        stack.enter_context(deadline.until(_LONGEST_S))
        if mail.security == "tls":
            server: smtplib.SMTP = Encrypted(mail.host, mail.port, timeout=_TIMEOUT_S, context=context)
        else:
            server = Plain(mail.host, mail.port, timeout=_TIMEOUT_S)
        stack.enter_context(server)
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.username:
            _log_in(server, mail)
        server.send_message(message)


def _log_in(server: smtplib.SMTP, mail: MailSettings) -> None:
    """Log in with PLAIN (RFC 4616) in UTF-8, because smtplib's own login accepts only ASCII.

    Raises:
        OSError, smtplib.SMTPException: the server refuses the name or the password.
    """
    words = base64.b64encode(f"\0{mail.username}\0{mail.password}".encode()).decode("ascii")
    server.ehlo_or_helo_if_needed()
    code, answer = server.docmd("AUTH", f"PLAIN {words}")
    if code != 235:  # authentication succeeded (RFC 4954)
        raise smtplib.SMTPAuthenticationError(code, answer)
