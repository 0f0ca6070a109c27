"""The settings of [upstream], checked before the network is used: URL, authorities, token."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edge_daemon.config import UpstreamConfig
from edge_daemon.device.secrets import credential, credential_path, how_to_make
from edge_daemon.domains import ascii_domain
from edge_daemon.errors import DeliveryError

_MAX_SECRET: Final = 4096
_KEYS_OF_PROXY: Final = ("http", "https")


def read_token(settings: UpstreamConfig, config_dir: Path) -> str:
    """Return the token or password for the server; empty if none is set.

    Args:
        settings: [upstream]; token_file names a systemd credential or a file.
        config_dir: folder where a relative file name starts.

    Raises:
        DeliveryError: the token can't be read, or is invalid.
        KeyFileError: the credential can't be read.
    """
    name, where = settings.token_file, "upstream.token_file"
    if not name:
        if settings.username:
            raise DeliveryError("upstream.username is set and this is not", where, "name the file with the password")
        return ""
    data = credential(name) if "/" not in name else None
    if data is None:
        try:
            with (config_dir / name).open("rb") as file:
                data = file.read(_MAX_SECRET + 1)
        except OSError as error:
            what = f"there is no such credential, and {config_dir / name} can't be read ({error.strerror})"
            raise DeliveryError(what, where, how_to_make(name)) from error
    token = data.decode("utf-8", errors="replace").strip()
    if (
        not token
        or len(data) > _MAX_SECRET
        or not token.isprintable()
        or (not token.isascii() and not settings.username)
    ):
        raise DeliveryError("is empty, or is not a token", where, "put the token there, on one line")
    return token


def checked_url(settings: UpstreamConfig) -> str:
    """Return the server's URL without a slash at its end.

    Raises:
        DeliveryError: the URL is invalid or has a password in it, or it is not encrypted and the settings do not allow
            this.
    """
    where, hint = "upstream.url", "it looks like https://office.example.org/attendance"
    try:
        parts = urlsplit(settings.url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise DeliveryError("is not a server address", where, hint) from None
    if (
        parts.scheme not in ("https", "http")
        or not parts.hostname
        or not port_is_fine
        or not settings.url.isprintable()
    ):
        raise DeliveryError("is not a server address", where, hint)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise DeliveryError("has a password, question mark or # in it", where, "upstream.token_file takes the password")
    if parts.scheme == "http" and not settings.insecure_http:
        what = "is http without s: everybody on the way could read and change registers"
        raise DeliveryError(what, where, "use https://, or for a trial set upstream.insecure_http = true")
    try:
        ascii_domain(parts.hostname)
    except ValueError:
        raise DeliveryError("has no usable server name", where, hint) from None
    _check_proxy(settings.proxy)
    return settings.url.rstrip("/")


def _check_proxy(proxy: str) -> None:
    try:
        parts = urlsplit(proxy)
        is_fine = not proxy or (parts.scheme in _KEYS_OF_PROXY and bool(parts.hostname) and (parts.port or 1) > 0)
    except ValueError:
        is_fine = False
    if not is_fine:
        raise DeliveryError("is not a proxy address", "upstream.proxy", "it looks like http://proxy.example.org:3128")


def checked_client_certificate(settings: UpstreamConfig, config_dir: Path) -> tuple[str, str] | None:
    """Return the paths of the client certificate and of its key; None if none is set.

    Args:
        settings: [upstream]; client_key_file names a systemd credential or a file.
        config_dir: folder where a relative file name starts.

    Raises:
        DeliveryError: a file can't be read, there is no certificate, or the key does not fit or has a passphrase.
    """
    where = "upstream.client_cert_file"
    if not settings.client_cert_file:
        if settings.client_key_file:
            raise DeliveryError("upstream.client_key_file is set and this is not", where, "name the certificate")
        return None
    certificate = config_dir / settings.client_cert_file
    key = _key_path(settings.client_key_file, config_dir) if settings.client_key_file else certificate
    for setting, path in ((where, certificate), ("upstream.client_key_file", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise DeliveryError(f"{path} can't be read ({error.strerror})", setting, "correct the setting") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", "") or ""
        what = "the key is not that of the certificate" if reason == "KEY_VALUES_MISMATCH" else "they can't be used"
        hint = "both are PEM, and the key has no passphrase"
        raise DeliveryError(f"{certificate} and {key}: {what}", where, hint) from error
    return str(certificate), str(key)


def _key_path(name: str, config_dir: Path) -> Path:
    given = credential_path(name) if "/" not in name else None
    return given if given is not None else config_dir / name


def checked_ca_file(settings: UpstreamConfig, config_dir: Path) -> str:
    """Return the path of the file with authorities to trust; empty: the system's authorities.

    Raises:
        DeliveryError: the file can't be read, or has no certificates.
    """
    if not settings.ca_file:
        return ""
    path = config_dir / settings.ca_file
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=str(path))
    except ssl.SSLError:
        raise DeliveryError("has no certificates in it", f"upstream.ca_file {path}", "it takes PEM") from None
    except OSError as error:
        what = f"can't be read ({error.strerror})"
        raise DeliveryError(what, f"upstream.ca_file {path}", "correct the setting") from error
    return str(path)
