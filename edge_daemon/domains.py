"""Names of servers and mail domains in their ASCII form: IDNA 2008 (RFC 5891), as registries use it.

Python's own codec is IDNA 2003: it turns `straße` into `strasse`, which is another domain.
"""

from __future__ import annotations


def ascii_domain(domain: str) -> str:
    """Return a domain as the network has it.

    Raises:
        ValueError: it is no name of IDNA 2008.
    """
    if domain.isascii():
        return domain
    import idna  # its tables take 10 ms, and few domains need them

    # Mapping as UTS 46 has it (capitals, full-width letters), without its transitional ß and final sigma.
    return idna.encode(domain, uts46=True, transitional=False).decode("ascii")
