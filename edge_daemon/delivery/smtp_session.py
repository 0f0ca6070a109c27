"""One encrypted and logged-in connection to a mail server, which reports for each step whether the server refused it.

It avoids problems of smtplib. Every answer has a time limit, and this computer's name is not looked up. A password may
have non-ASCII letters. The refusal of a receiver is distinct from a refusal by the server as a whole.
"""

from __future__ import annotations

import base64
import contextlib
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from edge_daemon.delivery.connection_deadline import ConnectionDeadline
from edge_daemon.delivery.mail_settings import ServerSettings

TIMEOUT_S = 30.0
"""Longest wait for one answer, in seconds; RFC 5321 (4.5.3.2) would allow minutes."""
DEADLINE_S = 120.0
"""Longest time in seconds for connecting with log-in, and for each message, even if bytes still arrive slowly."""


class SmtpRefusal(Exception):  # noqa: N818 - an answer, not a mistake
    """A step that the server refused.

    Args:
        step: the refused step.
        code: the server's reply code; 0: none.
        words: the server's text.
    """

    def __init__(self, step: str, code: int, words: str) -> None:
        super().__init__(f"{step}: {code} {words}")
        self.step, self.code, self.words = step, code, words

    @property
    def is_for_good(self) -> bool:
        """Whether the reply code says that a retry is useless (RFC 5321, 4.2.1)."""
        return 500 <= self.code <= 599


class EncryptionUnavailable(Exception):  # noqa: N818
    """The server offers no encryption, so nothing was sent to it."""


