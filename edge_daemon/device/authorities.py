"""Finds a school's certificates that Python 3.13 and later refuse and earlier versions accept (VERIFY_X509_STRICT)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.extensions import ExtensionNotFound

from edge_daemon.device.check import Check

REFUSED: Final = "Python 3.13 and later refuse it, and so will this device after an update"


def by_3_13(check: Check, ca_file: Path | None, seen: str = "") -> Check:
    """Return a warning if the check is good but Python 3.13 would refuse the server, otherwise the check unchanged.

    Args:
        check: the check of a server.
        ca_file: file of the school's authorities; None: the system's authorities are used.
        seen: error of a trial connection by the rules of Python 3.13; empty: none.
    """
    faults = "; ".join(strict_faults(ca_file) if ca_file is not None else []) or seen
    if check.state != "good" or not faults:
        return check
    advice = f"have the school's authority make new certificates by RFC 5280; {check.name}.ca_file names the authority"
    return Check(check.name, "warning", f"{check.found}; but {faults[:300]}: {REFUSED}", advice)


def strict_context(context: ssl.SSLContext) -> ssl.SSLContext:
    """Set a context to verify certificates as Python 3.13 does, and return it."""
    context.verify_flags |= ssl.VERIFY_X509_STRICT | getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)
    return context


def strict_faults(ca_file: Path) -> list[str]:
    """Return why Python 3.13 refuses authorities in a file, one line for each fault; empty if it accepts all."""
    try:
        authorities = x509.load_pem_x509_certificates(ca_file.read_bytes())
    except (OSError, ValueError):
        return []  # the code that loads the file reports this
    found = []
    for authority in authorities:
        reasons = list(_reasons(authority))
        if reasons:
            found.append(f"{authority.subject.rfc4514_string()[:80]}: {', '.join(reasons)}")
    return found


def _reasons(authority: x509.Certificate) -> Iterator[str]:
    if authority.version is not x509.Version.v3:
        yield "is not a version 3 certificate"
        return
    if not list(authority.subject):
        yield "has no name"
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
        if not constraints.critical:
            yield "its basic constraints are not critical"
    except ExtensionNotFound:
        yield "has no basic constraints"
    except ValueError:
        yield "its extensions can't be read"
        return
    for kind, word in ((x509.KeyUsage, "key usage"), (x509.SubjectKeyIdentifier, "subject key identifier")):
        try:
            authority.extensions.get_extension_for_class(kind)
        except ExtensionNotFound:
            yield f"has no {word}"
    if authority.issuer != authority.subject:
        try:
            authority.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        except ExtensionNotFound:
            yield "has no authority key identifier"
