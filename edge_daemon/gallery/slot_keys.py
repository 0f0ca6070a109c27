"""The slot key of the gallery. Every erasure renews it, so that old copies of wrapped data keys open nothing.

A renewal may be interrupted after any of its steps. First the new key is written to the free slot and synced. One
transaction then wraps all data keys under it, and the log is emptied. The caller updates contacts and backups. Finally
the old slot is overwritten. Both keys exist until then, so the gallery opens under either of them.
"""

from __future__ import annotations

from pathlib import Path

from edge_daemon.device.key_slots import KeySlots, SlotKey
from edge_daemon.errors import GalleryError
from edge_daemon.gallery import data_keys, erasure
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import gallery as tables
from edge_daemon.store.database import path_of


def slots_of(db: sqlite_utils.Database) -> KeySlots:
    """Return the slots of a gallery.sqlite, which are a file beside it.

    Raises:
        GalleryError: the database is in memory, where no key can be destroyed.
    """
    path = path_of(db)
    if not path:
        raise GalleryError("a gallery in memory has no slot key", "gallery", "open a file")
    return KeySlots(Path(path).with_name(tables.SLOTS_FILE))


def current_key(db: sqlite_utils.Database) -> SlotKey | None:
    """Return the slot key in use; None in a gallery of generation 0.

    Raises:
        KeyFileError: the key is gone.
    """
    generation = tables.key_generation(db)
    return SlotKey(generation, slots_of(db).key(generation)) if generation else None


def renew(db: sqlite_utils.Database, device_key: bytes) -> int:
    """Wrap all data keys under a new slot key. The old one stays until `destroy_old`.

    Returns:
        The number of keys that were rewrapped.

    Raises:
        GalleryError: the keys were wrapped under another device key; nothing was changed.
        KeyFileError: the slot key is gone, or the file of slots can't be written; nothing was changed.
        StoreError: the database can't be written; nothing was changed.
    """
    slots = slots_of(db)
    with slots.locked():
        generation = tables.key_generation(db)
        if generation:
            slots.key(generation)
        fresh = slots.add(keep=generation)

        def rewrapped(student_id: str, wrapped: bytes) -> bytes:
            data_key = data_keys.unwrap_key(device_key, wrapped, student_id, slots.key)
            return data_keys.wrap_key(device_key, data_key, student_id, fresh)

        count = tables.rewrap_keys(db, fresh.generation, rewrapped, lambda old: data_keys.keyed(device_key, old))
    tables.wipe_log(db)
    erasure.hash_file_again(db, device_key)
    return count


def destroy_old(db: sqlite_utils.Database) -> int:
    """Destroy every slot key except the one in use; return their number.

    Raises:
        KeyFileError: the file can't be written.
        StoreError: the database can't be written.
    """
    slots = slots_of(db)
    with slots.locked():
        generation = tables.key_generation(db)
        gone = slots.destroy_others(generation) if generation else 0
        tables.note_renewed(db)
    return gone
