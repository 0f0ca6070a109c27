"""The content of a card: `card.json` and the files that it names (written by provisioning/cards.py)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_daemon.errors import ProvisioningError

FOLDERS = ("boot/firmware/edge-daemon", "boot/edge-daemon")
"""The card's folder on the boot partition: its path since Raspberry Pi OS Bookworm, and its path elsewhere."""
CREDENTIALS = {"upstream-token": "edge-daemon.upstream-token", "mail-password": "edge-daemon.mail-password"}
"""Maps the name of a secret on the card and in the settings to the name of its file in /etc/credstore."""
WIFI = "wifi.nmconnection"
_FORMAT = 1
_MAX_BYTES = 256 * 1024
_MANIFEST = "card.json"
_DEVICE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_COUNTRY = re.compile(r"(?:[A-Z]{2})?")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_TODO = "put the folder on the card again: provisioning/put_on_card.py"


@dataclass(frozen=True, slots=True)
class Card:
    """A card with a complete folder."""

    folder: Path
    digest: str
    """SHA-256 of card.json, which identifies this card."""
    device: str
    room: str
    time_zone: str
    network: str
    wifi_country: str
    watchdog: bool
    files: tuple[str, ...]
    secrets: tuple[str, ...]


def find(root: Path) -> Path | None:
    """Return the folder of the card, None if there is none or it was taken over and wiped."""
    return next((root / folder for folder in FOLDERS if (root / folder / _MANIFEST).is_file()), None)


def read(folder: Path) -> Card:
    """Read card.json; `check` checks the files.

    Raises:
        ProvisioningError: card.json can't be read, or is not from this program.
    """
    path = folder / _MANIFEST
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ProvisioningError(f"is longer than {_MAX_BYTES >> 10} KiB", str(path), _TODO)
        fields = json.loads(content)
        card = _card(folder, hashlib.sha256(content).hexdigest(), fields)
    except OSError as error:
        raise ProvisioningError(f"can't be read: {error.strerror}", str(path), _TODO) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProvisioningError("is damaged, or is not a card of this program", str(path), _TODO) from error
    if fields["format"] > _FORMAT:
        raise ProvisioningError("was made for a newer program", str(path), "install the newer program first")
    return card


def _card(folder: Path, digest: str, fields: Mapping[str, object]) -> Card:
    """Parse card.json.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: its content is invalid.
    """
    texts = {key: fields[key] for key in ("device", "room", "time_zone", "network", "wifi_country")}
    files, secrets = fields["files"], fields["secrets"]
    if not isinstance(files, dict) or not isinstance(secrets, dict) or type(fields["format"]) is not int:
        raise TypeError("files, secrets, format")
    device, room, zone, network, country = (str(text) for text in texts.values())
    fits = (_DEVICE, device), (_ZONE, zone), (_COUNTRY, country), *((_NAME, name) for name in (*files, *secrets))
    if not all(pattern.fullmatch(text) for pattern, text in fits) or not room.isprintable():
        raise ValueError("a name")
    if not set(secrets) <= {*CREDENTIALS, WIFI}:
        raise ValueError("a secret")
    return Card(
        folder=folder,
        digest=digest,
        device=device,
        room=room,
        time_zone=zone,
        network=network,
        wifi_country=country,
        watchdog=fields["watchdog"] is True,
        files=tuple(files),
        secrets=tuple(secrets),
    )


def check(card: Card, root: Path) -> None:
    """Check every file of the card before anything is changed.

    Raises:
        ProvisioningError: a file is missing or was changed, or this system does not know the time zone.
        ConfigError: the settings have a problem.
    """
    from edge_daemon.home import Home  # imported here: put_on_card.py has no packages

    check_files(card)
    if not (root / "usr/share/zoneinfo" / card.time_zone).is_file():
        raise ProvisioningError(f"this system does not know {card.time_zone}", "time zone", "apt-get install tzdata")
    config = Home(card.folder).config
    if config.device.name != card.device:
        where = str(card.folder / "config.toml")
        raise ProvisioningError(f"is for {config.device.name}, the card for {card.device}", where, _TODO)


def check_files(card: Card) -> None:
    """Check that all files are there and unchanged.

    Raises:
        ProvisioningError: a file is missing or changed.
    """
    fields = json.loads((card.folder / _MANIFEST).read_bytes())
    for name, digest in fields["files"].items():
        if hashlib.sha256(_content(card.folder / name)).hexdigest() != digest:
            raise ProvisioningError("was changed after it was written", str(card.folder / name), _TODO)
    for name, size in fields["secrets"].items():
        if len(_content(card.folder / name)) != size:
            raise ProvisioningError("was changed after it was written", str(card.folder / name), _TODO)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProvisioningError(f"can't be read: {error.strerror}", str(path), _TODO) from error
