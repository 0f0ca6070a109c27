"""What a thief can read from the card itself: the raw image of an ext4 disk, searched with all keys on it."""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benchmarks.loop_disk import loop_disk
from edge_daemon.app.erasure.removal import remove_students
from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.device.key_slots import KeySlots
from tests.app.erasure.room import LATER, Room


@pytest.fixture
def disk(tmp_path):
    """Yield a folder on a disk of its own, and the file or device with the disk's raw content.

    The disk is ext4 on a loop device; tests/slow/f2fs.sh names another one.
    """
    given = os.environ.get("EDGE_DAEMON_RAW_DISK")
    if given:
        folder, _, device = given.partition(":")
        folder_made = Path(folder) / secrets.token_hex(4)
        folder_made.mkdir()
        yield folder_made, Path(device)
        return
    try:
        with loop_disk(tmp_path, 112) as loop:
            yield loop.folder, tmp_path / "disk.img"
    except OSError as error:
        pytest.skip(str(error))


def raw(disk: tuple[Path, Path]) -> bytes:
    """Return the disk's content, without the kernel's cached copies."""
    subprocess.run(["sync", "-f", str(disk[0])], check=True)
    with disk[1].open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file.read()


def slot_keys(image: bytes) -> dict[int, set[bytes]]:
    """Return every slot key on the disk, by generation. The search is by format, like a thief's."""
    found: dict[int, set[bytes]] = {}
    at = image.find(b"EDSLOT\x00\x01")
    while at >= 0:
        record = image[at : at + 48]
        if image[at + 48 : at + 80] == hashlib.sha256(record).digest():
            _, generation, key = struct.unpack(">8sQ32s", record)
            found.setdefault(generation, set()).add(key)
        at = image.find(b"EDSLOT\x00\x01", at + 1)
    return found


def places(image: bytes, wanted: bytes) -> int:
    return image.count(wanted)


def derived(key: bytes, info: bytes, salt: bytes | None) -> bytes:
    return HKDF(SHA256(), 32, salt=salt, info=info).derive(key)


def bound(realm: bytes, *fields: bytes) -> bytes:
    return realm + b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def opened(keys: list[bytes], sealed: bytes, binding: bytes) -> bytes | None:
    for key in keys:
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], binding)
        except InvalidTag:
            continue
    return None


class Thief:
    """Has the raw image, and so all keys on it; this class repeats the formats independently of the program."""

    def __init__(self, image: bytes, device_key: bytes, contact_key: bytes) -> None:
        self.slot_keys = {key for keys in slot_keys(image).values() for key in keys}
        self._wrapping = [derived(device_key, b"edge-daemon wrap data keys", None)]
        self._wrapping += [derived(device_key, b"edge-daemon wrap data keys 2", key) for key in self.slot_keys]
        self._contact = [contact_key, *(derived(contact_key, b"edge-daemon contacts 2", k) for k in self.slot_keys)]

    def data_key(self, wrapped: bytes, student_id: bytes) -> bytes | None:
        generation = str(int.from_bytes(wrapped[:8], "big")).encode()
        realm = b"edge-daemon gallery 1"
        return opened(self._wrapping, wrapped[8:], bound(realm, b"data key", student_id, generation)) or opened(
            self._wrapping, wrapped, bound(realm, b"data key", student_id)
        )

    def contact(self, sealed: bytes, student_id: bytes) -> bytes | None:
        return opened(self._contact, sealed, bound(b"edge-daemon contacts 1", b"contact", student_id))


def test_after_a_removal_nothing_on_the_raw_disk_opens_what_is_left_of_the_student(disk, tmp_path):
    room = Room(disk[0] / "state", tmp_path / "office")
    room.enrol()
    store = room.gallery()
    with closing(store.db.conn):
        rows = {row.student_id: row for row in (store.row("S1"), store.row("S2"))}
        data_keys = {student_id: store.data_key(row) for student_id, row in rows.items()}
    contacts = {student_id: room.sealed_contact(student_id) for student_id in rows}
    device_key, contact_key = room.home.key_path.read_bytes(), room.home.contact_key_path.read_bytes()
    old_slots = [one.key for path in _slot_files(room) for one in KeySlots(path).keys()]  # noqa: SIM118

    image = raw(disk)
    thief = Thief(image, device_key, contact_key)
    assert thief.slot_keys == set(old_slots), "the thief finds the keys that are in use"
    for student_id in ("S1", "S2"):
        assert places(image, rows[student_id].wrapped_key), "the wrap lies there"
        assert thief.data_key(rows[student_id].wrapped_key, student_id.encode()) == data_keys[student_id]
        assert b"Name of " + student_id.encode() in (thief.contact(contacts[student_id], student_id.encode()) or b"")

    result = remove_students(room.home, ["S1"], LATER)
    publish_contacts(room.home)
    assert (result.problem, result.renewed) == ("", True)
    (fresh,) = room.home.backup_dir.glob("gallery-*")
    assert result.copies.fresh is not None
    assert result.copies.fresh.path == fresh

    image = raw(disk)
    assert not any(places(image, key) for key in old_slots), "the old slot keys are nowhere on the disk"
    assert not any(places(image, key) for key in data_keys.values()), "a data key never lies there as such"
    assert b"Name of S1" not in image
    thief = Thief(image, device_key, contact_key)
    assert len(thief.slot_keys) == 2, "one key of the gallery, one of the contacts"
    left = {student_id: places(image, row.wrapped_key) for student_id, row in rows.items()}
    assert sum(left.values()), "old wraps still lie in freed blocks: it is the key that has to go"
    for student_id, row in rows.items():
        assert thief.data_key(row.wrapped_key, student_id.encode()) is None, "old wraps open nothing"
        assert thief.contact(contacts[student_id], student_id.encode()) is None, "old contacts open nothing"
    store = room.gallery()
    with closing(store.db.conn):
        now = store.row("S2").wrapped_key
    assert thief.data_key(now, b"S2") == data_keys["S2"], "who is still enrolled is as open as before: see PRIVACY.md"
    assert room.recognised() == ["S2"]


def _slot_files(room: Room) -> tuple[Path, Path]:
    return room.home.gallery_slots_path, room.home.contact_slots_path


def test_the_file_of_slots_keeps_its_blocks_on_the_disk(disk):
    slots = KeySlots(disk[0] / "gallery.keys")
    slots.add(keep=0)
    before = _blocks(slots.path)
    for generation in range(1, 6):
        slots.add(keep=generation)
        slots.destroy_others(generation + 1)
    assert before == _blocks(slots.path)
    assert slots.in_place() is True


def _blocks(path: Path) -> str:
    output = subprocess.run(["filefrag", "-v", "-b4096", str(path)], capture_output=True, text=True, check=True).stdout
    return "".join(line.split("..", 1)[-1] for line in output.splitlines() if line.lstrip()[:1].isdigit())
