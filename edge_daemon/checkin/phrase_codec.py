"""Encodes an enrolled phrase as bytes, which the caller seals. The clips' frames are not included."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_daemon.checkin.mouth_features import FEATURES, STEPS, MouthMovement

Array = NDArray[np.float32]

_MAGIC: Final = b"edph\x01"
_HEAD: Final = struct.Struct("<BHHH")


@dataclass(frozen=True, slots=True, eq=False)
class EnrolledPhrase:
    """The stored data of a student's repetitions."""

    movements: tuple[MouthMovement, ...]
    face: Array
    """(n,) of length 1: the mean face vector during the phrase."""


def packed(phrase: EnrolledPhrase) -> bytes:
    """Return a phrase as bytes: a header, then little-endian float32."""
    head = _HEAD.pack(len(phrase.movements), STEPS, FEATURES, len(phrase.face))
    parts = [_MAGIC, head, phrase.face.astype("<f4").tobytes()]
    for one in phrase.movements:
        parts += [
            np.float32(one.energy).tobytes(),
            one.mean.astype("<f4").tobytes(),
            one.sequence.astype("<f4").tobytes(),
        ]
    return b"".join(parts)


def unpacked(data: bytes) -> EnrolledPhrase:
    """Return the phrase from the bytes of `packed`.

    Raises:
        ValueError: the bytes have another format.
    """
    if data[: len(_MAGIC)] != _MAGIC or len(data) < len(_MAGIC) + _HEAD.size:
        raise ValueError("no phrase of this version")
    count, steps, features, face = _HEAD.unpack_from(data, len(_MAGIC))
    numbers = np.frombuffer(data, "<f4", offset=len(_MAGIC) + _HEAD.size).astype(np.float32)
    each = 1 + features + steps * features
    if (steps, features) != (STEPS, FEATURES) or len(numbers) != face + count * each:
        raise ValueError("a phrase of another size")
    rows = numbers[face:].reshape(count, each)
    movements = tuple(
        MouthMovement(row[1 + features :].reshape(steps, features), row[1 : 1 + features], float(row[0]))
        for row in rows
    )
    return EnrolledPhrase(movements, numbers[:face])
