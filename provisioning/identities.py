"""Reads the identities of devices: the file on each card, or the server's key.json."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

IDENTITY = "edge-daemon-identity"
_MAX_BYTES = 64 * 1024
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,79}")
KEY = re.compile(r"[0-9a-f]{64}")


class PagesError(Exception):
    """An error that the user can fix, in one line."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the printed page beside a device shows: its name, room and public key."""

    device: str
    room: str
    public_key: str
    source: Path

    @property
    def fingerprint(self) -> str:
        """The same as `edge_daemon.device.signing.fingerprint`."""
        digest = hashlib.sha256(self.public_key.encode("ascii")).hexdigest()[:20]
        return " ".join(digest[place : place + 4] for place in range(0, 20, 4))

    @property
    def code(self) -> str:
        """The text of the QR code, which every phone shows."""
        return f"edge-daemon\ndevice: {self.device}\nfingerprint: {self.fingerprint}\npublic_key: {self.public_key}"


def read_pages(sources: Sequence[Path]) -> list[Page]:
    """Return the devices of all sources, one page each, ordered by room.

    Raises:
        PagesError: a file is invalid, a device has two keys, or there is no device.
    """
    found: dict[str, Page] = {}
    for page in (_page(path) for source in sources for path in _files(source)):
        other = found.setdefault(page.device, page)
        if other.public_key != page.public_key:
            raise PagesError(f"{page.device} has two keys, in {other.source} and in {page.source}: find out why")
        if page.room and not other.room:
            found[page.device] = page
    if not found:
        raise PagesError(f"no {IDENTITY}.txt and no key.json in {', '.join(str(source) for source in sources)}")
    return sorted(found.values(), key=lambda page: (page.room or page.device, page.device))


def _files(source: Path) -> Iterator[Path]:
    if not source.exists():
        raise PagesError(f"{source}: is not there")
    if source.is_file():
        yield source
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and (path.name == "key.json" or (path.stem.startswith(IDENTITY) and path.suffix == ".txt")):
            yield path


def _page(path: Path) -> Page:
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES)
    try:
        text = content.decode("utf-8-sig")
        fields = json.loads(text) if path.suffix == ".json" else dict(_lines(text))
        device, room, key = str(fields["device"]), str(fields.get("room", "")), str(fields["public_key"]).lower()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PagesError(f"{path}: is not a device's identity; copy it from the card again") from error
    if not _DEVICE.fullmatch(device) or not KEY.fullmatch(key) or not room.isprintable():
        raise PagesError(f"{path}: is not a device's identity; copy it from the card again")
    page = Page(device, room, key, path)
    if "fingerprint" in fields and str(fields["fingerprint"]) != page.fingerprint:
        raise PagesError(f"{path}: the fingerprint is not that of the key; copy it from the card again")
    return page


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, found, value = line.partition(": ")
        if found:
            yield key.strip(), value.strip()
