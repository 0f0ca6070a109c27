"""Who may write to the state folder: its owner. What root leaves there the service can't write any more.

`sync` of an installed device has a user and a folder of its own (systemd/edge-daemon-sync.service).
"""

from __future__ import annotations

import os
import pwd
import shlex
from pathlib import Path

from edge_daemon.cli.this_command import this_command
from edge_daemon.errors import StoreError
from edge_daemon.home import Home

READING = frozenset(
    {
        *("audit", "collect", "config show", "doctor", "enrol list", "enrol show", "export", "identity"),
        *("ledger verify", "mail preview", "mail test", "office-key list", "outbox copy", "outbox list", "outbox show"),
        *("lab expression", "lab train expression", "mask", "plan check", "plan list"),
        *("register list", "register show", "status", "timetable check", "timetable show"),
    }
)
"""Commands that leave nothing in the state folder. (SQLite gives the files beside a database to its owner.)"""
FOR_ROOT = frozenset({"update", "update-check"})
"""`update` writes beside the state folder only, and has `update-check` run as the service's user."""
_UNITS = {
    "run": "edge-daemon.service",
    "sync": "edge-daemon-sync.service",
    "maintain backup": "edge-daemon-backup.service",
    "maintain retention": "edge-daemon-retention.service",
}


SERVICE_USER = "edge-daemon"
"""Of an installed device: its folder needs the keys that only its units and `attendance` are given."""


def check_owner(home: Home, command: str) -> None:
    """Refuse, before anything is opened, a command that writes to a state folder of another user.

    Args:
        home: the installation.
        command: its name without `edge-daemon`; one that this file doesn't know is taken to write.

    Raises:
        StoreError: with the command to use instead.
    """
    if command in READING or command in FOR_ROOT:
        return
    folder = _written_by(home, command)
    try:
        owner = folder.stat().st_uid
    except OSError:  # there is none yet, or the command says what is wrong with it
        return
    may_all = os.geteuid() == 0  # and so meets no other refusal
    if owner == os.geteuid() or (not may_all and (home.home_mode or os.access(folder, os.W_OK))):
        return
    what = f"belongs to the user {_name(owner)}, who has to be the one that writes there, as `{command}` does"
    raise StoreError(what, str(folder), f"use {_instead(home, command, owner)}")


def _written_by(home: Home, command: str) -> Path:
    """Return the folder whose owner has to run a command: installed, `sync` has its own and only reads registers."""
    return home.delivery_dir if command == "sync" and not home.home_mode else home.state_dir


def _instead(home: Home, command: str, owner: int) -> str:
    if home.home_mode and _name(owner) != SERVICE_USER:
        user, folder = shlex.quote(_name(owner)), shlex.quote(str(home.state_dir))
        return f"`sudo -u {user} {this_command(in_full=True)} --home {folder} {command} …`"
    if command in _UNITS:
        unit = _UNITS[command]
        told = "attendance status" if command in ("run", "sync") else f"journalctl -u {unit}"
        return f"`sudo systemctl start {unit}`, then `{told}`"
    return f"`attendance {command} …`"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
