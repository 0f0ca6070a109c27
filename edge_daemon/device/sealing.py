"""Seals personal data by AES-256-GCM with a random nonce. A sealed value is bound to its purpose.

Random 96-bit nonces are safe for up to 2^32 values under a key (NIST SP 800-38D, 8.2.2); no key seals nearly as many.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge_daemon.errors import KeyFileError

_NONCE_BYTES = 12


def seal(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """Return nonce, ciphertext and tag as one value, which can be opened only with the same key and binding."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def open_sealed(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """Return the plain value.

    Raises:
        KeyFileError: the value was sealed with another key or binding, or was changed.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:  # ValueError: too short for nonce and tag
        raise KeyFileError("a sealed value does not open with this key, or was changed") from error


def binding(realm: str, purpose: str, *fields: str) -> bytes:
    """Return the associated data that binds a sealed value to its place; different arguments give different bytes.

    Args:
        realm: kind of the store, with the version of its format.
        purpose: purpose of the value in the store.
        fields: owner of the value, and all else that distinguishes it from values that must not replace it.
    """
    parts = [part.encode("utf-8", "surrogatepass") for part in (purpose, *fields)]
    return realm.encode() + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
