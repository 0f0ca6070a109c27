"""Paths of a device's documents on the office's server, below `upstream.url` (docs/UPSTREAM.md)."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

from edge_daemon_office.shared.errors import DeliveryError

DELIVERED = "days/delivered"
"""Folder of the day indexes below a device's folder. Servers that let a device write `days/` need no new rule."""


def device_folder(device: str) -> str:
    """Return the folder of a device. Characters that are not allowed in a folder name are replaced."""
    name = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in device).strip()
    return f"v1/devices/{name if name.strip('.') else '_'}"


def register(device: str, lesson_id: str, revision: int) -> str:
    """Return the path of a revision of a register."""
    return f"{device_folder(device)}/registers/{lesson_id}/{revision}.json"


def commitment(device: str, ref: str) -> str:
    """Return the path of a commitment to coming plans."""
    return f"{device_folder(device)}/commitments/{ref}.json"


def status(device: str) -> str:
    """Return the path of the heartbeat. Each new heartbeat replaces the previous one."""
    return f"{device_folder(device)}/status.json"


def day(device: str, on: date) -> str:
    """Return the path of a day's event log. A newer log of the same day replaces it."""
    return f"{device_folder(device)}/days/{on.isoformat()}.json"


def delivered(device: str, on: date) -> str:
    """Return the path of the index of what was delivered on a day, in UTC. A newer index of the day replaces it."""
    return f"{device_folder(device)}/{DELIVERED}/{on.isoformat()}.json"


def key(device: str) -> str:
    """Return the path of the device's public key."""
    return f"{device_folder(device)}/key.json"


def mail(device: str, message_id: str) -> str:
    """Return the path of a message that the office's server is to send by mail."""
    return f"{device_folder(device)}/mail/{message_id.strip('<>')}.json"


def for_device(device: str, name: str) -> str:
    """Return the path of a document that the office wrote for a device, such as roster.csv."""
    return f"{device_folder(device)}/{name}"


def quoted(path: str) -> str:
    """Return a path quoted for a URL.

    Raises:
        DeliveryError: the path could leave its folder.
    """
    if any(part.strip(".") == "" or not part.isprintable() or "\\" in part for part in path.split("/")):
        raise DeliveryError("is not a document path", repr(path))
    return quote(path, safe="/")
