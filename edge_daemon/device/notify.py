"""Telling systemd how the service is: sd_notify(3) over a datagram socket; silent where systemd did not start us.

The protocol is a few lines of text to a socket, so that it needs no library and works in the virtual environment of a
test as on the device.
"""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> bool:
    """Send lines such as `READY=1`; return whether anybody was told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract socket
    text = "\n".join(line.replace("\n", " ") for line in lines)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.connect(address)
            sock.sendall(text.encode("utf-8", "replace"))
    except OSError:
        return False  # systemd is restarting itself; the next message comes soon
    return True


def watchdog_s() -> float | None:
    """Return within how many seconds systemd wants to hear `WATCHDOG=1`, None: never (sd_watchdog_enabled(3))."""
    pid, usec = os.environ.get("WATCHDOG_PID"), os.environ.get("WATCHDOG_USEC", "")
    if pid is not None and pid != str(os.getpid()):
        return None
    return int(usec) / 1e6 if usec.isdecimal() and int(usec) > 0 else None
