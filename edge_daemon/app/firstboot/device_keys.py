"""The keys of a device: made on it, for it, and never anywhere else."""

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
"""What tells a database that somebody needs from one that the service made when it was first started."""


def check(card: Card, root: Path) -> None:
    """Refuse a copy of a card that was in use: it has the pupils, and the keys, of another room.

    Raises:
        ProvisioningError: that is so, or the keys that the gallery needs are gone.
    """
    if not _in_use(root):
        return
    owner = _owner(root)
    if owner != card.device:
        hint = "begin with a fresh card, or delete what is in /var/lib/edge-daemon if nobody needs it"
        raise ProvisioningError(f"this card was used as {owner or 'another device'}: it is a copy", card.device, hint)
    key = _places(root)[0]
    if not _is_whole(key):
        raise ProvisioningError("the gallery's key is gone", str(key), "restore it from where you keep it")


def make(card: Card, root: Path) -> bytes:
    """Return the device key; make it and the contact key unless they were made for this device.

    Keys of a master card from which others were copied are replaced, with the empty databases that go with them:
    nobody needs them (`check`).

    Raises:
        OSError: they can't be written.
    """
    places, mine = _places(root), _owner(root) == card.device
    if not mine:
        for path in _databases(root).values():
            for end in ("", "-wal", "-shm"):
                remove(path.with_name(path.name + end))
    for place in places:
        if not (mine and _is_whole(place)):
            put(place, secrets.token_bytes(KEY_BYTES), 0o600)
    # Only now: a cut before this makes both anew, and nobody has used them yet.
    put(root / _MADE_FOR, json.dumps({"device": card.device}).encode(), 0o644)
    return places[0].read_bytes()


def in_use(root: Path) -> bytes | None:
    """Return the device key, None where there is none, or who asks may not read it."""
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
    """Say whether a database holds something; one that can't be read may."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return bool(db.execute(question).fetchone()[0])
    except sqlite3.Error:
        return True


def _owner(root: Path) -> str:
    """Return whose keys these are; of a box in use that was set up by hand the settings say it."""
    try:
        return str(json.loads((root / _MADE_FOR).read_bytes())["device"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not _in_use(root):
        return ""
    try:
        # Only a name that somebody wrote down: the default is the host's, which a copy has got anew by now.
        named = _NAMED.search((root / "etc/edge-daemon/config.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return named[1] if named else ""


def _in_use(root: Path) -> bool:
    return any(_is_used(path, _USED[name]) for name, path in _databases(root).items())
