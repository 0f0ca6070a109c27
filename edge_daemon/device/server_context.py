"""How the certificate of a server is verified, by every connection of this program."""

from __future__ import annotations

import ssl


def server_context(ca_file: str = "") -> ssl.SSLContext:
    """Return a context that verifies servers: authority, dates, and the name by subjectAltName alone (RFC 9525).

    OpenSSL looks at the subject's common name where a certificate has no subjectAltName. Authorities do not check that
    field as a name of a server, so nothing is believed by it.

    Args:
        ca_file: authorities to trust instead of the system's; empty: the system's.

    Raises:
        OSError: the file can't be read (`ssl.SSLError`: it has no authorities).
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    context.hostname_checks_common_name = False
    return context
