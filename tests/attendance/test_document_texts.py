"""Documents and tables stay the same byte for byte, because other programs read them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import struct
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from edge_daemon.attendance.candidate_codec import pack, unpack
from edge_daemon.attendance.commitment import Commitment, PlanCommitment, read_commitment, sign_commitment
from edge_daemon.attendance.document import Document, from_json, sign
from edge_daemon.attendance.export import HEADS, Export, register_lines, write_export
from edge_daemon.attendance.register import correct
from edge_daemon.device.signing import canonical, is_signed_by
from edge_daemon.errors import CandidateFormatError
from edge_daemon.traits import MaskCounts, Traits
from edge_daemon.types import Box, Candidate, Confirmation, Quality
from tests.registers import SIGNER, START, a_lesson, a_register

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 15, 18, 30, 5, tzinfo=timezone.utc)
PLANS = [
    PlanCommitment("l1", START, START + timedelta(minutes=45), 100, "aa" * 32),
    PlanCommitment("l2", START + timedelta(hours=1), START + timedelta(hours=2), 90, "bb" * 32),
]


@pytest.mark.parametrize("previous", [None, "cc" * 32])
def test_a_commitment_is_this_document(previous):
    ref, text = sign_commitment("room 204", AT, PLANS, previous, SIGNER)
    unsigned = {
        "schema": 1,
        "kind": "commitment",
        "device": "room 204",
        "at": "2026-11-15T18:30:05Z",
        "plans": [
            {
                "lesson_id": "l1",
                "start": "2026-11-16T07:00:00Z",
                "end": "2026-11-16T07:45:00Z",
                "captures_planned": 100,
                "seed_sha256": "aa" * 32,
            },
            {
                "lesson_id": "l2",
                "start": "2026-11-16T08:00:00Z",
                "end": "2026-11-16T09:00:00Z",
                "captures_planned": 90,
                "seed_sha256": "bb" * 32,
            },
        ],
        "previous_sha256": previous,
    }
    sha256 = hashlib.sha256(canonical(unsigned).encode()).hexdigest()
    assert ref == f"20261115T183005Z-{sha256[:12]}"
    fields = json.loads(text)
    assert fields == {**unsigned, "ref": ref, "public_key": SIGNER.public_key, "signature": fields["signature"]}
    assert is_signed_by(fields, SIGNER.public_key)
    assert read_commitment(text) == Commitment(ref, "room 204", AT, tuple(PLANS), previous, SIGNER.public_key)


@pytest.mark.parametrize("previous", [None, "cc" * 32])
def test_a_register_names_the_one_before_it(previous):
    register, _ = a_register(a_lesson(), {"a": 1.0})
    text = sign(register, previous, SIGNER)
    assert json.loads(text)["previous_sha256"] == from_json(text).previous_sha256 == previous
    assert from_json(text).public_key == SIGNER.public_key


@pytest.mark.parametrize(("probability", "written"), [(0.973149, 0.9731), (0.99996, 1), (0.00004, 0), (1.0, 1)])
def test_a_probability_has_four_decimals_and_a_whole_one_none(probability, written):
    register, _ = a_register(a_lesson(), {"a": 1.0})
    register = replace(register, verdicts=(replace(register.verdicts[0], probability=probability),))
    (student,) = json.loads(sign(register, None, SIGNER))["students"]
    assert (student["probability"], type(student["probability"])) == (written, type(written))


def _export(registers, names):
    documents = [Document(register, None, None, None) for register in registers]
    return Export(date(2026, 11, 16), date(2026, 11, 30), documents, names, BERLIN, "week")


def test_a_table_has_a_line_a_student_with_these_columns(tmp_path):
    register, _ = a_register(a_lesson(course="=7b"), {"-a": 1.0, "b": 0.4, "c": 0.0})
    register = correct(register, "c", "present", by="@T", reason="+r", at=START)
    register = replace(
        register,
        register_flags=("unusual_class",),
        confirmed=Confirmation(held=True, by="office", at=START),
        mask=MaskCounts(none=1, right=2, wrong=0, undecided=3),
    )
    write_export(tmp_path / "out.csv", _export([register], {"b": "Bo"}))
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfdate,start,end,course,")
    heads, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert heads == [
        *("date", "start", "end", "course", "device", "lesson_id", "revision", "origin", "student_id", "name"),
        *("verdict", "share", "frames_attentive", "frames_seen", "captures_taken", "captures_planned", "flags"),
        *("corrected_by", "correction_reason", "attendance_event", "register_flags", "held"),
        *("rule_share", "captures_needed", "distance"),
        *("room_mask_none", "room_mask_right", "room_mask_wrong", "room_mask_undecided"),
    ]
    lesson = ["2026-11-16", "08:00", "08:45", "'=7b", "room 204", register.lesson.lesson_id, "2", "timetable"]
    masks = ["1", "2", "0", "3"]
    rest = ["In Attendance", "unusual_class", "yes", "0.4000", "8"]
    of_b = next(v for v in register.verdicts if v.tally.student_id == "b")
    flags = " ".join(of_b.flags)
    assert rows == [
        [*lesson, "'-a", "", "present", "1.0000", "20", "20", "20", "20", "", "", "", *rest, "12", *masks],
        [*lesson, "b", "Bo", "present", "0.4000", "8", "8", "20", "20", flags, "", "", *rest, "0", *masks],
        [*lesson, "c", "", "present", "0.0000", "0", "0", "20", "20", "corrected", "'@T", "'+r", *rest, "-8", *masks],
    ]
    assert len(HEADS) == len(heads) == 29


def test_the_counts_of_a_line_are_separate():
    register, _ = a_register(a_lesson(), {"a": 1.0}, captures=20)
    tally = replace(register.verdicts[0].tally, captures_attentive=3, captures_seen=7)
    register = replace(
        register, verdicts=(replace(register.verdicts[0], tally=tally),), captures_taken=15, captures_planned=19
    )
    (line,) = register_lines(register, {}, BERLIN)
    assert line[12:16] == (3, 7, 15, 19)


def test_an_inconclusive_lesson_has_no_event_in_its_line():
    register, _ = a_register(a_lesson(), {"a": 1.0}, not_assessed=["a"])
    (line,) = register_lines(register, {}, BERLIN)
    assert (line[10], line[19:]) == ("not_assessed", ("",) * 10)
    (line,) = register_lines(replace(register, confirmed=Confirmation(held=False, by="office", at=START)), {}, BERLIN)
    assert line[21] == "no"


def test_json_is_readable_text_with_the_names_of_those_on_the_registers(tmp_path):
    register, _ = a_register(a_lesson(), {"a": 1.0})
    write_export(tmp_path / "out.json", _export([register], {"a": "Zoë", "b": "Bo"}))
    text = (tmp_path / "out.json").read_text("utf-8")
    assert text.startswith('{\n "from": "2026-11-16",\n "to": "2026-11-30",\n "names": {\n  "a": "Zoë"\n },\n')
    assert text.endswith("}\n")
    assert list(json.loads(text)) == ["from", "to", "names", "registers"]


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
def test_half_a_character_of_a_roster_stops_no_export(tmp_path, name):
    register, _ = a_register(a_lesson(), {"a": 1.0})
    write_export(tmp_path / name, _export([register], {"a": "x\ud83dy"}))
    assert "x?y" in (tmp_path / name).read_text("utf-8")


# --- candidates on the disk ---

IDS = ["a", "b"]


def _face(**change) -> Candidate:
    plain = {
        "slot": 3,
        "box": Box(1.5, 2.5, 30.5, 40.5),
        "score": 0.75,
        "quality": Quality(28.5, 0.25, 0.875),
        "attentive": True,
        "similarities": np.array([0.5, -0.25], np.float32),
        "embedding": None,
    }
    return Candidate(**{**plain, **change})


@pytest.mark.parametrize("attentive", [True, False])
def test_every_column_comes_back_as_it_was(attentive):
    face = _face(attentive=attentive)
    (back,) = unpack(3, pack([face], IDS), IDS)
    assert (back.slot, back.box, back.score, back.quality) == (3, face.box, face.score, face.quality)
    assert (back.attentive, back.embedding) == (attentive, None)
    assert back.similarities.dtype == np.float32
    assert list(back.similarities) == [0.5, -0.25]


def test_a_row_on_the_disk_has_these_bytes():
    """Lessons that were cut by an update go on with them. Earlier releases read -1 as: not known of the eyes."""
    header = b'["\\u0000candidates", 1, "a", "b"]'
    row = [1.5, 2.5, 30.5, 40.5, 0.75, 28.5, 0.25, 0.875, 1.0, -1.0, 0.0, 0.0, 0.5, -0.25]
    data = len(header).to_bytes(4, "little") + header + struct.pack("<14f", *row)
    assert pack([_face()], IDS) == data
    for eyes in (0.0, 1.0):  # a release before wrote whether eyes were open
        row[9] = eyes
        assert unpack(3, data[:-56] + struct.pack("<14f", *row), IDS)[0].traits == Traits()


def test_a_capture_without_faces_has_none():
    assert unpack(0, pack([], IDS), IDS) == []
    assert unpack(0, pack([], []), []) == []


@pytest.mark.parametrize(
    "data", [b"", b"\x02\0\0\0", b"\x02\0\0\0{}", b"\x05\0\0\0[1.5]", b"\x04\0\0\0[[]]", b"\xff" * 9]
)
def test_a_row_in_another_form_is_refused_with_its_slot(data):
    with pytest.raises(CandidateFormatError) as error:
        unpack(7, data, IDS)
    assert error.value.line() == "slot 7: its faces were stored in an unknown form"


def test_a_row_that_is_too_long_or_too_short_is_refused_with_its_slot():
    data = pack([_face()], IDS)
    for wrong in (data + b"\0", data[:-1], data + b"\0\0\0\0"):
        with pytest.raises(CandidateFormatError) as error:
            unpack(7, wrong, IDS)
        assert error.value.line() == "slot 7: its faces were stored in an unknown form"
