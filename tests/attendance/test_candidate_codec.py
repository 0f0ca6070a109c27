"""The stored form of candidates: rows of the release before, rows of a newer one, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.attendance import candidate_codec
from edge_daemon.attendance.candidate_codec import MAGIC, pack, unpack
from edge_daemon.errors import CandidateFormatError
from edge_daemon.types import Box, Candidate, Quality

WRITTEN_BY_4DE1FC4 = Path(__file__).parent / "data" / "candidates-4de1fc4"
"""Three captures of the demo's lesson as `packing.pack` of that commit wrote them, and what was packed."""
IDS = ["a", "b", "c"]


def face(x: float = 1.5) -> Candidate:
    similarities = np.array([0.1, 0.2, 0.3], np.float32)
    return Candidate(0, Box(x, 2, 3, 4), 0.5, Quality(30, 0.25, 1), True, None, similarities, None)


@pytest.mark.parametrize("slot", [0, 1, 2])
def test_rows_of_the_release_before_are_read_right(slot: int):
    expected = json.loads((WRITTEN_BY_4DE1FC4 / "expected.json").read_text("utf-8"))
    found = unpack(slot, (WRITTEN_BY_4DE1FC4 / f"{slot}.bin").read_bytes(), expected["student_ids"])
    assert len(found) == len(expected["captures"][slot]) > 0
    for candidate, packed in zip(found, expected["captures"][slot], strict=True):
        box, quality = candidate.box, candidate.quality
        assert candidate.slot == slot
        assert [box.x, box.y, box.w, box.h] == pytest.approx(packed["box"])
        assert candidate.score == pytest.approx(packed["score"])
        assert [quality.width_px, quality.sharpness, quality.presence] == pytest.approx(packed["quality"])
        assert (candidate.attentive, candidate.eyes_open) == (packed["attentive"], packed["eyes_open"])
        assert candidate.similarities == pytest.approx(packed["similarities"])


def unpack_of_4de1fc4(data: bytes, student_ids: list[str]) -> list[list[float]]:
    """Return the rows (fixed columns, then similarities) as `packing.unpack` of that commit reads them."""
    end = 4 + int.from_bytes(data[:4], "little")
    packed_ids = json.loads(data[4:end])
    column_of = {student_id: 10 + i for i, student_id in enumerate(packed_ids)}
    rows = np.frombuffer(data, "<f4", offset=end).reshape(-1, 10 + len(packed_ids))
    columns = [column_of.get(student_id) for student_id in student_ids]
    return [[*row[:10], *(0.0 if c is None else float(row[c]) for c in columns)] for row in rows]


def test_the_release_before_reads_rows_of_today_after_a_rollback():
    ((x, *others),) = unpack_of_4de1fc4(pack([face(77)], IDS), ["c", "new", "a"])
    assert x == 77
    assert others[-3:] == pytest.approx([0.3, 0.0, 0.1])


def test_a_row_says_its_version():
    data = pack([face()], IDS)
    assert json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")]) == [MAGIC, 1, *IDS]


@pytest.mark.parametrize("version", [99, 2, -1, "1", None])
def test_an_unknown_version_is_refused_with_a_reason(monkeypatch, version):
    monkeypatch.setattr(candidate_codec, "VERSION", version)
    data = pack([face()], IDS)
    monkeypatch.undo()
    with pytest.raises(CandidateFormatError):
        unpack(0, data, IDS)


def test_the_reason_names_the_version(monkeypatch):
    monkeypatch.setattr(candidate_codec, "VERSION", 99)
    data = pack([face()], IDS)
    monkeypatch.undo()
    with pytest.raises(CandidateFormatError, match="stored in form 99, which this program does not read"):
        unpack(0, data, IDS)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_candidates_are_refused_and_never_an_error_of_the_program(data: bytes):
    try:
        assert unpack(0, data, IDS) == []
    except CandidateFormatError:
        return


@pytest.mark.parametrize("cut", range(1, 44))
def test_a_row_that_was_cut_short_is_refused(cut: int):
    with pytest.raises(CandidateFormatError):
        unpack(0, pack([face()], IDS)[:-cut], IDS)
