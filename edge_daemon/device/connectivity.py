"""Checks whether the network and the school's servers can be reached. It connects, but sends no data and no mail."""

from __future__ import annotations

import base64
import contextlib
import smtplib
import socket
import ssl
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from edge_daemon.config import MailConfig, UpstreamConfig
from edge_daemon.device.authorities import strict_context
from edge_daemon.device.check import Check
from edge_daemon.device.server_context import server_context
from edge_daemon.domains import ascii_domain

TIMEOUT_S = 5.0
_PORTS = {"https": 443, "http": 80}
_REFUSED_BY_PROXY = "Tunnel connection failed: "
"""Beginning of http.client's message when a proxy refuses a connection."""


def network(root: Path = Path("/")) -> Check:
    """Check whether this process has a default route (proc_net(5))."""
    net = root / "proc/net"
    links = [line.split(":")[0].strip() for line in _lines(net / "dev") if ":" in line]
    if not [link for link in links if link != "lo"]:
        return Check(
            "network",
            "not checked",
            "seen from inside the service, which has none by design",
            "run `edge-daemon doctor` from a shell to look at the network",
        )
    ways = sorted({*_ways_4(net / "route"), *_ways_6(net / "ipv6_route")})
    if ways:
        return Check("network", "good", f"a default route by {', '.join(ways)} (as seen from this process)")
    advice = "plug in the cable or check the Wi-Fi; registers wait on the device until there is a network"
    return Check("network", "warning", "no default route (as seen from this process)", advice)


def mail(settings: MailConfig, config_dir: Path = Path()) -> Check:
    """Check that the mail server answers and encrypts. Nothing is logged in and no mail is sent.

    Args:
        settings: [mail].
        config_dir: folder where a relative file name starts.
    """
    if settings.via == "upstream":
        return Check("mail", "not checked", "the school's server sends it (mail.via)")
    if not settings.host:
        return Check("mail", "not checked", "no mail server is set (mail.host)")
    ca_file = str(config_dir / settings.ca_file) if settings.ca_file else ""
    if ca_file and not Path(ca_file).is_file():
        return Check("mail", "bad", f"{ca_file} can't be read", "check mail.ca_file")
    try:
        host = ascii_domain(settings.host)
    except ValueError:
        return Check("mail", "bad", f"{settings.host} is not a server name", "correct mail.host")
    try:
        if settings.security == "tls":
            with smtplib.SMTP_SSL(host, settings.port, timeout=TIMEOUT_S, context=_context(ca_file)) as tls_server:
                found = _cipher(tls_server.sock)
        else:
            with smtplib.SMTP(host, settings.port, timeout=TIMEOUT_S) as server:
                server.starttls(context=_context(ca_file))
                found = _cipher(server.sock)
    except smtplib.SMTPNotSupportedError:
        advice = 'the server has no STARTTLS: mail.security = "tls" and its port (465)'
        return Check("mail", "bad", f"{settings.host} does not encrypt on port {settings.port}", advice)
    except (OSError, smtplib.SMTPException) as error:
        return _unreachable(
            "mail", f"{settings.host}:{settings.port}", error, "mail.host, mail.port, mail.security, mail.ca_file"
        )
    return Check("mail", "good", f"{settings.host}:{settings.port} answers, {found}; no mail was sent")


