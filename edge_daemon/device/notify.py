"""Notifies systemd of the service's state by the protocol of sd_notify(3). Without systemd nothing is sent.

The protocol is a few lines of text that are sent to a datagram socket, so no library is needed.
"""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> bool:
    """Send lines such as `READY=1`; return whether systemd received them."""
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
        return False  # systemd is restarting; the next message comes soon
    return True


def watchdog_s() -> float | None:
    """Return the seconds within which `WATCHDOG=1` must be sent; None if there is no watchdog."""
    pid, usec = os.environ.get("WATCHDOG_PID"), os.environ.get("WATCHDOG_USEC", "")
    if pid is not None and pid != str(os.getpid()):
        return None
    return int(usec) / 1e6 if usec.isdecimal() and int(usec) > 0 else None
