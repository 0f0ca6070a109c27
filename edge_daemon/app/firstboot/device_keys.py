"""The keys of a device: made on the device, for this device only."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import sqlite3
from pathlib import Path

from edge_daemon.app.firstboot.card import Card
from edge_daemon.app.firstboot.card_files import put, remove
from edge_daemon.device.secrets import CONTACT_KEY_CREDENTIAL, DEVICE_KEY_CREDENTIAL, KEY_BYTES
from edge_daemon.errors import ProvisioningError
from edge_daemon.home import Home

STORE = "etc/credstore"
_MADE_FOR = "etc/edge-daemon/keys-made-for.json"
_NAMED = re.compile(r"""^\[device\][^\[]*^name\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
_USED = {"gallery": "SELECT EXISTS (SELECT 1 FROM students)", "register": "SELECT EXISTS (SELECT 1 FROM lessons)"}
"""Query that distinguishes a database in use from the empty one that the service makes at its first start."""


def check(card: Card, root: Path) -> None:
    """Refuse a card that is a copy of a used one, because it has another room's students and keys.

    Raises:
        ProvisioningError: the card is such a copy, or the key that the gallery needs is missing.
    """
    if not _in_use(root):
        return
    owner = _owner(root)
    if owner != card.device:
        hint = "begin with a fresh card, or delete what is in /var/lib/edge-daemon if nobody needs it"
        raise ProvisioningError(f"this card was used as {owner or 'another device'}: it is a copy", card.device, hint)
    key = _places(root)[0]
    if not _is_whole(key):
        raise ProvisioningError("the gallery's key is missing", str(key), "restore it from where you keep it")


def make(card: Card, root: Path) -> bytes:
    """Return the device key; make it and the contact key unless they were made for this device.

    Keys that were copied from a master card are replaced. The databases that were sealed with them are removed; `check`
    has already made sure that these are empty.

    Raises:
        OSError: the keys can't be written.
    """
    places, mine = _places(root), _owner(root) == card.device
    if not mine:
        for path in _databases(root).values():
            for end in ("", "-wal", "-shm"):
                remove(path.with_name(path.name + end))
    for place in places:
        if not (mine and _is_whole(place)):
            put(place, secrets.token_bytes(KEY_BYTES), 0o600)
    # Written last: after a power cut before this line both keys are made again, and nobody has used them yet.
    put(root / _MADE_FOR, json.dumps({"device": card.device}).encode(), 0o644)
    return places[0].read_bytes()


def in_use(root: Path) -> bytes | None:
    """Return the device key, None if there is none or this user may not read it."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        key = _places(root)[0].read_bytes()
        return key if len(key) == KEY_BYTES else None
    return None


def _places(root: Path) -> list[Path]:
    return [root / STORE / f"edge-daemon.{name}" for name in (DEVICE_KEY_CREDENTIAL, CONTACT_KEY_CREDENTIAL)]


def _is_whole(key: Path) -> bool:
    return key.is_file() and key.stat().st_size == KEY_BYTES


def _databases(root: Path) -> dict[str, Path]:
    home = Home()
    paths = {"gallery": home.gallery_db_path, "register": home.register_db_path}
    return {name: root / path.relative_to("/") for name, path in paths.items()}


def _is_used(path: Path, question: str) -> bool:
    """Return whether the SQL query `question` finds data in a database; True also if the database can't be read."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return bool(db.execute(question).fetchone()[0])
    except sqlite3.Error:
        return True


def _owner(root: Path) -> str:
    """Return the device for which the keys were made; a device set up by hand is named in its settings."""
    try:
        return str(json.loads((root / _MADE_FOR).read_bytes())["device"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not _in_use(root):
        return ""
    try:
        # Only an explicit name counts: the default is the host name, which is new on a copied card.
        named = _NAMED.search((root / "etc/edge-daemon/config.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return named[1] if named else ""


def _in_use(root: Path) -> bool:
    return any(_is_used(path, _USED[name]) for name, path in _databases(root).items())
