"""Encodes template vectors and face widths as bytes. It is separate, so that `templates.py` works without NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_daemon.types import CoveredTemplates, StudentTemplates, Vector


def packed(vectors: Vector, widths_px: Vector) -> bytes:
    """Return the number of rows (two bytes), the widths, then the vectors, both float32; all little-endian."""
    rows = len(widths_px).to_bytes(2, "little")
    return rows + widths_px.astype("<f4").tobytes() + vectors.astype("<f4").tobytes()


def student_templates(student_id: str, photographs: Sequence[bytes], covered: Sequence[bytes] = ()) -> StudentTemplates:
    """Return the templates of all photographs of a student, from the bytes of `packed` and `packed_covers`."""
    vectors, widths_px = zip(*map(_unpacked, photographs), strict=True)
    return StudentTemplates(student_id, np.concatenate(vectors), np.concatenate(widths_px), covered_templates(covered))


def packed_covers(covered: Sequence[tuple[Vector, Vector]]) -> bytes:
    """Return vectors and widths of each cover: blocks of `packed`, each preceded by its length (four bytes)."""
    blocks = [packed(vectors, widths_px) for vectors, widths_px in covered]
    return b"".join(len(block).to_bytes(4, "little") + block for block in blocks)


def covered_templates(photographs: Sequence[bytes]) -> tuple[CoveredTemplates, ...]:
    """Return the templates of all photographs of a student by cover, from the bytes of `packed_covers`.

    Photographs without covers, from an earlier release, are left out.
    """
    opened = [_blocks(plain) for plain in photographs if plain]
    joined = []
    for blocks in zip(*opened, strict=False):
        vectors, widths_px = zip(*map(_unpacked, blocks), strict=True)
        joined.append(CoveredTemplates(np.concatenate(vectors), np.concatenate(widths_px)))
    return tuple(joined)


def _blocks(plain: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(plain):
        end = at + 4 + int.from_bytes(plain[at : at + 4], "little")
        found.append(plain[at + 4 : end])
        at = end
    return found


def own_size(photograph: bytes) -> Vector:
    """Return the vector of the face at its own size, from the bytes of `packed`."""
    vector: Vector = _unpacked(photograph)[0][0]
    return vector


def _unpacked(plain: bytes) -> tuple[Vector, Vector]:
    rows = int.from_bytes(plain[:2], "little")
    numbers = np.frombuffer(plain, "<f4", offset=2).astype(np.float32)
    return numbers[rows:].reshape(rows, -1), numbers[:rows]
