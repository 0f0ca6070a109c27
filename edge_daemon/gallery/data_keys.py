"""Seals personal data: AES-256-GCM with a data key for each student, wrapped under the device key and the slot key.

edge_daemon/device/sealing.py seals a value. A data key seals only one student's templates and fields. Every sealed
value is bound to its purpose, so that no value can replace another.

The key that wraps data keys is derived from two keys: the device key, which never changes, and the slot key
(edge_daemon/device/key_slots.py), which every erasure replaces and destroys. A gallery without any such erasure has
generation 0: its data keys are wrapped under the device key alone.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge_daemon.device import sealing
from edge_daemon.device.key_slots import SlotKey
from edge_daemon.device.sealing import seal
from edge_daemon.errors import GalleryError, KeyFileError

__all__ = [
    "KEYED",
    "binding",
    "generation_of",
    "keyed",
    "lesson_key",
    "new_data_key",
    "open_sealed",
    "plain_fingerprint",
    "seal",
    "student_hash",
    "unwrap_key",
    "wrap_key",
]

_KEY_BYTES = 32
_WRAPPED_BYTES_OF_GENERATION_0 = 12 + _KEY_BYTES + 16
"""Size of a wrapped data key: nonce, key, tag. From generation 1 on, eight bytes with the generation come first."""
_NUMBER_BYTES = 8
KEYED = "k:"
"""Prefix of a keyed hash; the plain hashes of the previous release lack it."""


def new_data_key() -> bytes:
    """Return a new key for one student."""
    return AESGCM.generate_key(bit_length=8 * _KEY_BYTES)


def wrap_key(device_key: bytes, data_key: bytes, student_id: str, slot: SlotKey | None) -> bytes:
    """Return the data key sealed under the device key and the slot key, bound to its student.

    Args:
        device_key: 32 bytes.
        data_key: the student's data key.
        student_id: the student whom the key belongs to.
        slot: the slot key in use. It is None in a gallery of generation 0.
    """
    if slot is None:
        return seal(_derive(device_key, "wrap data keys"), data_key, binding("data key", student_id))
    number = slot.generation.to_bytes(_NUMBER_BYTES, "big")
    bound = binding("data key", student_id, str(slot.generation))
    return number + seal(_wrapping_key(device_key, slot.key), data_key, bound)


def unwrap_key(device_key: bytes, wrapped: bytes, student_id: str, slot_key: Callable[[int], bytes]) -> bytes:
    """Return the data key of a student.

    Args:
        device_key: 32 bytes.
        wrapped: the value that `wrap_key` returned.
        student_id: the student whom the key belongs to.
        slot_key: returns the slot key of a generation.

    Raises:
        GalleryError: the key was wrapped under another device key or for another student, or is damaged.
        KeyFileError: the slot key was destroyed.
    """
    generation = generation_of(wrapped)
    if not generation:
        return open_sealed(_derive(device_key, "wrap data keys"), wrapped, binding("data key", student_id))
    key = _wrapping_key(device_key, slot_key(generation))
    return open_sealed(key, wrapped[_NUMBER_BYTES:], binding("data key", student_id, str(generation)))


def generation_of(wrapped: bytes) -> int:
    """Return the generation of the slot key that wraps a data key; 0 if the device key alone wraps it."""
    return 0 if len(wrapped) <= _WRAPPED_BYTES_OF_GENERATION_0 else int.from_bytes(wrapped[:_NUMBER_BYTES], "big")


def lesson_key(device_key: bytes, lesson_id: str) -> bytes:
    """Return the key that seals the candidates of one running lesson."""
    return _derive(device_key, f"candidates of lesson {lesson_id}")


def open_sealed(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """Return the plain value of a sealed one.

    Raises:
        GalleryError: the value was sealed with another key or binding, or was changed.
    """
    try:
        return sealing.open_sealed(key, sealed, bound_to)
    except KeyFileError as error:
        raise GalleryError(
            "a sealed value does not open with this device's key, or was changed",
            "gallery",
            "put the right device key back, or remove the gallery and run enrol import again",
        ) from error


def binding(purpose: str, *fields: str) -> bytes:
    """Return the associated data that binds a sealed value to its purpose; different arguments give different bytes."""
    return sealing.binding("edge-daemon gallery 1", purpose, *fields)


def plain_fingerprint(student_id: str) -> str:
    """Return the SHA-256 of a student id, which the previous release stored for removed students."""
    return hashlib.sha256(b"edge-daemon removed student\0" + student_id.encode("utf-8", "surrogatepass")).hexdigest()


def student_hash(device_key: bytes, student_id: str) -> str:
    """Return the keyed hash of a removed student's id. Guessing ids is impossible without the device key."""
    return keyed(device_key, plain_fingerprint(student_id))


def keyed(device_key: bytes, mark: str) -> str:
    """Return the keyed form of a tombstone's hash; a keyed hash is returned unchanged.

    The keyed form is computed from the plain hash and not from the id. So a tombstone (the mark of a removed student)
    of the previous release can be converted.
    """
    if mark.startswith(KEYED):
        return mark
    key = _derive(device_key, "removed students")
    return KEYED + hmac.new(key, mark.encode(), hashlib.sha256).hexdigest()


def _derive(device_key: bytes, purpose: str, salt: bytes | None = None) -> bytes:
    """Derive a key for one purpose (HKDF, RFC 5869). The device key itself never seals anything."""
    return HKDF(SHA256(), _KEY_BYTES, salt=salt, info=b"edge-daemon " + purpose.encode()).derive(device_key)


def _wrapping_key(device_key: bytes, slot_key: bytes) -> bytes:
    return _derive(device_key, "wrap data keys 2", slot_key)
