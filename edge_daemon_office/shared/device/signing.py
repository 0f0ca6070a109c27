"""Signatures of the device: Ed25519 (RFC 8032) over canonical JSON, so that anybody can verify a document offline.

The signing key is derived from the device key by HKDF-SHA256 (RFC 5869), so no further key is stored. With the public
key nobody can sign a document or open a template. A document contains `public_key` and `signature`, both hexadecimal.
The signature is made over the document's bytes in which `signature` is still null.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO: Final = b"edge-daemon sign registers"
_KEY: Final = re.compile(r'"public_key":"([0-9a-f]{64})"')
_SIGNATURE: Final = re.compile(r'"signature":"([0-9a-f]{128})"')
_MOST_PLACES: Final = 4
"""Largest number of places in a text that are tried as its key or signature.

An honest document has one such place, a hostile text may have thousands.
"""


class Signer:
    """Signs on behalf of this device.

    Args:
        device_key: 32 bytes; `edge_daemon.device.secrets.device_key`.
    """

    __slots__ = ("_key", "public_key")

    def __init__(self, device_key: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(
            HKDF(SHA256(), 32, salt=None, info=_INFO).derive(device_key),
        )
        self.public_key: Final = self._key.public_key().public_bytes_raw().hex()
        """This device's public key, 64 hexadecimal digits."""

    def sign(self, unsigned: str) -> str:
        """Return the signature for a document, given its canonical JSON with `signature` null."""
        return self._key.sign(unsigned.encode("utf-8")).hex()


def canonical(fields: Mapping[str, object]) -> str:
    """Return the unique JSON text of these fields: RFC 8785 for the types used here (edge_daemon.attendance.document).

    Raises:
        ValueError: a number that JSON does not allow.
        TypeError: a value that JSON does not allow.
    """
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def signed(fields: Mapping[str, object], signer: Signer) -> str:
    """Return the canonical JSON of a document with this device's public key and signature in it."""
    unsigned = {**fields, "public_key": signer.public_key, "signature": None}
    return canonical({**unsigned, "signature": signer.sign(canonical(unsigned))})


def is_signed_by(fields: Mapping[str, object], public_key: str) -> bool:
    """Return whether a parsed document names this public key and has its valid signature."""
    signature = fields.get("signature")
    if not isinstance(signature, str) or fields.get("public_key") != public_key:
        return False
    try:
        unsigned = canonical({**fields, "signature": None})
    except (ValueError, RecursionError):  # a number that JSON does not allow but Python's parser accepts
        return False
    return verify(public_key, unsigned, signature)


def text_signer(text: str, keys: Collection[str] | None) -> str | None:
    """Return the public key that signed a canonical text, without parsing the text; None if no trusted key did.

    Args:
        text: the document's text as received.
        keys: the trusted keys, hexadecimal; None: any key that the text names.
    """
    if keys is None:
        keys = {match[1] for match in islice(_KEY.finditer(text), _MOST_PLACES)}
    for match in islice(_SIGNATURE.finditer(text), _MOST_PLACES):
        unsigned = f'{text[: match.start()]}"signature":null{text[match.end() :]}'
        for key in keys:
            if verify(key, unsigned, match[1]):
                return key
    return None


def verify(public_key: str, unsigned: str, signature: str) -> bool:
    """Return whether a signature belongs to a key; False also for malformed keys and signatures."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), unsigned.encode("utf-8"))
    except (InvalidSignature, ValueError):  # ValueError: not hexadecimal, wrong length, or half a character
        return False
    return True


def fingerprint(public_key: str) -> str:
    """Return a short form for comparison by telephone: 80 bits of the key's SHA-256, in groups of four digits."""
    digest = hashlib.sha256(public_key.lower().encode("ascii", "replace")).hexdigest()[:20]
    return " ".join(digest[place : place + 4] for place in range(0, 20, 4))
