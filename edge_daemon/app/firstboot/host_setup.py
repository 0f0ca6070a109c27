"""Sets up the system: host name, time zone, network, watchdog, services."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_daemon.app.firstboot.card import WIFI, Card
from edge_daemon.app.firstboot.card_files import link, put, remove

Command = Callable[[Sequence[str]], None]
UNITS = (
    "edge-daemon.service",
    "edge-daemon-backup.timer",
    "edge-daemon-retention.timer",
    "edge-daemon-sync.timer",
)
_UNIT_FOLDERS = ("etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system")
_PROFILE = "etc/NetworkManager/system-connections/edge-daemon.nmconnection"
_WATCHDOG = "etc/systemd/system.conf.d/80-edge-daemon-watchdog.conf"
_WATCHDOG_TEXT = b"""\
# The board starts again when the system has hung for so long. The Raspberry Pi's own watchdog counts to 15 s at most.
[Manager]
RuntimeWatchdogSec=15s
RebootWatchdogSec=2min
"""
_OWN_NAME = re.compile(r"^127\.0\.1\.1[ \t].*$", re.MULTILINE)


def run(command: Sequence[str]) -> None:
    """Run a system program.

    Errors are ignored: the configuration file is already written, and the next start applies it.
    """
    if shutil.which(command[0]) is not None:
        subprocess.run(command, check=False, timeout=120, stdin=subprocess.DEVNULL, capture_output=True)


def name(card: Card, root: Path, command: Command) -> None:
    """Set the computer's host name to the device's name."""
    put(root / "etc/hostname", f"{card.device}\n".encode(), 0o644)
    hosts = root / "etc/hosts"
    text = hosts.read_text(encoding="utf-8") if hosts.is_file() else "127.0.0.1\tlocalhost\n"
    own = f"127.0.1.1\t{card.device}"
    text = _OWN_NAME.sub(own, text, count=1) if _OWN_NAME.search(text) else f"{text.rstrip()}\n{own}\n"
    put(hosts, text.encode(), 0o644)
    command(["hostname", card.device])


def time_zone(card: Card, root: Path) -> None:
    """Set the time zone; /etc/timezone is written only if the system has that file."""
    link(root / "etc/localtime", f"/usr/share/zoneinfo/{card.time_zone}")
    if (root / "etc/timezone").exists():
        put(root / "etc/timezone", f"{card.time_zone}\n".encode(), 0o644)


def network(card: Card, root: Path, command: Command) -> None:
    """Add the card's wireless network to NetworkManager; if the card has none, remove the one of an earlier card."""
    if WIFI in card.secrets:
        put(root / _PROFILE, (card.folder / WIFI).read_bytes(), 0o600)
        if card.wifi_country:
            command(["raspi-config", "nonint", "do_wifi_country", card.wifi_country])
    else:
        remove(root / _PROFILE)
    command(["nmcli", "connection", "reload"])


def watchdog(card: Card, root: Path) -> None:
    """Enable the board's watchdog, or leave it at the system's default; in effect from the next start on."""
    if card.watchdog:
        put(root / _WATCHDOG, _WATCHDOG_TEXT, 0o644)
    else:
        remove(root / _WATCHDOG)


def stop(root: Path, command: Command) -> None:
    """Stop the services while their settings and keys are changed."""
    if _installed(root):
        command(["systemctl", "stop", *_installed(root)])


def services(root: Path, command: Command) -> None:
    """Enable and start the installed services."""
    if units := _installed(root):
        command(["systemctl", "enable", *units])
        command(["systemctl", "start", "--no-block", *units])


def _installed(root: Path) -> list[str]:
    return [unit for unit in UNITS if any((root / folder / unit).exists() for folder in _UNIT_FOLDERS)]


def has_clock_chip(root: Path) -> bool:
    """Return whether the computer has a clock chip that runs without power."""
    return any((root / "sys/class/rtc").glob("rtc*"))
