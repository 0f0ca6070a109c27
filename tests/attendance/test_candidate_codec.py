"""The stored form of candidates: rows of the release before, rows of a newer one, and the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.attendance import candidate_codec
from edge_daemon.attendance.candidate_codec import MAGIC, pack, unpack
from edge_daemon.attendance.trait_columns import _number_names, traits_of
from edge_daemon.errors import CandidateFormatError
from edge_daemon.traits import FacePoints, MaskProbabilities, Traits, VisibleParts
from edge_daemon.types import Box, Candidate, Quality

WRITTEN_BY_4DE1FC4 = Path(__file__).parent / "data" / "candidates-4de1fc4"
"""Three captures of the demo's lesson as `packing.pack` of that commit wrote them, and the candidates themselves."""
IDS = ["a", "b", "c"]


def face(x: float = 1.5) -> Candidate:
    similarities = np.array([0.1, 0.2, 0.3], np.float32)
    return Candidate(0, Box(x, 2, 3, 4), 0.5, Quality(30, 0.25, 1), True, similarities, None)


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
        assert candidate.attentive == packed["attentive"]
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


def test_the_columns_of_a_row_are_those_of_every_release():
    """Older programs read the eyes after the face. Each element of the header has a column."""
    data = pack([face()], IDS)
    size = int.from_bytes(data[:4], "little")
    assert json.loads(data[4 : 4 + size]) == ["\0candidates", 1, "a", "b", "c"]
    row = np.frombuffer(data, "<f4", offset=4 + size)
    assert row.tolist() == pytest.approx([1.5, 2, 3, 4, 0.5, 30, 0.25, 1, 1, -1, 0, 0, 0.1, 0.2, 0.3])


def test_an_unreadable_row_is_named_by_its_slot():
    for data in (b"", pack([face()], IDS)[:-1]):
        with pytest.raises(CandidateFormatError, match="slot 7"):
            unpack(7, data, IDS)


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


def test_a_header_that_claims_to_be_longer_than_the_bytes_is_refused():
    """Its end is a whole row, of 10 columns and one for the name, behind the last byte."""
    with pytest.raises(CandidateFormatError):
        unpack(0, (5 + 44).to_bytes(4, "little") + b'["a"]', IDS)


@pytest.mark.parametrize("cut", range(1, 44))
def test_a_row_that_was_cut_short_is_refused(cut: int):
    with pytest.raises(CandidateFormatError):
        unpack(0, pack([face()], IDS)[:-cut], IDS)


MASK = MaskProbabilities(0.25, 0.5, 0.25)


def masked(trait: MaskProbabilities | None = MASK) -> Candidate:
    return replace(face(), traits=Traits(mask=trait))


def test_traits_come_back_and_a_face_without_them_stays_without():
    back = unpack(0, pack([masked(), masked(None)], IDS), ["c", "new"])
    assert [one.traits for one in back] == [Traits(mask=MASK), Traits()]
    assert list(back[0].similarities) == pytest.approx([0.3, 0.0])


def test_rows_without_any_trait_are_those_of_the_release_before():
    data = pack([masked(None)], IDS)
    assert data == pack([face()], IDS)
    assert unpack(0, data, IDS)[0].traits == Traits()


def test_the_release_before_traits_reads_their_rows_after_a_rollback():
    ((x, *others),) = unpack_of_4de1fc4(pack([masked()], IDS), ["c", "new", "a"])
    assert x == 1.5
    assert others[-3:] == pytest.approx([0.3, 0.0, 0.1])


def test_the_numbers_of_a_trait_have_its_fields_names_or_those_of_a_tuple_their_place():
    """Stored rows have these names. `column_names` keeps them, so the test computes them afresh."""
    assert list(_number_names(MaskProbabilities)) == ["none", "right", "wrong"]
    assert list(_number_names(FacePoints)) == [str(number) for number in range(68)]


def test_numbers_of_another_version_of_a_trait_are_not_read():
    data = pack([masked()], IDS)
    of_later = data.replace(b"mask/1/", b"mask/2/")
    assert of_later != data
    assert unpack(0, of_later, IDS)[0].traits == Traits()


def test_a_trait_that_lacks_a_number_is_not_read():
    data = pack([masked()], IDS)
    assert unpack(0, data.replace(b"mask/1/wrong", b"mask/1/other"), IDS)[0].traits == Traits()


