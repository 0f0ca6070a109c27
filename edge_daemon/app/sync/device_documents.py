"""What a device tells the office of itself: the same documents for the server and for a stick."""

from __future__ import annotations

import json
from collections.abc import Mapping

from edge_daemon.app.firstboot.identity import known
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.backlog import last_register


def key_document(home: Home, db: sqlite_utils.Database) -> Mapping[str, object] | None:
    """Return the document with the key that signed last; before the first register the one that the first boot wrote.

    None where there is neither.

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
    """Return the name of the device that made a document."""
    found = json.loads(document).get("device")
    return found if isinstance(found, str) and found else otherwise


def json_bytes(fields: Mapping[str, object]) -> bytes:
    """Return one text for the same fields, as registers have it, without loading what signs them."""
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
