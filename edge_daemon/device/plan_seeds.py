"""Seals the seeds of capture plans until their lessons begin, under a key derived from the device key.

A seed is sealed by AES-256-GCM and bound to its lesson. If somebody else recorded it, or moved it to another lesson, it
can't be opened. The process with network access may read the sealed seeds, but has no key for them.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge_daemon.device.sealing import binding, open_sealed, seal
from edge_daemon.device.signing import Signer

_INFO: Final = b"edge-daemon seal plan seeds"
_REALM: Final = "edge-daemon plans 1"


class PlanSeeds:
    """Seals and opens seeds on behalf of this device.

    Args:
        device_key: 32 bytes; `edge_daemon.device.secrets.device_key`.
    """

    __slots__ = ("_key", "public_key")

    def __init__(self, device_key: bytes) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=_INFO).derive(device_key)
        self.public_key: Final = Signer(device_key).public_key
        """The public key for the signatures of this device's commitments, hexadecimal."""

    def seal(self, lesson_id: str, seed: bytes) -> bytes:
        """Return a seed sealed so that it can be opened for this lesson only."""
        return seal(self._key, seed, binding(_REALM, "seed", lesson_id))

    def open(self, lesson_id: str, sealed: bytes) -> bytes:
        """Return the seed that was sealed for a lesson.

        Raises:
            KeyFileError: this device did not seal this value for this lesson, or the value was changed.
        """
        return open_sealed(self._key, sealed, binding(_REALM, "seed", lesson_id))
