"""The receivers of a run, according to the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from edge_daemon.app.sync.channels import Channel, Receiver
from edge_daemon.config import MailConfig, UpstreamConfig
from edge_daemon.device.secrets import credential, is_withheld
from edge_daemon.errors import KeyFileError
from edge_daemon.home import Home
from edge_daemon.store.sync_note import Notebook
from edge_daemon.types import Destination

_MAX_FILE_BYTES = 1 << 20


def channels(
    home: Home, notebook: Notebook, now: Callable[[], datetime], stopping: Callable[[], bool]
) -> tuple[Channel, ...]:
    """Return the receivers that the settings name; empty if they name none.

    Args:
        home: the installation.
        notebook: what the school's server has already.
        now: the clock.
        stopping: asked between documents whether to stop.

    Raises:
        ConfigError: the settings can't be read.
    """
    upstream, mail = home.config.upstream, home.config.mail
    found = []
    if upstream.url:
        is_far = _is_far(urlsplit(upstream.url).hostname) or bool(upstream.proxy)
        sha256 = _sha256(home, upstream)
        found.append(Channel("upstream", sha256, is_far, lambda: _open_office(home, notebook, stopping)))
    if _sends_mail(home):
        is_far = _is_far(mail.host) if mail.via == "smtp" else found[0].is_far
        sha256 = _sha256(home, mail) + (found[0].settings_sha256 if mail.via == "upstream" else "")
        found.append(Channel("mail", sha256, is_far, lambda: _open_mail(home, now)))
    return tuple(found)


def is_set_up(home: Home) -> dict[Destination, bool]:
    """Return for each receiver whether the settings name it.

    Raises:
        ConfigError: the settings can't be read.
    """
    return {"upstream": bool(home.config.upstream.url), "mail": _sends_mail(home)}


def withheld_secrets(home: Home) -> tuple[str, ...]:
    """Return the settings whose secret systemd gives only to the unit, and not to this process.

    This process can't read such a secret: an attempt would only fail, and report the wrong reason.

    Raises:
        ConfigError: the settings can't be read.
    """
    upstream, mail, folder = home.config.upstream, home.config.mail, home.config_path.parent
    logs_in = mail.via == "smtp" and bool(mail.host) and bool(mail.username)
    named = {
        "upstream.token_file": upstream.token_file if upstream.url else "",
        "upstream.client_key_file": upstream.client_key_file if upstream.url else "",
        "mail.password_file": mail.password_file if logs_in else "",
    }
    if home.home_mode:
        return ()
    return tuple(key for key, name in named.items() if is_withheld(name) and not (folder / name).exists())


def _sends_mail(home: Home) -> bool:
    mail = home.config.mail
    return bool(mail.host) if mail.via == "smtp" else bool(home.config.upstream.url)


def _open_office(home: Home, notebook: Notebook, stopping: Callable[[], bool]) -> Receiver:
    from edge_daemon.app.sync.office_receiver import OfficeReceiver  # loads requests: a tenth of a second and 10 MB

    return OfficeReceiver.opened(home, notebook, stopping)


def _open_mail(home: Home, now: Callable[[], datetime]) -> Receiver:
    from edge_daemon.app.sync.mail_receiver import MailReceiver  # loads the composer of mail only if needed

    return MailReceiver.opened(home, now)


def _is_far(host: str | None) -> bool:
    """Return whether a network is needed to reach a host."""
    try:
        return not ip_address(host or "").is_loopback
    except ValueError:
        return host != "localhost"


def _sha256(home: Home, settings: UpstreamConfig | MailConfig) -> str:
    """Return a digest that changes when a person changes settings, certificates or secrets.

    It includes only two bytes of a secret's digest: enough to show a change, too little to guess the secret.
    """
    fields = asdict(settings)
    folder = home.config_path.parent
    for key, value in list(fields.items()):
        if key.endswith("_file") and value:
            digest = hashlib.sha256(_content(folder, value)).hexdigest()
            fields[f"{key} content"] = digest[:4] if key != "ca_file" else digest
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _content(folder: Path, name: str) -> bytes:
    try:
        given = credential(name) if "/" not in name else None
        if given is not None:
            return given
        with (folder / name).open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except (OSError, KeyFileError):
        return b""
