"""The administrators of the devices: the account name of a person, and public SSH keys."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_SYSTEM = {
    "root", "edge-daemon", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
    "www-data", "backup", "list", "irc", "nobody", "messagebus", "sshd", "avahi", "polkitd", "rtkit",
}  # fmt: skip
"""Accounts of programs. None of them may become the administrator's account."""
_PUBLIC_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?")


def name_problem(name: str) -> str:
    """Return the problem with an account name; empty: none."""
    if not _NAME.fullmatch(name):
        return f"--admin-name: “{name}” is not an account name such as technician"
    if name in _SYSTEM or name.startswith("systemd-"):
        return f"--admin-name: “{name}” is an account of the system, not of a person"
    return ""


def read_keys(path: Path) -> tuple[list[str], str]:
    """Return the public keys in a file, and the problem with the file; empty: none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return [], f"{path}: can't be read as text"
    if "PRIVATE KEY-----" in text or text.startswith("PuTTY-User-Key-File"):
        return [], f"{path}: is a private key; give the public one, which mostly ends in .pub"
    keys = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for number, key in enumerate(keys, 1):
        if not _PUBLIC_KEY.fullmatch(key) or not key.isprintable():
            return [], f"{path}: key {number} is not an OpenSSH public key"
    return keys, "" if keys else f"{path}: has no key"
