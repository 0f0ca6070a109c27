"""Lets only the owner of the state folder write to it: the service could not write to files that root made there.

An installed device runs `sync` as another user, with a folder of its own (systemd/edge-daemon-sync.service).
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
        *("ledger key", "ledger verify", "mail preview", "mail test", "office-key list"),
        *("outbox copy", "outbox list", "outbox show"),
        *("lab expression", "lab train expression", "manual", "mask", "plan check", "plan list"),
        *("register list", "register show", "status", "timetable check", "timetable show"),
    }
)
"""Commands that leave no file of the calling user in the state folder.

SQLite gives the files that it makes beside a database to the database's owner.
"""
FOR_ROOT = frozenset({"update", "update-check"})
"""Commands for root: `update` writes only outside the state folder, and runs `update-check` as the service's user."""
_UNITS = {
    "run": "edge-daemon.service",
    "sync": "edge-daemon-sync.service",
    "maintain backup": "edge-daemon-backup.service",
    "maintain retention": "edge-daemon-retention.service",
}


SERVICE_USER = "edge-daemon"
"""User of the service on an installed device.

To use this user's state folder, a command needs the keys that only the service's units and `attendance` receive.
"""


def check_owner(home: Home, command: str) -> None:
    """Refuse a command that writes to another user's state folder, before anything is opened.

    Args:
        home: the installation.
        command: its name without `edge-daemon`; a name that this module doesn't list counts as writing.

    Raises:
        StoreError: the folder belongs to another user; the error names the command to use instead.
    """
    if command in READING or command in FOR_ROOT:
        return
    folder = _written_by(home, command)
    try:
        owner = folder.stat().st_uid
    except OSError:  # there is no folder yet, or the command reports what is wrong with it
        return
    may_all = os.geteuid() == 0  # root is refused nowhere else
    if owner == os.geteuid() or (not may_all and (home.home_mode or os.access(folder, os.W_OK))):
        return
    what = f"belongs to the user {_name(owner)}, and only that user may write there, as `{command}` does"
    raise StoreError(what, str(folder), f"use {_instead(home, command, owner)}")


def _written_by(home: Home, command: str) -> Path:
    """Return the folder that a command writes to: on an installed device, `sync` has a folder of its own."""
    return home.delivery_dir if command == "sync" and not home.home_mode else home.state_dir


def _instead(home: Home, command: str, owner: int) -> str:
    if home.home_mode and _name(owner) != SERVICE_USER:
        user, folder = shlex.quote(_name(owner)), shlex.quote(str(home.state_dir))
        return f"`sudo -u {user} {this_command(in_full=True)} --home {folder} {command} …`"
    if command in _UNITS:
        unit = _UNITS[command]
        check_command = "attendance status" if command in ("run", "sync") else f"journalctl -u {unit}"
        return f"`sudo systemctl start {unit}`, then `{check_command}`"
    return f"`attendance {command} …`"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