def upstream(settings: UpstreamConfig, config_dir: Path) -> Check:
    """Check that the school's server can be reached and encrypts. No request is sent.

    Args:
        settings: [upstream].
        config_dir: folder where a relative file name starts.
    """
    if not settings.url:
        return Check("upstream", "not checked", "no server is set (upstream.url)")
    try:
        parts = urlsplit(settings.url)
        host, port = ascii_domain(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        host, port = "", 0
    if not host or parts.scheme not in _PORTS:
        return Check(
            "upstream", "bad", f"{_shown(settings.url)} is not an address", "upstream.url begins with https://"
        )
    if parts.scheme == "http" and not settings.insecure_http:
        advice = "use https://, or for a trial set upstream.insecure_http = true"
        return Check("upstream", "bad", f"{_shown(settings.url)} is not encrypted, so nothing is sent there", advice)
    ca_file = str(config_dir / settings.ca_file) if settings.ca_file else ""
    try:
        with _connected(parts.scheme, host, port, settings.proxy) as plain:
            if parts.scheme == "http":
                return Check("upstream", "warning", f"{host}:{port} answers, not encrypted", "use https://")
            context = _context(ca_file)
            _show_certificate(context, settings, config_dir)
            with context.wrap_socket(plain, server_hostname=host) as encrypted:
                return Check("upstream", "good", f"{host}:{port} answers, {_cipher(encrypted)}")
    except OSError as error:
        if error.filename is not None or (ca_file and not Path(ca_file).is_file()):
            return Check("upstream", "bad", f"{ca_file} can't be read", "check upstream.ca_file")
        return _unreachable("upstream", f"{host}:{port}", error, "upstream.url and upstream.ca_file")


def upstream_by_3_13(settings: UpstreamConfig, config_dir: Path) -> str:
    """Connect to the school's server by the rules of Python 3.13; return why they refuse it, empty if they accept it.

    Args:
        settings: [upstream] of a server that `upstream` has just reached.
        config_dir: folder where a relative file name starts.
    """
    parts = urlsplit(settings.url)
    if parts.scheme != "https":
        return ""
    ca_file = str(config_dir / settings.ca_file) if settings.ca_file else ""
    host, port = ascii_domain(parts.hostname or ""), parts.port or _PORTS["https"]
    try:
        context = strict_context(_context(ca_file))
        _show_certificate(context, settings, config_dir)
        with (
            _connected("https", host, port, settings.proxy) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError:
        return ""  # the server answered a moment ago


def _show_certificate(context: ssl.SSLContext, settings: UpstreamConfig, config_dir: Path) -> None:
    """Add the client certificate to a context, if this process can read it."""
    if settings.client_cert_file:
        with contextlib.suppress(OSError):
            key = settings.client_key_file or settings.client_cert_file
            context.load_cert_chain(config_dir / settings.client_cert_file, config_dir / key, password=lambda: "")


def _connected(scheme: str, host: str, port: int, proxy: str) -> socket.socket:
    """Return a connection to a server, through the proxy of the settings or the environment if there is one."""
    if not proxy and not proxy_bypass(host):
        proxy = getproxies().get(scheme, "")
    way = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    if not way.hostname:
        return socket.create_connection((host, port), TIMEOUT_S)
    tunnel = HTTPConnection(way.hostname, way.port or _PORTS["http"], timeout=TIMEOUT_S)
    pair = base64.b64encode(f"{unquote(way.username or '')}:{unquote(way.password or '')}".encode()).decode("ascii")
    tunnel.set_tunnel(host, port, {"Proxy-Authorization": f"Basic {pair}"} if way.username else None)
    tunnel.connect()
    return tunnel.sock


def _context(ca_file: str) -> ssl.SSLContext:
    return server_context(ca_file)


def _cipher(connection: socket.socket | None) -> str:
    return f"{connection.version()}" if isinstance(connection, ssl.SSLSocket) else "not encrypted"


def _unreachable(name: str, where: str, error: Exception, keys: str) -> Check:
    """Return a failed check that says which step of the connection failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        what, hint = f"its certificate is not trusted ({error.verify_message})", f"the clock may be wrong; check {keys}"
    elif isinstance(error, ssl.SSLError):
        what, hint = f"the TLS handshake failed ({error.reason})", f"check {keys}"
    elif isinstance(error, socket.gaierror):
        what, hint = "the name can't be resolved", f"check the network's name server, {keys}"
    elif isinstance(error, TimeoutError):
        what, hint = f"no answer within {TIMEOUT_S:g} s", f"a firewall may be in the way; check {keys}"
    elif isinstance(error, smtplib.SMTPException):
        what, hint = "this does not answer like a mail server", f"check {keys}"
    elif str(error).startswith(_REFUSED_BY_PROXY):
        what, hint = (
            f"the proxy refuses the connection ({str(error)[len(_REFUSED_BY_PROXY) :][:40]})",
            "see its log-in",
        )
    else:
        what, hint = getattr(error, "strerror", None) or type(error).__name__, f"check {keys}"
    return Check(name, "bad", f"{where}: {what}", hint)


def _shown(url: str) -> str:
    """Return a URL without a user name and password."""
    return url.rpartition("@")[2][:80]


def _ways_4(table: Path) -> list[str]:
    rows = [line.split() for line in _lines(table)[1:]]
    return [row[0] for row in rows if len(row) > 7 and row[1] == row[7] == "00000000"]


def _ways_6(table: Path) -> list[str]:
    rows = [line.split() for line in _lines(table)]
    # The kernel keeps one such route on lo, which leads nowhere.
    return [row[9] for row in rows if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo"]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def has_link(root: Path = Path("/")) -> bool:
    """Return whether there is a network route to another computer (proc_net(5)).

    It need not be a default route, because a school's server may be in the same network without internet access.
    """
    net = root / "proc/net"
    if not _lines(net / "route") and not _lines(net / "ipv6_route"):
        return True  # this system has no such information, so the caller must try
    over_4 = any(row[0] != "lo" for row in (line.split() for line in _lines(net / "route")[1:]) if len(row) > 7)
    # fe80::/10 exists with any connected cable, ff00::/8 always.
    over_6 = any(
        row[9] != "lo" and not row[0].startswith(("fe8", "fe9", "fea", "feb", "ff")) and int(row[8], 16) & 1
        for row in (line.split() for line in _lines(net / "ipv6_route"))
        if len(row) > 9
    )
    return over_4 or over_6
