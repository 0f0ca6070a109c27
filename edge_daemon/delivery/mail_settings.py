"""The mail server's settings from [mail], checked before the network is used."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon.config import MailConfig
from edge_daemon.device.secrets import credential, how_to_make
from edge_daemon.device.server_context import server_context
from edge_daemon.domains import ascii_domain
from edge_daemon.errors import DeliveryError

_MAX_SECRET: Final = 16 * 1024
"""Largest size of the file with the password, in bytes. An XOAUTH2 token can have several thousand characters."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How to reach the mail server, and the send rate."""

    host: str
    port: int
    is_tls: bool
    """True: TLS from the first byte. False: STARTTLS. A plain connection is not possible."""
    context: ssl.SSLContext
    username: str
    secret: str
    auth: str
    sender: str
    per_minute: int


def server_settings(settings: MailConfig, config_dir: Path) -> ServerSettings:
    """Return the settings of the mail server.

    Args:
        settings: [mail].
        config_dir: folder where relative file names start.

    Raises:
        DeliveryError: a setting is missing, or a file can't be read.
        KeyFileError: the credential can't be read.
    """
    if not settings.host:
        raise DeliveryError("no mail server is set", "mail.host", "name it, or leave sending to the school's server")
    if not settings.from_:
        raise DeliveryError("no sender is set", "mail.from", "name the address that messages come from")
    secret = _secret(settings, config_dir) if settings.username else ""
    try:
        host = ascii_domain(settings.host)
    except ValueError as error:
        raise DeliveryError("is not a server name", "mail.host", "correct it") from error
    return ServerSettings(
        host,
        settings.port,
        settings.security == "tls",
        _context(settings.ca_file, config_dir),
        settings.username,
        secret,
        settings.auth,
        settings.from_,
        settings.per_minute,
    )


def _context(ca_file: str, config_dir: Path) -> ssl.SSLContext:
    path = str(config_dir / ca_file) if ca_file else ""
    try:
        return server_context(path)
    except (OSError, ssl.SSLError) as error:
        what = error.strerror if isinstance(error, OSError) and error.errno else "has no certificates in PEM form"
        raise DeliveryError(f"can't be used: {what}", f"mail.ca_file {path}", "check the file") from error


def _secret(settings: MailConfig, config_dir: Path) -> str:
    name, where = settings.password_file, "mail.password_file"
    if not name:
        raise DeliveryError("mail.username is set and this is not", where, "name the file with the password")
    data = credential(name) if "/" not in name else None
    if data is None:
        try:
            with (config_dir / name).open("rb") as file:
                data = file.read(_MAX_SECRET + 1)
        except OSError as error:
            what = f"there is no such credential, and {config_dir / name} can't be read ({error.strerror})"
            raise DeliveryError(what, where, how_to_make(name)) from error
    secret = data.decode("utf-8", errors="replace").rstrip("\r\n")
    if not secret or len(data) > _MAX_SECRET or not secret.isprintable():
        raise DeliveryError("is empty, or is not a password", where, "put the password there, on one line")
    return secret
