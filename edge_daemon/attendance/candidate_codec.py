"""Encodes the candidates of one capture as bytes for sealing, so that a restarted lesson can go on.

Embeddings are not included.

- length: 4 bytes, little-endian: length of the header
- header: JSON list: MAGIC, VERSION, then the student ids, the names of trait columns, and for each student COVER_GAIN
  with the id
- rows: one for each face, little-endian float32: the fixed columns, two zeros, one similarity for each student, the
  numbers of the traits (trait_columns.py), and one cover gain for each student

Version 0 (up to commit 4de1fc4) has neither magic nor version in its header, and no zeros in its rows. Magic and
version come first in the header, where version 0 has its first two student ids. The previous release reads them as two
unknown students, so a lesson also continues after a rollback. In the same way a program ignores the columns of traits
that it does not know, so a new trait needs no new version. The same holds for the cover gains, which rows of older
releases lack. Every later version keeps length, magic and version in their places.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance import trait_columns
from edge_daemon.errors import CandidateFormatError
from edge_daemon.traits import Traits
from edge_daemon.types import Box, Candidate, Quality, Vector

MAGIC = "\0candidates"
"""First element of the header; no student id has a control character."""
VERSION = 1
COVER_GAIN = "\0cover gain/1/"
"""What the name of a column of cover gains begins with; the student id follows."""
_FIXED = 10
"""Number of columns at the start of a row that have no element in the header."""
_NO_EYES = -1.0
"""Value in the column in which releases up to 0.1.0 stored whether eyes were open. They read -1 as unknown."""


def pack(candidates: Sequence[Candidate], student_ids: Sequence[str]) -> bytes:
    """Return the candidates of one capture as bytes of version `VERSION`."""
    names = trait_columns.column_names(candidates)
    gained = student_ids if any(c.cover_gains is not None for c in candidates) else ()
    header = [MAGIC, VERSION, *student_ids, *names, *(COVER_GAIN + student_id for student_id in gained)]
    text = json.dumps(header).encode("ascii")
    rows = [[*_row(c, names), *(_cover_gains(c) if gained else ())] for c in candidates]
    table = np.array(rows, dtype="<f4").reshape(len(candidates), _FIXED + len(header))
    return len(text).to_bytes(4, "little") + text + table.tobytes()


def unpack(slot: int, data: bytes, student_ids: Sequence[str]) -> list[Candidate]:
    """Return the candidates that `pack` encoded, without embeddings.

    Students may have been enrolled or removed since. Similarities and cover gains are in the order of `student_ids`,
    with 0 for new ones.

    Raises:
        CandidateFormatError: the version is unknown, or the bytes are not candidates.
    """
    header, rows = _parsed(slot, data)
    column_of = {name: _FIXED + i for i, name in enumerate(header)}
    columns = [column_of.get(student_id) for student_id in student_ids]
    gains = [column_of.get(COVER_GAIN + student_id) for student_id in student_ids]
    traits = {name: _FIXED + i for i, name in enumerate(header) if isinstance(name, str) and name[:1] == "\0"}
    return [
        _candidate(
            slot,
            row,
            _values(row, columns),
            _values(row, gains) if any(gains) else None,
            trait_columns.traits_of({name: float(row[c]) for name, c in traits.items()}),
        )
        for row in rows
    ]


def _parsed(slot: int, data: bytes) -> tuple[list[str | int], NDArray[np.float32]]:
    """Return the header, and the rows of all faces: the fixed columns, then a column for each element of the header."""
    end = 4 + int.from_bytes(data[:4], "little")
    try:
        header = json.loads(data[4:end])
    except ValueError:
        header = None
    if not isinstance(header, list) or not all(isinstance(name, (str, int)) for name in header) or len(data) < end:
        raise CandidateFormatError("its faces were stored in an unknown form", f"slot {slot}")
    version = header[1] if header[:1] == [MAGIC] and len(header) > 1 else 0
    if version not in (0, VERSION):
        raise CandidateFormatError(f"its faces were stored in form {version}, which this program does not read")
    columns = _FIXED + len(header)
    if (len(data) - end) % (4 * columns):
        raise CandidateFormatError("its faces were stored in an unknown form", f"slot {slot}")
    return header, np.frombuffer(data, "<f4", offset=end).reshape(-1, columns)


def _row(c: Candidate, trait_names: Sequence[str]) -> list[float]:
    quality = (c.quality.width_px, c.quality.sharpness, c.quality.presence)
    fixed = [c.box.x, c.box.y, c.box.w, c.box.h, c.score, *quality, float(c.attentive), _NO_EYES]
    return [*fixed, 0.0, 0.0, *c.similarities, *trait_columns.column_values(c.traits, trait_names)]


def _cover_gains(c: Candidate) -> Vector:
    return np.zeros_like(c.similarities) if c.cover_gains is None else c.cover_gains


def _values(row: NDArray[np.float32], columns: Sequence[int | None]) -> Vector:
    """Return the numbers of some columns of a row; 0 for None."""
    return np.array([0.0 if c is None else row[c] for c in columns], np.float32)


def _candidate(
    slot: int, row: NDArray[np.float32], similarities: Vector, cover_gains: Vector | None, traits: Traits
) -> Candidate:
    x, y, w, h, score, width_px, sharpness, presence, attentive, _ = (float(v) for v in row[:_FIXED])
    return Candidate(
        slot=slot,
        box=Box(x, y, w, h),
        score=score,
        quality=Quality(width_px, sharpness, presence),
        attentive=attentive > 0,
        similarities=similarities,
        embedding=None,
        traits=traits,
        cover_gains=cover_gains,
    )
