"""Explains connection errors in words that a school's technician can act on."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final, TypeVar

_Error = TypeVar("_Error", bound=BaseException)

LONGEST: Final = 200
"""Largest number of characters that are quoted from a server."""
_EXPIRED, _NOT_YET_VALID, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64
_UNKNOWN_AUTHORITY: Final = (2, 18, 19, 20, 21, 27)
"""X509_V_ERR_* of openssl-verification-options(1): the issuer is missing, self-signed or not trusted."""
_NO_CLIENT_CERTIFICATE: Final = ("CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE")
_BAD_CLIENT_CERTIFICATE: Final = ("BAD_CERTIFICATE", "UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "CERTIFICATE_EXPIRED")
"""TLS alerts about our certificate: how OpenSSL's names of them end, as in TLSV13_ALERT_CERTIFICATE_REQUIRED."""
_STRICT: Final = (85, 86, 87, 88, 89, 90, 91, 92, 93)
"""X509_V_ERR_* of the checks of RFC 5280 that Python 3.13 and later make (VERIFY_X509_STRICT)."""
_PROXY_STATUS = re.compile(r"Tunnel connection failed: (\d{3})")
_NEEDS_LOG_IN: Final = "407"


def cleaned(text: str, longest: int = LONGEST) -> str:
    """Return a server's text as one short line, without control characters, direction marks and angle brackets."""
    line = " ".join("".join(c if c.isprintable() and c not in "<>" else " " for c in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def explain(error: BaseException, where: str, proxy: str = "") -> str:
    """Return one line that says why the server was not reached, and what to do.

    Args:
        error: a library's error, which may wrap its reason several levels deep.
        where: host and port of the server.
        proxy: host and port of the proxy; empty if there is none.
    """
    refused = find(error, ssl.SSLCertVerificationError)
    if refused is not None:
        return _certificate(refused, where)
    status = _PROXY_STATUS.search(str(error))
    if status:
        return _proxy(status[1], where)
    return _connection(error, f"the proxy {proxy}" if proxy else where)


def is_about_us(error: BaseException) -> bool:
    """Return whether a server ended the connection because of this device's certificate, or for lack of one."""
    return "ALERT" in _alert(error) and _alert(error).endswith((*_NO_CLIENT_CERTIFICATE, *_BAD_CLIENT_CERTIFICATE))


def _alert(error: BaseException) -> str:
    return next((one.reason or "" for one in _reasons(error) if isinstance(one, ssl.SSLError)), "")


def find(error: BaseException, kind: type[_Error]) -> _Error | None:
    """Return the first error of a type among an error and its causes."""
    return next((one for one in _reasons(error) if isinstance(one, kind)), None)


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and every error that it was raised from or contains, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _certificate(error: ssl.SSLCertVerificationError, where: str) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return f"the certificate of {where} has expired; renew it at the server (or is this device's clock ahead?)"
    if code == _NOT_YET_VALID:
        return f"the certificate of {where} is not valid yet; this device's clock is probably behind"
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        what = f"the certificate of {where} is for another name, or has none in its subjectAltName"
        return f"{what}; check upstream.url; somebody may intercept the connection"
    if code in _UNKNOWN_AUTHORITY:
        what = f"the certificate of {where} is by an authority that this device does not know"
        return f"{what}; upstream.ca_file names the school's own, or a filter opens what is encrypted"
    reason = cleaned(error.verify_message, 80)
    if code in _STRICT:
        return f"the certificate of {where}, or its authority's, violates RFC 5280 ({reason}); have a new one issued"
    return f"the certificate of {where} is not trusted ({reason}); check upstream.ca_file"


def wants_certificate(where: str) -> str:
    """Return the message for a server that requires a client certificate."""
    return f"{where} requires a client certificate; set upstream.client_cert_file and upstream.client_key_file"


def _proxy(status: str, where: str) -> str:
    if status == _NEEDS_LOG_IN:
        return "the proxy asks for a name and password (407); docs/UPSTREAM.md says where they are kept"
    return f"the proxy refuses the connection to {where} ({status}); ask its administrator, or correct upstream.proxy"


def _connection(error: BaseException, where: str) -> str:
    if find(error, socket.gaierror):
        return f"the name {where} can't be resolved; no network, or a wrong upstream.url or upstream.proxy"
    if find(error, ConnectionRefusedError):
        return f"no server listens at {where}; the server is down, or upstream.url has a wrong port"
    alert = _alert(error)
    if alert.endswith(_NO_CLIENT_CERTIFICATE):
        return wants_certificate(where)
    if is_about_us(error):
        return f"{where} does not accept this device's certificate; check upstream.client_cert_file"
    if find(error, ssl.SSLError):
        return f"the TLS handshake failed with {where}; is it a server for HTTPS, and nothing in between?"
    if find(error, TimeoutError):
        return f"{where} did not answer in time; it is overloaded, or a firewall drops what we send"
    if find(error, ConnectionError):
        return f"{where} closed the connection"
    system = next((one for one in _reasons(error) if isinstance(one, OSError) and one.errno and one.strerror), None)
    if system is not None and system.strerror:
        return f"{where} can't be reached: {cleaned(system.strerror, 80)}"
    return f"{where} closed the connection"