class SmtpSession:
    """A connection, encrypted and logged in.

    Args:
        settings: settings of the server.
        timeout_s: longest wait for one answer.
        deadline_s: longest time for connecting, and for each message.

    Raises:
        EncryptionUnavailable: the server has no STARTTLS, or somebody removed it from its answer.
        SmtpRefusal: the server refuses us.
        OSError: the server can't be reached, or its certificate is not trusted (ssl.SSLError).
        smtplib.SMTPException: the server does not answer like a mail server, or closed the connection.
    """

    def __init__(
        self, settings: ServerSettings, *, timeout_s: float = TIMEOUT_S, deadline_s: float = DEADLINE_S
    ) -> None:
        self._deadline_s = deadline_s
        # local_hostname: smtplib would look up this computer's name, which takes long without a name server.
        name = "localhost.localdomain"
        self._line = ConnectionDeadline()
        plain, encrypted = _classes(self._line)
        self._smtp: smtplib.SMTP = (
            encrypted(timeout=timeout_s, context=settings.context, local_hostname=name)
            if settings.is_tls
            else plain(timeout=timeout_s, local_hostname=name)
        )
        # smtplib checks the certificate against this name, which it sets only if it connects by itself.
        self._smtp._host = settings.host  # type: ignore[attr-defined]
        try:
            with self._deadline():
                self._open(settings)
        except BaseException:
            self.close()
            raise
        self.answer = ""
        """The server's text about the last message."""

    def send(self, sender: str, receiver: str, message: bytes, *, utf8: bool) -> str:
        """Send one message to one receiver and return the server's text.

        Raises:
            SmtpRefusal: the server refused the sender, the receiver or the message, as `step` says.
            OSError: the connection broke; it is unknown whether the message was accepted.
            smtplib.SMTPException: as for OSError.
        """
        options = [f"size={len(message)}"] if self._smtp.has_extn("size") else []
        options += ["SMTPUTF8"] if utf8 else []
        with self._deadline():
            self._step("sender", *self._smtp.mail(sender, options))
            self._step("receiver", *self._smtp.rcpt(receiver))
            try:
                code, words = self._smtp.data(message)
            except smtplib.SMTPDataError as error:
                raise SmtpRefusal("message", error.smtp_code, _text(error.smtp_error)) from error
            self._step("message", code, words)
        return f"{code} {_text(words)}"

    @property
    def takes_utf8(self) -> bool:
        """Whether the server accepts addresses with non-ASCII letters (RFC 6531)."""
        return self._smtp.has_extn("smtputf8")

    def reset(self) -> None:
        """Make the session ready for the next message after a refusal; raises the same errors as `send`."""
        with self._deadline():
            self._step("reset", *self._smtp.rset())

    def close(self, *, politely: bool = False) -> None:
        """End the connection; if `politely`, send QUIT first."""
        if politely:
            with contextlib.suppress(OSError, smtplib.SMTPException), self._deadline(10.0):
                self._smtp.quit()
        self._smtp.close()
        self._line.drop()

    def _open(self, settings: ServerSettings) -> None:
        self._step("greeting", *self._smtp.connect(settings.host, settings.port))
        self._smtp.local_hostname = _own_name(self._smtp.sock)
        self._greet()
        if not settings.is_tls:
            if not self._smtp.has_extn("starttls"):
                raise EncryptionUnavailable
            try:
                self._smtp.starttls(context=settings.context)
            except smtplib.SMTPResponseException as error:
                if error.smtp_code >= 500:
                    raise EncryptionUnavailable from error
                raise SmtpRefusal("encryption", error.smtp_code, _text(error.smtp_error)) from error
            self._greet()  # the greeting before encryption is void (RFC 3207, 4.2)
        if settings.username:
            self._log_in(settings)

    def _greet(self) -> None:
        code, words = self._smtp.ehlo()
        self._step("greeting", code, words)

    def _log_in(self, settings: ServerSettings) -> None:
        offered = self._smtp.esmtp_features.get("auth", "").upper().split()
        if settings.auth == "xoauth2":
            if "XOAUTH2" not in offered:
                raise SmtpRefusal("log-in", 0, "the server does not offer XOAUTH2")
            token = f"user={settings.username}\x01auth=Bearer {settings.secret}\x01\x01"
            code, words = self._smtp.docmd("AUTH", f"XOAUTH2 {_base64(token)}")
            if code == 334:  # the reason, in JSON; the refusal follows an empty line
                code, words = self._smtp.docmd("")
        elif "PLAIN" in offered:
            code, words = self._smtp.docmd(
                "AUTH", f"PLAIN {_base64(f'{chr(0)}{settings.username}{chr(0)}{settings.secret}')}"
            )
        elif "LOGIN" in offered:
            code, words = self._smtp.docmd("AUTH", f"LOGIN {_base64(settings.username)}")
            if code == 334:
                code, words = self._smtp.docmd(_base64(settings.secret))
        else:
            problem = f"the server offers no supported log-in ({', '.join(offered) or 'none'})"
            raise SmtpRefusal("log-in", 0, problem)
        self._step("log-in", code, words)

    def _step(self, step: str, code: int, words: bytes) -> None:
        if not 200 <= code <= 299:
            raise SmtpRefusal(step, code, _text(words))

    @contextmanager
    def _deadline(self, seconds: float | None = None) -> Iterator[None]:
        """Close the connection if a step takes too long, so that the waiting call raises an error."""
        with self._line.until(seconds or self._deadline_s):
            yield


def _classes(line: ConnectionDeadline) -> tuple[type[smtplib.SMTP], type[smtplib.SMTP_SSL]]:
    """Return smtplib's classes, whose connections are made and ended by a `ConnectionDeadline`."""

    class WatchedSmtp(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            return line.connect((host, port), timeout)

    class WatchedSmtpOverTls(smtplib.SMTP_SSL, WatchedSmtp):
        pass

    return WatchedSmtp, WatchedSmtpOverTls


def _own_name(connection: socket.socket | None) -> str:
    """Return this computer's address in the form of a name (RFC 5321, 4.1.3), because its name is unknown outside."""
    if connection is None:
        return "[127.0.0.1]"
    address = str(connection.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words
