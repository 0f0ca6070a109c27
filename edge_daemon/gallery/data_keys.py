"""Sealing what is personal: AES-256-GCM, a data key per student, wrapped under the device key.

How a value is sealed: edge_daemon/device/sealing.py. A data key seals only one student's templates and fields. Every
sealed value is bound to what it is for, so that none can be put in another's place. Destroying the wrapped data key
makes all that was sealed under it unreadable.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge_daemon.device import sealing
from edge_daemon.device.sealing import seal
from edge_daemon.errors import GalleryError, KeyFileError

__all__ = ["binding", "fingerprint", "lesson_key", "new_data_key", "open_sealed", "seal", "unwrap_key", "wrap_key"]

_KEY_BYTES = 32


def new_data_key() -> bytes:
    """Return a fresh key for one student."""
    return AESGCM.generate_key(bit_length=8 * _KEY_BYTES)


def wrap_key(device_key: bytes, data_key: bytes, student_id: str) -> bytes:
    """Return the data key sealed under the device key, bound to its student."""
    return seal(_derive(device_key, "wrap data keys"), data_key, binding("data key", student_id))


def unwrap_key(device_key: bytes, wrapped: bytes, student_id: str) -> bytes:
    """Return the data key of a student.

    Raises:
        GalleryError: it was wrapped under another device key, for another student, or is damaged.
    """
    return open_sealed(_derive(device_key, "wrap data keys"), wrapped, binding("data key", student_id))


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


def _derive(device_key: bytes, purpose: str) -> bytes:
    """One key for one use (HKDF, RFC 5869): the device key itself never seals anything."""
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"edge-daemon " + purpose.encode()).derive(device_key)


def fingerprint(student_id: str) -> str:
    """Return the hash under which a removed student stays known, so that a restored backup can be cleaned again.

    A plain hash: whoever can list the possible ids can find it out. It hides nothing that the registers do not show.
    """
    return hashlib.sha256(b"edge-daemon removed student\0" + student_id.encode("utf-8", "surrogatepass")).hexdigest()
