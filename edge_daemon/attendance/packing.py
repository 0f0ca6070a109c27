"""The candidates of one capture as bytes, to be sealed: what a restarted lesson goes on with. Embeddings are left
out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_daemon.types import Box, Candidate, Quality

_FIXED = 10
"""Columns before the similarities."""
_EYES = {None: -1.0, False: 0.0, True: 1.0}


def pack(candidates: Sequence[Candidate]) -> bytes:
    """Return the candidates of one capture as rows of little-endian float32, after the number of students."""
    students = len(candidates[0].similarities) if candidates else 0
    rows = np.array([_row(c) for c in candidates], dtype="<f4").reshape(len(candidates), _FIXED + students)
    return students.to_bytes(4, "little") + rows.tobytes()


def unpack(slot: int, data: bytes) -> list[Candidate]:
    """Return the candidates that `pack` was given, without embeddings."""
    students = int.from_bytes(data[:4], "little")
    rows = np.frombuffer(data, "<f4", offset=4).reshape(-1, _FIXED + students)
    return [_candidate(slot, row) for row in rows]


def _row(c: Candidate) -> list[float]:
    quality = (c.quality.width_px, c.quality.sharpness, c.quality.presence)
    fixed = [c.box.x, c.box.y, c.box.w, c.box.h, c.score, *quality, float(c.attentive), _EYES[c.eyes_open]]
    return [*fixed, *c.similarities]


def _candidate(slot: int, row: np.ndarray) -> Candidate:
    x, y, w, h, score, width_px, sharpness, presence, attentive, eyes = (float(v) for v in row[:_FIXED])
    return Candidate(
        slot=slot,
        box=Box(x, y, w, h),
        score=score,
        quality=Quality(width_px, sharpness, presence),
        attentive=attentive > 0,
        eyes_open=None if eyes < 0 else eyes > 0,
        similarities=row[_FIXED:].astype(np.float32),
        embedding=None,
    )
