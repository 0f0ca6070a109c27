"""Sealing what is personal: AES-256-GCM, a data key per student, wrapped under the device key and the slot key.

How a value is sealed: edge_daemon/device/sealing.py. A data key seals only one student's templates and fields. Every
sealed value is bound to what it is for, so that none can be put in another's place.

A data key is wrapped under a key that follows from two: the device key, which never changes, and the slot key
(edge_daemon/device/key_slots.py), which every erasure replaces and destroys. Before the first erasure of this form a
gallery has generation 0: its keys are wrapped under the device key alone.
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
"""Nonce, data key, tag. Later generations have their number, eight bytes, in front."""
_NUMBER_BYTES = 8
KEYED = "k:"
"""In front of a keyed hash, which a plain one of one release ago lacks."""


def new_data_key() -> bytes:
    """Return a fresh key for one student."""
    return AESGCM.generate_key(bit_length=8 * _KEY_BYTES)


def wrap_key(device_key: bytes, data_key: bytes, student_id: str, slot: SlotKey | None) -> bytes:
    """Return the data key sealed under the device key and the slot key, bound to its student.

    Args:
        device_key: 32 bytes.
        data_key: of one student.
        student_id: whose it is.
        slot: the slot key in use; None in a gallery of generation 0.
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
        wrapped: as `wrap_key` returned it.
        student_id: whose it is.
        slot_key: returns the slot key of a generation.

    Raises:
        GalleryError: it was wrapped under another device key, for another student, or is damaged.
        KeyFileError: the slot key was destroyed.
    """
    generation = generation_of(wrapped)
    if not generation:
        return open_sealed(_derive(device_key, "wrap data keys"), wrapped, binding("data key", student_id))
    key = _wrapping_key(device_key, slot_key(generation))
    return open_sealed(key, wrapped[_NUMBER_BYTES:], binding("data key", student_id, str(generation)))


def generation_of(wrapped: bytes) -> int:
    """Return the generation of the slot key that a data key is wrapped under; 0: under the device key alone."""
    return 0 if len(wrapped) <= _WRAPPED_BYTES_OF_GENERATION_0 else int.from_bytes(wrapped[:_NUMBER_BYTES], "big")


def lesson_key(device_key: bytes, lesson_id: str) -> bytes:
    """Return the key under which the candidates of one running lesson are sealed."""
    return _derive(device_key, f"candidates of lesson {lesson_id}")


def open_sealed(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """Return what was sealed.

    Raises:
        GalleryError: another key, another binding, or a changed value.
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
    """Return the associated data that ties a sealed value to purpose and place; no two lists give the same bytes."""
    return sealing.binding("edge-daemon gallery 1", purpose, *fields)


def plain_fingerprint(student_id: str) -> str:
    """Return the SHA-256 of a student id, by which the program of one release ago knew removed students."""
    return hashlib.sha256(b"edge-daemon removed student\0" + student_id.encode("utf-8", "surrogatepass")).hexdigest()


def student_hash(device_key: bytes, student_id: str) -> str:
    """Return the keyed hash under which a removed student stays known: without the device key nobody can try ids."""
    return keyed(device_key, plain_fingerprint(student_id))


def keyed(device_key: bytes, mark: str) -> str:
    """Return the keyed hash for the hash of a tombstone; one that is keyed already stays as it is.

    It is made of the plain hash, so that a tombstone of one release ago, which has nothing else, is hashed again.
    """
    if mark.startswith(KEYED):
        return mark
    key = _derive(device_key, "removed students")
    return KEYED + hmac.new(key, mark.encode(), hashlib.sha256).hexdigest()


def _derive(device_key: bytes, purpose: str, salt: bytes | None = None) -> bytes:
    """One key for one use (HKDF, RFC 5869): the device key itself never seals anything."""
    return HKDF(SHA256(), _KEY_BYTES, salt=salt, info=b"edge-daemon " + purpose.encode()).derive(device_key)


def _wrapping_key(device_key: bytes, slot_key: bytes) -> bytes:
    return _derive(device_key, "wrap data keys 2", slot_key)
