"""The exact texts of refusals: one line with the problem, its place, and what to do."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Literal

import pytest

from edge_daemon.attendance.document import sign
from edge_daemon.attendance.export import check_output, write_whole
from edge_daemon.attendance.fields import ObjectReader, json_object
from edge_daemon.attendance.proof import OtherKeyError, digest, prove_commitment, prove_register, signed_fields
from edge_daemon.attendance.register import MAX_TEXT, correct
from edge_daemon.attendance.sightings_csv import write_sightings
from edge_daemon.device.signing import Signer, canonical, fingerprint, signed
from edge_daemon.errors import RegisterError, StoreError
from edge_daemon.types import Box, Sighting
from tests.registers import SIGNER, START, a_lesson, a_register

REGISTER, _ = a_register(a_lesson(), {"a": 1.0, "c": 0.0}, visitors={"guest": 0.5})
LESSON_ID = REGISTER.lesson.lesson_id
CHOICE = Literal["red", "green"]


def _line(error: pytest.ExceptionInfo[RegisterError]) -> str:
    return error.value.line()


# --- one JSON object, field by field ---

A_TIME = "a time like 2026-11-21T08:00:00Z"


@pytest.mark.parametrize(
    ("method", "value", "expected"),
    [
        ("text", 7, "a text"),
        ("text", None, "a text"),
        ("optional_text", 7, "a text"),
        ("whole", "7", "a whole number"),
        ("whole", 7.0, "a whole number"),
        ("whole", True, "a whole number from 0 to 1000000"),
        ("whole", -1, "a whole number from 0 to 1000000"),
        ("whole", 1_000_001, "a whole number from 0 to 1000000"),
        ("number", "7", "a number"),
        ("number", 1_000_000.5, "a number"),
        ("number", -1_000_001, "a number"),
        ("boolean", 1, "true or false"),
        ("boolean", None, "true or false"),
        ("share", -0.001, "a number from 0 to 1"),
        ("share", 1.001, "a number from 0 to 1"),
        ("optional_share", 2, "a number from 0 to 1"),
        ("optional_object", [], "an object"),
        ("time", "1969-12-31T23:59:59Z", "a time of the years 1970 to 2999"),
        ("time", "3000-01-01T00:00:00Z", "a time of the years 1970 to 2999"),
        ("number", False, "a number"),
        ("time", "yesterday", A_TIME),
        ("time", "2026-11-21T08:00:00", A_TIME),
        ("time", 7, "a text"),
        ("optional_time", "yesterday", A_TIME),
        ("hexadecimal", "zz", "hexadecimal digits"),
        ("hexadecimal", None, "a text"),
        ("texts", "a", "a list of texts"),
        ("texts", ["a", 7], "a list of texts"),
        ("text_map", ["a"], "an object of texts"),
        ("text_map", {"a": 7}, "an object of texts"),
        ("objects", {"a": 7}, "a list of objects"),
        ("objects", [{}, 7], "a list of objects"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_key_and_what_was_expected(method, value, expected):
    reader = ObjectReader({"key": value}, "timetable")
    with pytest.raises(RegisterError) as error:
        getattr(reader, method)("key")
    assert _line(error) == f"key key: is not a timetable: {expected} was expected; check its origin"


@pytest.mark.parametrize("value", ["blue", None, "", 1])
def test_a_choice_names_what_there_is(value):
    with pytest.raises(RegisterError) as error:
        ObjectReader({"colour": value}).choice("colour", CHOICE)
    assert _line(error) == ("key colour: is not a register document: one of red, green was expected; check its origin")


@pytest.mark.parametrize(
    ("method", "value", "expected"),
    [
        ("text", "", ""),
        ("optional_text", None, None),
        ("optional_text", "a", "a"),
        ("whole", 0, 0),
        ("whole", 1_000_000, 1_000_000),
        ("number", 7, 7.0),
        ("number", -0.5, -0.5),
        ("number", 1_000_000, 1e6),
        ("number", -1_000_000, -1e6),
        ("boolean", True, True),
        ("boolean", False, False),
        ("share", 0, 0.0),
        ("share", 1, 1.0),
        ("optional_share", None, None),
        ("optional_share", 0.5, 0.5),
        ("optional_object", None, None),
        ("optional_object", {"a": 1}, ObjectReader({"a": 1})),
        ("time", "1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=timezone.utc)),
        ("time", "2999-12-31T23:59:59Z", datetime(2999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)),
        ("time", "2026-11-21T08:00:00Z", datetime(2026, 11, 21, 8, tzinfo=timezone.utc)),
        ("optional_time", None, None),
        ("optional_time", "2026-11-21T09:00:00+01:00", datetime(2026, 11, 21, 8, tzinfo=timezone.utc)),
        ("hexadecimal", "00ff", b"\x00\xff"),
        ("texts", [], ()),
        ("texts", ["a", "b"], ("a", "b")),
        ("text_map", {"a": "b"}, {"a": "b"}),
        ("objects", [], ()),
    ],
)
def test_a_value_of_the_right_kind_is_returned_unchanged(method, value, expected):
    assert getattr(ObjectReader({"key": value}), method)("key") == expected


def test_an_absent_key_is_null_where_null_is_allowed():
    assert ObjectReader({}).optional_text("key") is None
    assert ObjectReader({}).optional_time("key") is None
    assert ObjectReader({"colour": "red"}).choice("colour", CHOICE) == "red"


def test_an_object_within_is_read_as_of_the_same_kind():
    (inner,) = ObjectReader({"rows": [{"key": 1}]}, "timetable").objects("rows")
    assert (inner.values, inner.kind) == ({"key": 1}, "timetable")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_refused(word):
    with pytest.raises(RegisterError) as error:
        json_object(f'{{"a":{word}}}', "timetable")
    assert _line(error) == f"{word} is not a JSON number: is not a timetable; check where it came from"


def test_a_number_of_thousands_of_digits_is_refused():
    with pytest.raises(RegisterError, match="is not a document"):
        json_object('{"a":' + "9" * 5000 + "}")
    assert json_object('{"a":' + "9" * 30 + "}") == {"a": int("9" * 30)}


def test_an_object_within_keeps_the_kind():
    inner = ObjectReader({"key": {"a": 1}}, "timetable").optional_object("key")
    assert (inner.values, inner.kind) == ({"a": 1}, "timetable")
    assert ObjectReader({}).optional_object("key") is None


def test_a_text_that_is_no_json_object_is_refused_with_the_kind_that_was_expected():
    with pytest.raises(RegisterError) as error:
        ObjectReader.of("[]", "timetable")
    assert _line(error) == "top level: is not a timetable; an object was expected"
    with pytest.raises(RegisterError) as error:
        ObjectReader.of("{", "timetable")
    assert _line(error).endswith(": is not a timetable; check where it came from")
    assert error.value.where.startswith("Expecting property name")
    with pytest.raises(RegisterError, match="is not a register document"):
        ObjectReader.of("[" * 100_000)
    assert ObjectReader.of('{"a":1}').kind == "register document"
    assert ObjectReader.of('{"a":1}', "timetable") == ObjectReader({"a": 1}, "timetable")


# --- corrections ---


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"student_id": "x"},
            f"register {LESSON_ID}: student x is not on this register; see `edge-daemon register show`",
        ),
        (
            {"student_id": "guest"},
            f"register {LESSON_ID}: student guest was a guest in this lesson; see `edge-daemon register show`",
        ),
        ({"by": " "}, "--by NAME: who corrects is missing; say who corrects and why: it stays in the register"),
        ({"reason": ""}, "--reason TEXT: the reason is missing; say who corrects and why: it stays in the register"),
        ({"by": "x" * 501}, "--by NAME: who corrects has 501 characters; use 500 at most"),
        ({"reason": "x" * 600}, "--reason TEXT: the reason has 600 characters; use 500 at most"),
        ({"reason": "\udcff"}, "--reason TEXT: the reason is not valid UTF-8; check the terminal's character set"),
    ],
)
def test_a_correction_that_is_refused_says_why(change, line):
    with pytest.raises(RegisterError) as error:
        correct(REGISTER, **{"student_id": "c", "verdict": "present", "by": "T", "reason": "r", "at": START, **change})
    assert _line(error) == line


def test_five_hundred_characters_are_allowed():
    corrected = correct(REGISTER, "c", "present", by="x" * MAX_TEXT, reason="y" * MAX_TEXT, at=START)
    assert (len(corrected.corrections[0].by), len(corrected.corrections[0].reason)) == (500, 500)


# --- proofs ---

COMMITMENT = {
    "schema": 1,
    "kind": "commitment",
    "device": "room 1",
    "at": "2026-11-21T08:00:00Z",
    "plans": [],
    "previous_sha256": None,
    "ref": "the-ref",
}


def _refused(text: str, public_key: str | None = None) -> str:
    with pytest.raises(RegisterError) as error:
        prove_commitment(text, public_key)
    return _line(error)


def test_a_commitment_that_is_refused_says_why_and_which_one():
    text = signed(COMMITMENT, SIGNER)
    other = Signer(bytes(32)).public_key
    assert prove_commitment(text, None) == prove_commitment(text, SIGNER.public_key)
    assert _refused(canonical({**json.loads(text), "signature": None})) == "commitment the-ref: is not signed"
    assert _refused(text, other) == (
        f"commitment the-ref: was signed by another key (fingerprint {fingerprint(SIGNER.public_key)})"
    )
    changed = text.replace("room 1", "room 2")
    assert _refused(changed) == "commitment the-ref: was changed after it was signed: its signature does not hold"
    spaced = json.dumps(json.loads(text), sort_keys=True)
    assert _refused(spaced) == "commitment the-ref: was rewritten: it is not in the form in which devices write it"
    assert _refused(signed({**COMMITMENT, "kind": "promise"}, SIGNER)) == (
        "key kind: is not a commitment; check its origin"
    )
    assert _refused("[]") == "top level: is not a commitment; an object was expected"


def test_a_register_with_another_seed_is_refused():
    fields = json.loads(sign(REGISTER, None, SIGNER))
    assert prove_register(sign(REGISTER, None, SIGNER), None).sha256 == digest(sign(REGISTER, None, SIGNER))
    with pytest.raises(RegisterError) as error:
        prove_register(signed({**fields, "seed": "00" * 31 + "01"}, SIGNER), SIGNER.public_key)
    assert _line(error) == (f"register {LESSON_ID} revision 1: reveals a seed that does not match its SHA-256")


def test_another_key_is_named_with_the_device_that_used_it():
    other = Signer(bytes(32)).public_key
    for fields, device in ((COMMITMENT, "room 1"), ({**COMMITMENT, "device": 7}, "")):
        with pytest.raises(OtherKeyError) as error:
            signed_fields(signed(fields, SIGNER), [other], "commitment")
        assert (error.value.key, error.value.device) == (SIGNER.public_key, device)
    assert signed_fields(signed(COMMITMENT, SIGNER), [other, SIGNER.public_key])["device"] == "room 1"
    assert signed_fields(signed(COMMITMENT, SIGNER), None)["device"] == "room 1"
    with pytest.raises(OtherKeyError):
        signed_fields(signed(COMMITMENT, SIGNER), [])


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"ref": "x" * 200}, "commitment " + "x" * 80 + ": "),
        ({"lesson_id": "y" * 200, "revision": 3}, "register " + "y" * 80 + " revision 3: "),
        ({"lesson_id": "y", "revision": 0}, "register y revision 0: "),
        ({"lesson_id": "y", "revision": -1}, ""),
        ({"lesson_id": "y", "revision": 2**63}, f"register y revision {2**63}: "),
        ({"lesson_id": "y", "revision": 2**63 + 1}, ""),
        ({"lesson_id": "y", "revision": "1"}, ""),
        ({"lesson_id": 7, "revision": 1}, ""),
        ({"ref": 7}, ""),
        ({}, ""),
    ],
)
def test_a_document_is_named_as_far_as_it_names_itself(fields, where):
    with pytest.raises(RegisterError) as error:
        signed_fields(canonical(fields), None)
    assert _line(error) == f"{where}is not signed"


def test_a_digest_is_the_sha256_of_the_utf8_bytes_whatever_they_are():
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("é") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"
    assert len(digest("\ud83d")) == 64


# --- files ---


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("out.pdf", "{}/out.pdf: the ending '.pdf' is not known; use .xlsx, .csv or .json"),
        ("out", "{}/out: the name has no ending; use .xlsx, .csv or .json"),
        ("folder.csv", "{}/folder.csv: is a folder; name a file"),
        ("nowhere/out.csv", "{}/nowhere: there is no such folder; make it first"),
    ],
)
def test_a_place_that_nothing_can_be_written_to(tmp_path, name, line):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RegisterError) as error:
        check_output(tmp_path / name)
    assert _line(error) == line.format(tmp_path)


@pytest.mark.parametrize("name", ["out.xlsx", "out.CSV", "out.json"])
def test_a_place_that_can_be_written_to(tmp_path, name):
    check_output(tmp_path / name)


@pytest.mark.parametrize(
    ("error", "reason"), [(OSError(28, "No space left on device"), "No space left on device"), (OSError("odd"), "odd")]
)
def test_a_file_that_can_not_be_written_says_why(tmp_path, error, reason):
    def write(part):
        assert part.parent == tmp_path
        assert part.name.startswith(".out.")
        assert part.name.endswith(".part")
        raise error

    with pytest.raises(RegisterError) as caught:
        write_whole(tmp_path / "out.csv", write)
    assert _line(caught) == f"{tmp_path}/out.csv: can't be written: {reason}; check the folder and the disk"
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_any_length_can_be_written(tmp_path):
    path = tmp_path / ("x" * 245 + ".csv")
    write_whole(path, lambda part: part.write_text(part.name))
    assert path.read_text().startswith("." + "x" * 40 + ".")


def test_sightings_are_a_csv_file_that_only_its_owner_reads(tmp_path):
    sightings = [
        Sighting(0, "S1", 0.61234, True, Box(1, 2.25, 30.04, 40)),
        Sighting(1, "", 0.5, False, Box(1, 2, 3, 4)),
        Sighting(2, "", 0.5, False, Box(1, 2, 3, 4)),
    ]
    path = tmp_path / "out.csv"
    write_sightings(path, sightings, {0: "a.jpg", 1: "ü,.jpg", 2: "\udcfc.jpg"})  # the last is no UTF-8 on disk
    assert path.read_bytes().decode() == (
        "frame,student_id,similarity,x,y,w,h,attentive\r\n"
        "a.jpg,S1,0.6123,1.0,2.2,30.0,40.0,1\r\n"
        '"ü,.jpg",,0.5000,1.0,2.0,3.0,4.0,0\r\n'
        "\\udcfc.jpg,,0.5000,1.0,2.0,3.0,4.0,0\r\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_sightings_that_can_not_be_written_say_why(tmp_path):
    with pytest.raises(StoreError) as error:
        write_sightings(tmp_path / "nowhere" / "out.csv", [], {})
    line = f"{tmp_path}/nowhere/out.csv: can't be written: No such file or directory; choose another file"
    assert error.value.line() == line
