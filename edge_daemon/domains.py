"""Names of servers and mail domains in ASCII form, by IDNA 2008 (RFC 5891), which registries use.

Python's own codec implements IDNA 2003: it turns `straße` into `strasse`, which is another domain.
"""

from __future__ import annotations


def ascii_domain(domain: str) -> str:
    """Return a domain in ASCII, the form in which DNS stores it.

    Raises:
        ValueError: the text is not a domain name of IDNA 2008.
    """
    if domain.isascii():
        return domain
    import idna  # its tables take 10 ms, and few domains need them

    # UTS 46 maps capitals and full-width letters. Its transitional mapping of ß and final sigma stays off.
    return idna.encode(domain, uts46=True, transitional=False).decode("ascii")
