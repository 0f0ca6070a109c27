"""The second factor: codes of RFC 6238 (SHA-1, 6 digits, 30 s), which every authenticator supports."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from typing import Final
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

STEP_S: Final = 30
_DIGITS: Final = 6
_DRIFT_STEPS: Final = 1
"""Tolerance for the clocks of telephones, in time steps."""
_NONCE_BYTES: Final = 12


def new_secret() -> str:
    """Return a new secret, 160 bits in base 32."""
    return base64.b32encode(secrets.token_bytes(20)).decode("ascii")


def code(secret: str, step: int) -> str:
    """Return the code of a time step (RFC 4226, 5.3)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def matching_step(secret: str, given: str, now_s: float, last_step: int) -> int | None:
    """Return the time step of a code, None if it is wrong or was used before.

    Args:
        secret: the secret in base 32.
        given: what the person typed; spaces are ignored.
        now_s: seconds since 1970.
        last_step: time step of the last accepted code; this step and earlier ones are refused.
    """
    given = "".join(given.split())
    middle = int(now_s) // STEP_S
    for step in range(middle - _DRIFT_STEPS, middle + _DRIFT_STEPS + 1):
        if step > last_step and hmac.compare_digest(code(secret, step).encode(), given.encode("utf-8", "replace")):
            return step
    return None


def address(secret: str, username: str, issuer: str) -> str:
    """Return the address that an authenticator reads from a QR code."""
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?secret={secret}&issuer={quote(issuer)}"


def sealed(secret: str, office_secret: str) -> str:
    """Return a secret sealed with the office's own secret, so that a copied database alone gives no codes."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + _cipher(office_secret).encrypt(nonce, secret.encode("ascii"), None)).decode("ascii")


def opened(text: str, office_secret: str) -> str | None:
    """Return the sealed secret; None if another office sealed it or it was changed."""
    try:
        data = base64.b64decode(text)
        return _cipher(office_secret).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None).decode("ascii")
    except (InvalidTag, ValueError, binascii.Error):
        return None


def _cipher(office_secret: str) -> AESGCM:
    key = HKDF(SHA256(), 32, salt=None, info=b"edge-daemon-office totp").derive(office_secret.encode("utf-8"))
    return AESGCM(key)
