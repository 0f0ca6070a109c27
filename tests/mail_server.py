"""A real mail server over a real socket, with TLS, log-in, and the moods of mail servers."""
# ruff: noqa: N802 - aiosmtpd names what it calls

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests import office_ca

USER, PASSWORD = "room-204", "pässword of room 204"
TOKEN = "ya29.token"


@dataclass
class Mood:
    """How the server behaves; changed by a test at any time."""

    starttls_offered: bool = True
    starttls_answer: str = ""
    auth: tuple[str, ...] = ("PLAIN", "LOGIN")
    sender: dict[str, str] = field(default_factory=dict)
    receiver: dict[str, str] = field(default_factory=dict)
    """Address to an answer other than 250."""
    greylist: int = 0
    """Number of first attempts for each receiver that are deferred."""
    data: list[str] = field(default_factory=list)
    """Answers to the next messages; empty ones are 250, `drop` takes the message and breaks off before an answer."""
    slow_s: float = 0.0
    utf8: bool = True
    auth_answer: str = ""


@dataclass
class Taken:
    """A message as the server has it."""

    sender: str
    receiver: str
    raw: bytes
    encrypted: bool
    user: str

    @property
    def message(self):
        return email.message_from_bytes(self.raw.replace(b"\r\n", b"\n"), policy=email.policy.default)


class _Handler:
    def __init__(self, mood: Mood) -> None:
        self.mood, self.taken, self.tries = mood, [], {}

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        left = [line for line in responses if self.mood.starttls_offered or "STARTTLS" not in line]
        return [line for line in left if self.mood.utf8 or "SMTPUTF8" not in line]

    async def auth_XOAUTH2(self, server, args):
        if base64.b64decode(args[1]).decode() == f"user={USER}\x01auth=Bearer {TOKEN}\x01\x01":
            return AuthResult(success=True, auth_data=LoginPassword(USER.encode(), b""))
        await server.push("334 eyJzdGF0dXMiOiI0MDAifQ==")
        assert await server._reader.readline() == b"\r\n"
        return AuthResult(success=False, handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address in self.mood.sender:
            return self.mood.sender[address]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 sender fine"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.tries[address] = self.tries.get(address, 0) + 1
        if self.tries[address] <= self.mood.greylist:
            return f"451 4.7.1 <{address}> greylisted, try again in 300 seconds"
        if address in self.mood.receiver:
            return self.mood.receiver[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 receiver fine"

    async def handle_DATA(self, server, session, envelope):
        if self.mood.slow_s:
            await asyncio.sleep(self.mood.slow_s)
        answer = self.mood.data.pop(0) if self.mood.data else ""
        if answer in ("", "drop"):
            (receiver,) = envelope.rcpt_tos
            user = getattr(session, "auth_data", None)
            name = user.login.decode() if isinstance(user, LoginPassword) else str(user or "")
            encrypted = server.transport.get_extra_info("ssl_object") is not None
            self.taken.append(Taken(envelope.mail_from, receiver, envelope.content, encrypted, name))
        if answer == "drop":
            server.transport.abort()
            await asyncio.sleep(10)
        return answer or "250 2.0.0 queued as 4711"


class _Smtp(SMTP):
    mood: Mood

    async def smtp_STARTTLS(self, arg):
        if self.mood.starttls_answer:
            await self.push(self.mood.starttls_answer)
            return
        await super().smtp_STARTTLS(arg)


class Server:
    """A server that runs.

    Args:
        folder: for certificates.
        tls: TLS from the first byte.
        certificate: a kind of office_ca.
        log_in: whether a log-in is wanted.
    """

    def __init__(self, folder: Path, *, tls: bool = False, certificate: str = "good", log_in: bool = True) -> None:
        office_ca.make(folder)
        self.mood = Mood()
        self.handler = _Handler(self.mood)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{certificate}.pem")
        mood = self.mood

        def authenticate(server, session, envelope, mechanism, auth_data):
            if mood.auth_answer:
                return AuthResult(success=False, handled=False, message=mood.auth_answer)
            right = isinstance(auth_data, LoginPassword) and (
                auth_data.login.decode() == USER and auth_data.password.decode() == PASSWORD
            )
            return AuthResult(success=right, handled=False, auth_data=auth_data)

        class Made(Controller):
            def factory(self):
                smtp = _Smtp(
                    self.handler,
                    hostname="mail.school.example",
                    tls_context=None if tls else context,
                    require_starttls=False,
                    auth_required=log_in,
                    auth_require_tls=not tls,
                    authenticator=authenticate,
                    auth_exclude_mechanism=[m for m in ("PLAIN", "LOGIN", "XOAUTH2") if m not in mood.auth],
                    enable_SMTPUTF8=True,
                )
                smtp.mood = mood
                return smtp

        # Bound all the time, so that nobody else gets the port before the controller listens; asyncio reuses it.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", 0))
        self.port = self._place.getsockname()[1]
        self._controller = Made(
            self.handler,
            hostname="127.0.0.1",
            port=self.port,
            ssl_context=context if tls else None,
            ready_timeout=60.0,
        )

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_):
        self._controller.stop()
        self._place.close()

    @property
    def taken(self) -> list[Taken]:
        return self.handler.taken
