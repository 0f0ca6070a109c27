"""The TLS context by which every connection of this program verifies a server's certificate."""

from __future__ import annotations

import ssl


def server_context(ca_file: str = "") -> ssl.SSLContext:
    """Return a context that verifies servers: authority, dates, and the name in subjectAltName only (RFC 9525).

    OpenSSL uses the subject's common name if a certificate has no subjectAltName. Authorities do not verify that field
    as a server name, so this context ignores it.

    Args:
        ca_file: file of authorities to trust instead of the system's; empty: the system's.

    Raises:
        OSError: the file can't be read; `ssl.SSLError` if it has no authorities.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    context.hostname_checks_common_name = False
    return context
