"""Template vectors and their face widths as bytes. Apart from the gallery, whose other readers need no NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_daemon.types import StudentTemplates, Vector


def packed(vectors: Vector, widths_px: Vector) -> bytes:
    """Return the number of rows (two bytes), widths, then the vectors, all little-endian float32."""
    rows = len(widths_px).to_bytes(2, "little")
    return rows + widths_px.astype("<f4").tobytes() + vectors.astype("<f4").tobytes()


def student_templates(student_id: str, photographs: Sequence[bytes]) -> StudentTemplates:
    """Return the templates of all photographs of a student, each as `packed` gave it."""
    vectors, widths_px = zip(*map(_unpacked, photographs), strict=True)
    return StudentTemplates(student_id, np.concatenate(vectors), np.concatenate(widths_px))


def own_size(photograph: bytes) -> Vector:
    """Return the vector of the face as photographed, of a template as `packed` gave it."""
    vector: Vector = _unpacked(photograph)[0][0]
    return vector


def _unpacked(plain: bytes) -> tuple[Vector, Vector]:
    rows = int.from_bytes(plain[:2], "little")
    numbers = np.frombuffer(plain, "<f4", offset=2).astype(np.float32)
    return numbers[rows:].reshape(rows, -1), numbers[:rows]
