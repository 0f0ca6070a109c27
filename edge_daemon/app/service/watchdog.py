"""Feeds systemd's watchdog: the service reports at every turn of its loop that it is alive.

If the reports stop, systemd kills the service and starts it again (`WatchdogSec=` in systemd/edge-daemon.service).
"""

from __future__ import annotations

from edge_daemon.device.notify import notify, watchdog_s


def turn_within(longest_s: float) -> float:
    """Return the longest time between two turns in seconds: half of the watchdog's time, but at most `longest_s`."""
    return min(longest_s, (watchdog_s() or 2 * longest_s) / 2)


def feed(status: str = "") -> None:
    """Report that the service is alive; call at every turn of its loop, and only from there.

    Args:
        status: the text that `systemctl status` shows from now on; empty keeps the earlier text.
    """
    notify("WATCHDOG=1", *([f"STATUS={status}"] if status else []))