def test_a_trait_of_a_later_program_is_passed_over():
    data = pack([masked()], IDS)
    back = unpack(0, data.replace(b"mask/1/", b"hats/1/"), IDS)
    assert [list(one.similarities) for one in back] == [pytest.approx([0.1, 0.2, 0.3])]
    assert back[0].traits == Traits()


def test_the_visible_part_is_stored_beside_the_mask():
    both = Traits(mask=MASK, visible=VisibleParts(0.125, 0.5, 0.25, 0.125))
    faces = [replace(face(), traits=both), replace(face(), traits=Traits(visible=both.visible)), face()]

    back = unpack(0, pack(faces, IDS), IDS)

    assert [one.traits for one in back] == [both, Traits(visible=both.visible), Traits()]
    assert back[0].traits.visible.part == "lower_hidden"
    assert [one.traits.are_analysed for one in back] == [True, False, False]


PLACES = [(round(np.sin(i) / 3, 3), round(np.cos(i) / 2, 3)) for i in range(68)]
POINTS = FacePoints.of(PLACES)


def test_points_travel_as_one_number_each_and_come_back_to_a_thousandth_of_the_face():
    plain, pointed = face(), replace(face(), traits=Traits(points=POINTS))
    back = unpack(0, pack([pointed, plain], IDS), ["b", "new"])

    assert [one.traits for one in back] == [Traits(points=POINTS), Traits()]
    assert np.array(back[0].traits.points.places()) == pytest.approx(np.array(PLACES), abs=5e-4)
    assert list(back[0].similarities) == pytest.approx([0.2, 0.0])
    assert not back[0].traits.are_analysed
    rows = {len(pack([one] * 2, IDS)) - len(pack([one], IDS)) for one in (plain, pointed)}
    assert sorted(rows) == [4 * (12 + 3), 4 * (12 + 3 + 68)]


def test_points_far_outside_the_face_stay_at_the_rim():
    far = FacePoints.of([(-9.0, 9.0)] * 68)
    assert far.places()[0] == pytest.approx((-1, 1), abs=1e-3)
    assert unpack(0, pack([replace(face(), traits=Traits(points=far))], IDS), IDS)[0].traits.points == far


def test_the_releases_before_points_read_their_rows_after_a_rollback():
    data = pack([replace(face(), traits=Traits(points=POINTS, mask=MASK))], IDS)
    ((x, *others),) = unpack_of_4de1fc4(data, ["c", "new", "a"])
    assert x == 1.5
    assert others[-3:] == pytest.approx([0.3, 0.0, 0.1])
    unknown = data.replace(b"points/1/", b"hats01/1/")  # to a release with traits and without points they are this
    assert unpack(0, unknown, IDS)[0].traits == Traits(mask=MASK)


def test_points_of_which_one_is_missing_are_not_read():
    data = pack([replace(face(), traits=Traits(points=POINTS))], IDS)
    assert unpack(0, data.replace(b"points/1/67", b"points/1/99"), IDS)[0].traits == Traits()


def gained(*gains: float) -> Candidate:
    return replace(face(), cover_gains=np.array(gains, np.float32))


def test_cover_gains_come_back_in_the_order_of_the_students():
    back = unpack(0, pack([gained(0.5, 0, 0.25), masked()], IDS), ["c", "new", "a"])
    assert [one.cover_gains.tolist() for one in back] == [[0.25, 0, 0.5], [0, 0, 0]]
    assert back[1].traits == Traits(mask=MASK)
    assert unpack(0, pack([gained(0.5, 0, 0)], IDS), ["new"])[0].cover_gains is None


def test_rows_of_a_release_without_cover_gains_have_none_which_is_not_zero():
    assert unpack(0, pack([face()], IDS), IDS)[0].cover_gains is None
    assert unpack(0, pack([gained(0, 0, 0)], IDS), IDS)[0].cover_gains.tolist() == [0, 0, 0]


def test_the_releases_before_cover_gains_read_their_rows_after_a_rollback():
    data = pack([replace(gained(0.5, 0, 0.25), traits=Traits(mask=MASK))], IDS)
    ((x, *others),) = unpack_of_4de1fc4(data, ["c", "new", "a"])
    assert (x, others[-3:]) == (1.5, pytest.approx([0.3, 0.0, 0.1]))
    header = json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])
    assert header[-3:] == ["\0cover gain/1/a", "\0cover gain/1/b", "\0cover gain/1/c"]
    assert traits_of(dict.fromkeys(header[-3:], 0.5)) == Traits()  # a release with traits takes them for unknown ones
