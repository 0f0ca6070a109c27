"""Checks that the keys and passwords named by the settings exist. Their contents are never shown."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edge_daemon.config import Config
from edge_daemon.device.check import Check
from edge_daemon.device.secrets import DEVICE_KEY_CREDENTIAL, KEY_BYTES, credential, device_key

_STORE = "etc/credstore/edge-daemon.device-key"
"""File from which systemd reads the service's key (docs/SYSTEMD.md)."""
_SEALED = "etc/credstore.encrypted/edge-daemon.device-key"
"""File with the encrypted key that earlier releases made for a drop-in of the unit."""
_ONLY_SERVICES = "only the services are given credentials"


def device_key_check(key_file: Path | None, *, needed: bool, root: Path = Path("/")) -> Check:
    """Check whether the key that protects the gallery exists and is usable.

    Args:
        key_file: the key file of `--home`; None: the key is a credential of the service.
        needed: True: something is already sealed under the key.
        root: folder that has /etc.

    Raises:
        KeyFileError: the key exists but is unusable.
    """
    if credential(DEVICE_KEY_CREDENTIAL) is not None:
        device_key(key_file, create=False)
        return Check("device key", "good", f"credential {DEVICE_KEY_CREDENTIAL}")
    if key_file is None:
        return _stored_key(root)
    if not os.path.lexists(key_file) and not needed:
        return Check("device key", "good", "none yet; the first enrolment makes it")
    device_key(key_file, create=False)
    status = key_file.stat()
    if status.st_uid not in (os.geteuid(), key_file.parent.stat().st_uid):  # root may check another user's trial
        advice = f"chown it to the owner of {key_file.parent}"
        return Check("device key", "warning", f"{key_file} belongs to user {status.st_uid}, not to you", advice)
    return Check("device key", "good", f"{key_file}, mode {stat.S_IMODE(status.st_mode):03o}")


def _stored_key(root: Path) -> Check:
    """Check the key file that systemd passes to the service. Only root may read it."""
    path, sealed = root / _STORE, root / _SEALED
    try:
        if path.exists():
            status = path.stat()
            found = f"{path}, mode {stat.S_IMODE(status.st_mode):03o}, owner {status.st_uid}"
            if status.st_mode & 0o077 or status.st_uid != path.parent.stat().st_uid:
                return Check("device key", "bad", f"{found}: others can read or change it", f"chmod 600 {path}")
            if status.st_size != KEY_BYTES:
                hint = "restore it from where you keep it; docs/SYSTEMD.md explains how to make a new one"
                return Check("device key", "bad", f"{path} has {status.st_size} bytes, a key has {KEY_BYTES}", hint)
            if sealed.exists():
                advice = f"if it holds the same key, remove it: {sealed} would outlast the key"
                return Check("device key", "warning", f"{found}; beside it {sealed} of an earlier release", advice)
            return Check("device key", "good", found)
        if sealed.exists():
            advice = (
                f"systemd-creds decrypt --name=device-key {sealed} {path}, then restart edge-daemon-accounts.service"
            )
            return Check("device key", "bad", f"{sealed} of an earlier release is there, and no {path}", advice)
        if os.geteuid() == 0:
            return Check("device key", "bad", f"there is no {path}", "docs/SYSTEMD.md explains how to make it")
    except PermissionError:
        pass
    return Check("device key", "not checked", f"{_ONLY_SERVICES}, and only root can look after them", "run it as root")


def passwords(config: Config, config_dir: Path, *, is_service: bool) -> Check:
    """Check whether the files or credentials exist that the settings name for servers.

    Args:
        config: the settings, of which upstream.token_file and mail.password_file name the files or credentials.
        config_dir: folder where a relative file name starts.
        is_service: True: this process is a service of systemd, which may not get a credential that another unit gets.
    """
    named = {"upstream.token_file": config.upstream.token_file, "mail.password_file": config.mail.password_file}
    named = {key: name for key, name in named.items() if name}
    missing_login = config.mail.username and not config.mail.password_file
    if missing_login:
        what = "mail.username is set, mail.password_file is not"
        return Check("passwords", "bad", what, "name the file or credential with the password")
    if not named:
        return Check("passwords", "not checked", "the settings name none")
    found = [_password(key, name, config_dir, is_service=is_service) for key, name in named.items()]
    order = ("bad", "warning", "not checked", "good")
    worst = min(found, key=lambda check: order.index(check.state))
    return Check("passwords", worst.state, ", ".join(check.found for check in found), worst.advice)


def _password(key: str, name: str, config_dir: Path, *, is_service: bool) -> Check:
    path = config_dir / name
    if path.is_file():
        return _file(key, path)
    if "/" not in name and credential(name) is not None:
        return Check(key, "good", f"{key}: credential {name}")
    if is_service and "/" not in name:
        return Check(key, "not checked", f"{key}: no file, and {_ONLY_SERVICES}")
    return Check(key, "bad", f"{key}: there is no {path}", f"make it, mode 600, or correct {key}")


def _file(key: str, path: Path) -> Check:
    if not os.access(path, os.R_OK):
        return Check(key, "bad", f"{key}: {path} can't be read by this user", "check its owner and mode")
    if not path.read_bytes().strip():
        return Check(key, "bad", f"{key}: {path} is empty", "put the password there")
    if path.stat().st_mode & 0o007:
        return Check(key, "warning", f"{key}: everybody can read {path}", f"chmod 600 {path}")
    return Check(key, "good", f"{key}: {path}")
