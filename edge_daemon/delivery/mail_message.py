"""Converts a message to an Internet mail (RFC 5322, MIME) for any server: seven-bit, with checked addresses."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from edge_daemon.config import is_address
from edge_daemon.delivery.mail_headers import HeaderPolicy, attachment_name
from edge_daemon.delivery.message import Message
from edge_daemon.domains import ascii_domain
from edge_daemon.errors import DeliveryError
from edge_daemon.plain_text import without_overrides

_POLICY: Final = HeaderPolicy(linesep="\r\n", cte_type="7bit")
"""Policy with seven-bit encodings (quoted-printable, base64), because not every server accepts 8-bit data."""
_XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_NO_DOMAIN = re.compile(r"[^A-Za-z0-9.-]+")


def to_message(message: Message, sender: str, at: datetime, *, utf8: bool = False) -> EmailMessage:
    """Return a message as MIME.

    Args:
        message: a message to one receiver.
        sender: address of the sender (mail.from).
        at: now.
        utf8: whether an address has non-ASCII letters, which only some servers accept (RFC 6532).

    Raises:
        DeliveryError: an address or the subject could break out of its header.
    """
    mime = EmailMessage(policy=_POLICY.clone(utf8=utf8))
    domain = wire_address(sender, "mail.from").rpartition("@")[2]
    mime["From"] = _header(sender, message.sender_name)
    mime["To"] = _header(message.address, "")
    mime["Subject"] = one_line(message.subject, "the subject")
    mime["Date"] = format_datetime(at)
    mime["Message-ID"] = message_id_header(message.message_id, domain)
    if message.follows:
        mime["In-Reply-To"] = mime["References"] = message_id_header(message.follows, domain)
    # RFC 3834, and the header that Exchange respects: they prevent out-of-office replies.
    mime["Auto-Submitted"] = "auto-generated"
    mime["X-Auto-Response-Suppress"] = "All"
    mime.set_content(message.text)
    mime.add_alternative(message.html, subtype="html")
    for part in mime.iter_parts():
        if message.language:
            part["Content-Language"] = message.language
    for attachment in message.attachments:
        maintype, subtype = _XLSX
        name = attachment_name(attachment.name)
        mime.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=name)
    if message.language:  # last, because adding an attachment would move the header into its part
        mime["Content-Language"] = message.language
    return mime


def to_bytes(mime: EmailMessage) -> bytes:
    """Return a message in its wire form."""
    return mime.as_bytes()


def message_id_header(message_id: str, domain: str) -> str:
    """Return the Message-ID of a message."""
    return f"<{message_id}@{_NO_DOMAIN.sub('-', domain).strip('.-') or 'edge-daemon.invalid'}>"


def wire_address(address: str, where: str) -> str:
    """Return an address in the form of SMTP: a non-ASCII domain is converted to ASCII (IDNA).

    Raises:
        DeliveryError: the text is not a plain mail address.
    """
    if not is_address(address):
        breaks = any(not c.isprintable() for c in address)
        what = "a line break or control character is in the mail address" if breaks else "is not a mail address"
        raise DeliveryError(what, where, "correct it where it comes from: the roster or the settings")
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{ascii_domain(domain)}"
    except ValueError as error:
        raise DeliveryError("the domain of the mail address can't be used", where, "correct it") from error


def one_line(text: str, where: str) -> str:
    """Return a one-line text without marks that override its direction.

    Raises:
        DeliveryError: the text has a line break or a control character, which could begin another header.
    """
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text):
        raise DeliveryError("a line break or control character is in it", where, "use one line of text")
    return without_overrides(text)


def _header(address: str, name: str) -> Address | str:
    plain = wire_address(address, "mail.from" if name else "the receiver")
    local, _, domain = plain.rpartition("@")
    return Address(display_name=one_line(name, "the sender's name"), username=local, domain=domain)
