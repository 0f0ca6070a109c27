"""Documents of a device about itself; they are the same on the server and on a USB stick."""

from __future__ import annotations

import json
from collections.abc import Mapping

from edge_daemon.app.firstboot.identity import known
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.backlog import last_register


def key_document(home: Home, db: sqlite_utils.Database) -> Mapping[str, object] | None:
    """Return the document with the device's public key; None if the device has no key yet.

    The key is the one that signed the newest register. Without a register it is the key that the first boot made.

    Raises:
        StoreError: the database can't be read.
    """
    device = home.config.device.name
    if (last := last_register(db)) is not None:
        public_key = last.public_key
    else:
        who = known(home.config_path.parent)
        if who is None or who.device != device:
            return None
        public_key = who.public_key
    return {"schema": 1, "device": device, "public_key": public_key}


def device_of(document: str, otherwise: str) -> str:
    """Return the name of the device that made a document; `otherwise` if the document has none."""
    found = json.loads(document).get("device")
    return found if isinstance(found, str) and found else otherwise


def json_bytes(fields: Mapping[str, object]) -> bytes:
    """Return the same bytes for the same fields, formatted like registers, without loading the signing code."""
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
