"""The candidates of one capture as bytes, to be sealed: what a restarted lesson goes on with. Embeddings stay out."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Box, Candidate, Quality

_FIXED = 10
"""Columns before the similarities."""
_EYES = {None: -1.0, False: 0.0, True: 1.0}


def pack(candidates: Sequence[Candidate], student_ids: Sequence[str]) -> bytes:
    """Return the candidates of one capture as bytes.

    Four bytes tell the length of the student ids as JSON, which follow; then a row of little-endian float32 a face.
    """
    ids = json.dumps(list(student_ids)).encode("ascii")
    rows = np.array([_row(c) for c in candidates], dtype="<f4").reshape(len(candidates), _FIXED + len(student_ids))
    return len(ids).to_bytes(4, "little") + ids + rows.tobytes()


def unpack(slot: int, data: bytes, student_ids: Sequence[str]) -> list[Candidate]:
    """Return the candidates that `pack` was given, without embeddings.

    Students may have been enrolled or removed since: similarities come in the order asked for, 0 for the new ones.
    """
    end = 4 + int.from_bytes(data[:4], "little")
    packed_ids: list[str] = json.loads(data[4:end])
    column_of = {student_id: _FIXED + i for i, student_id in enumerate(packed_ids)}
    rows = np.frombuffer(data, "<f4", offset=end).reshape(-1, _FIXED + len(packed_ids))
    columns = [column_of.get(student_id) for student_id in student_ids]
    return [_candidate(slot, row, [0.0 if c is None else float(row[c]) for c in columns]) for row in rows]


def _row(c: Candidate) -> list[float]:
    quality = (c.quality.width_px, c.quality.sharpness, c.quality.presence)
    fixed = [c.box.x, c.box.y, c.box.w, c.box.h, c.score, *quality, float(c.attentive), _EYES[c.eyes_open]]
    return [*fixed, *c.similarities]


def _candidate(slot: int, row: NDArray[np.float32], similarities: list[float]) -> Candidate:
    x, y, w, h, score, width_px, sharpness, presence, attentive, eyes = (float(v) for v in row[:_FIXED])
    return Candidate(
        slot=slot,
        box=Box(x, y, w, h),
        score=score,
        quality=Quality(width_px, sharpness, presence),
        attentive=attentive > 0,
        eyes_open=None if eyes < 0 else eyes > 0,
        similarities=np.array(similarities, dtype=np.float32),
        embedding=None,
    )
