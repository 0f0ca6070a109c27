"""Sends messages through a mail server. Each message is accepted, retried, or refused for good.

There are three kinds of failure. A failure of the server (no encryption, no log-in, not reachable) applies to every
message and is reported once. A refusal of a receiver or of a message applies to that message alone, unless three
messages in a row are refused alike (`mail_refusals.py`). If the connection breaks while a message is sent, it is
unknown whether the server accepted it. The message is then sent again with the same Message-ID.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final, Protocol

from edge_daemon.delivery.mail_message import to_bytes, to_message, wire_address
from edge_daemon.delivery.mail_refusals import RefusalsInARow, words_of
from edge_daemon.delivery.mail_settings import ServerSettings
from edge_daemon.delivery.message import Message
from edge_daemon.delivery.smtp_session import DEADLINE_S, TIMEOUT_S, EncryptionUnavailable, SmtpRefusal, SmtpSession
from edge_daemon.errors import DeliveryError
from edge_daemon.types import Outcome

_MINUTE_S: Final = 60.0
_CLOSES: Final = 421
"""Code for closing the connection (RFC 5321, 4.2.3)."""


class Sender(Protocol):
    """A way to send messages."""

    needs_addresses: bool
    """False: messages need no addresses, because the server itself knows the addresses of students and guardians."""
    name: str
    """Name of the server for texts that people read."""

    def send(self, message: Message) -> Outcome:
        """Try once to send a message, and return the outcome."""

    def close(self) -> None:
        """Release the connections."""


class MailServer:
    """The mail server. The connection is made when the first message is sent.

    Args:
        settings: how to reach it.
        now: returns the current time.
        pause: waits for a number of seconds.
        monotonic: returns the time of a clock that never goes back, in seconds.
        timeout_s: longest wait for one answer.
        deadline_s: longest time for a whole message.
    """

    needs_addresses = True

    def __init__(
        self,
        settings: ServerSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        pause: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._settings, self._now, self._pause, self._monotonic = settings, now, pause, monotonic
        self._timeout_s, self._deadline_s = timeout_s, deadline_s
        self._session: SmtpSession | None = None
        self._refusals = RefusalsInARow()
        self._sent_s: deque[float] = deque(maxlen=settings.per_minute)
        self.name = f"{settings.host}:{settings.port}"

    def send(self, message: Message) -> Outcome:
        """Try once to send a message, and return the outcome."""
        try:
            sender = wire_address(self._settings.sender, "mail.from")
            receiver = wire_address(message.address, f"the address of the {message.role}")
            utf8 = not (sender.isascii() and receiver.isascii())
            mime = to_bytes(to_message(message, self._settings.sender, self._now(), utf8=utf8))
        except DeliveryError as error:
            return Outcome("parked", error.line())
        self._keep_pace()
        session = self._session or self._connected()
        if isinstance(session, Outcome):
            return session
        if utf8 and not session.takes_utf8:
            return Outcome("parked", "the mail server accepts no address with letters other than a to z")
        return self._sent(session, sender, receiver, mime, utf8)

    def close(self) -> None:
        """End the connection."""
        if self._session is not None:
            self._session.close(politely=True)
            self._session = None

    def _connected(self) -> SmtpSession | Outcome:
        """Connect and return the session, or the outcome of a failure, which applies to all messages."""
        try:
            self._session = SmtpSession(self._settings, timeout_s=self._timeout_s, deadline_s=self._deadline_s)
        except EncryptionUnavailable:
            answer = f"{self.name} offers no encryption (STARTTLS), so nothing was sent to it"
            hint = 'mail.security = "tls" and its port (465), or a filter intercepts the connection'
            return Outcome("parked", f"{answer}; {hint}", receiver_down=True)
        except SmtpRefusal as refused:
            return _of_server(refused, self.name)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("retry", _unreached(error, self.name), receiver_down=True)
        return self._session

    def _sent(self, session: SmtpSession, sender: str, receiver: str, mime: bytes, utf8: bool) -> Outcome:
        try:
            answer = session.send(sender, receiver, mime, utf8=utf8)
        except SmtpRefusal as refused:
            outcome = self._refusals.weighed(refused, _outcome_of_message(refused, self.name), self.name)
            self._go_on_after(session, refused)
            if refused.code == _CLOSES:
                again = self._connected()  # a server that closed because of one message accepts others, or refuses now
                return again if isinstance(again, Outcome) else outcome
            return outcome
        except (OSError, smtplib.SMTPException) as error:
            session.close()
            self._session = None
            problem = _unreached(error, self.name)
            return Outcome("retry", f"{problem}; it may have been accepted: it is sent again under the same Message-ID")
        self._refusals.forget()
        return Outcome("delivered", words_of(answer))

    def _go_on_after(self, session: SmtpSession, refused: SmtpRefusal) -> None:
        """Reset the session for the next message after a refusal, or close it if the server closed it."""
        try:
            if refused.code == _CLOSES:
                raise smtplib.SMTPServerDisconnected
            session.reset()
        except (OSError, SmtpRefusal, smtplib.SMTPException):
            session.close()
            self._session = None

    def _keep_pace(self) -> None:
        """Wait until the settings allow another message."""
        if len(self._sent_s) == self._sent_s.maxlen:
            left_s = self._sent_s[0] + _MINUTE_S - self._monotonic()
            if left_s > 0:
                self._pause(left_s)
        self._sent_s.append(self._monotonic())


def _of_server(refused: SmtpRefusal, name: str) -> Outcome:
    """Return the outcome of a refusal while connecting, which applies to all messages."""
    reply = words_of(f"{refused.code or ''} {refused.words}")
    if refused.step == "log-in" and (refused.is_for_good or not refused.code):
        return Outcome(
            "parked",
            f"{name} refuses the log-in: {reply}; check mail.username, mail.password_file, mail.auth",
            receiver_down=True,
        )
    return Outcome("retry", f"{name} refuses the device at its {refused.step}: {reply}", receiver_down=True)


def _outcome_of_message(refused: SmtpRefusal, name: str) -> Outcome:
    """Return the outcome of a refused message. Its `receiver_down` says whether the refusal applies to all messages."""
    reply = words_of(f"{refused.code} {refused.words}")
    if refused.code == _CLOSES:
        return Outcome("retry", f"{name} closes: {reply}", receiver_down=True, is_doubtful=True)
    if refused.code == 530:  # RFC 4954: authentication required
        return Outcome("parked", f"{name} requires a log-in: {reply}; set mail.username", receiver_down=True)
    if refused.step == "sender" and refused.code != 552:  # 552: the message is too large
        if refused.is_for_good:
            return Outcome(
                "parked", f"{name} does not accept our sender address: {reply}; check mail.from", receiver_down=True
            )
        return Outcome("retry", f"{name} defers our message: {reply}", receiver_down=refused.code != 452)
    return Outcome("parked" if refused.is_for_good else "retry", f"{refused.step} refused: {reply}")


def _unreached(error: Exception, name: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "check mail.ca_file, the server's certificate, and this device's clock"
        return f"the certificate of {name} is not trusted ({words_of(error.verify_message)}); {hint}"
    if isinstance(error, ssl.SSLError):
        return f'the TLS handshake failed with {name}; mail.security is "tls" for port 465, "starttls" for 587'
    if isinstance(error, socket.gaierror):
        return f"the name {name.rpartition(':')[0]} can't be resolved; no network, or a wrong mail.host"
    if isinstance(error, TimeoutError):
        return f"{name} did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return f"no server listens at {name}; check mail.host and mail.port"
    if isinstance(error, (ConnectionError, smtplib.SMTPServerDisconnected)):
        return f"{name} closed the connection"
    if isinstance(error, smtplib.SMTPException):
        return f"{name} does not answer like a mail server"
    return f"{name} can't be reached: {getattr(error, 'strerror', None) or type(error).__name__}"
