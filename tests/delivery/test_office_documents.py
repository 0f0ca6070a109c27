"""The office's documents: accepted as a whole, or refused with the place of the error, never with the value."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.delivery.office_documents import parse_corrections, parse_excuses, parse_removals, parse_withdrawals
from edge_daemon.errors import DeliveryError

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
DOCS = Path(__file__).parents[2] / "docs"
GOOD = {
    "id": "2026-17",
    "lesson_id": "6f0c36a1-7f7b-5c4e-9d0e-0a1b2c3d4e5f",
    "student_id": "S1",
    "verdict": "present",
    "by": "Ms Weber",
    "reason": "was at the nurse's",
    "at": "2026-11-20T10:15:00Z",
}


def corrections(*entries: object, **top: object) -> bytes:
    return json.dumps({"schema": 1, "corrections": entries, **top}).encode()


def withdrawals(*student_ids: object, **top: object) -> bytes:
    return json.dumps({"schema": 1, "withdrawals": [{"student_id": i} for i in student_ids], **top}).encode()


def parsed(data: bytes):
    return parse_corrections(data, "room-204", NOW)


def refusal(data: bytes) -> str:
    with pytest.raises(DeliveryError) as caught:
        parsed(data)
    return caught.value.line()


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((DOCS / name).read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def test_corrections_are_read_with_author_reason_and_time():
    (one,) = parsed(corrections(GOOD, device="room-204", comment="keys of later versions are passed over"))
    assert (one.correction_id, one.lesson_id) == ("2026-17", GOOD["lesson_id"])
    correction = one.correction
    assert (correction.student_id, correction.verdict, correction.by) == ("S1", "present", "Ms Weber")
    assert correction.at == datetime(2026, 11, 20, 10, 15, tzinfo=timezone.utc)


def test_decisions_come_in_the_order_of_the_document_whatever_their_times():
    later = {**GOOD, "id": "b", "at": "2026-11-20T12:15:00+01:00"}
    latest = {**GOOD, "id": "c", "at": "2026-11-20T11:16:00Z"}
    assert [one.correction_id for one in parsed(corrections(latest, later, GOOD))] == ["c", "b", "2026-17"]


@pytest.mark.parametrize(("seconds", "is_taken"), [(299, True), (301, False)])
def test_a_decision_may_be_five_minutes_ahead(seconds, is_taken):
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    if is_taken:
        assert len(parsed(corrections({**GOOD, "at": at}))) == 1
    else:
        assert "in the future" in refusal(corrections({**GOOD, "at": at}))


def test_an_empty_list_is_a_list():
    assert parsed(corrections()) == ()
    assert parse_withdrawals(withdrawals(), "room-204") == ()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"lesson_id": "../../etc/passwd"}, "correction 1, lesson_id"),
        ({"verdict": "ill"}, "correction 1, verdict"),
        ({"by": "  "}, "correction 1, by"),
        ({"by": None}, "correction 1, by"),
        ({"reason": "x" * 501}, "has 501 characters"),
        ({"reason": "a\r\nBcc: b@c.example"}, "line break"),
        ({"reason": "\ud800"}, "can't be printed"),
        ({"student_id": "S1\u202e"}, "can't be printed"),
        ({"student_id": 7}, "correction 1, student_id"),
        ({"at": "yesterday"}, "correction 1, at"),
        ({"at": "2026-11-20T10:15:00"}, "correction 1, at"),
        ({"at": "2026-11-23T10:15:00Z"}, "in the future"),
        ({"id": ""}, "correction 1, id"),
        ({"id": "Anna Kowalska"}, "correction 1, id: letters, digits"),
    ],
)
def test_a_wrong_value_refuses_the_document_with_its_place(change, place):
    line = refusal(corrections({**GOOD, **change}))
    assert place in line
    assert line.startswith("corrections.json")
    assert "nothing was changed" in line


def test_a_refusal_never_repeats_a_value():
    for change in ({"student_id": "S1\nAnna"}, {"by": "Anna\n"}, {"verdict": "Anna"}, {"at": "Anna"}):
        assert "Anna" not in refusal(corrections({**GOOD, **change}))


def test_the_same_id_twice_is_refused_with_both_places():
    assert "correction 2: its id is that of correction 1" in refusal(corrections(GOOD, {**GOOD, "verdict": "absent"}))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "line 1, column 1: is not JSON"),
        (b"[]", "an object was expected"),
        (b"{}", "schema"),
        (b'{"schema": 2, "corrections": []}', "schema"),
        (b'{"schema": true, "corrections": []}', "schema"),
        (b'{"schema": 1}', "a list was expected"),
        (b'{"schema": 1, "corrections": [7]}', "correction 1: an object was expected"),
        (b'{"schema": 1, "corrections": [], "device": "room-205"}', "another device"),
        (b'{"schema": 1, "corrections": [], "corrections": []}', "twice"),
        (b'{"schema": 1, "corrections": [], "x": NaN}', "number"),
        # Python 3.10.4 has no limit for numbers yet, and refuses what else is wrong.
        (
            b'{"schema": 1, "x": ' + b"9" * 5000 + b"}",
            "number" if hasattr(sys, "set_int_max_str_digits") else "a list was expected",
        ),
        (b"[" * 500_000, "nests too deep"),
        (b'{"schema": 1, \xff}', "is not UTF-8"),
        (b'{"schema": 1, "corrections": [' + b"{}," * 5000 + b"{}]}", "at most 5000"),
    ],
)
def test_a_text_that_is_no_such_document_is_refused(data, what):
    assert what in refusal(data)


def test_too_many_corrections_of_one_lesson_are_refused():
    assert len(parsed(corrections(*({**GOOD, "id": f"{n}"} for n in range(200))))) == 200
    line = refusal(corrections(*({**GOOD, "id": f"{n}"} for n in range(201))))
    assert "has 201 corrections of one lesson, at most 200" in line


def test_withdrawals_are_ids_each_once():
    assert parse_withdrawals(withdrawals("S1", "S2", "S1"), "room-204") == ("S1", "S2")
    with pytest.raises(DeliveryError, match="withdrawal 2, student_id"):
        parse_withdrawals(withdrawals("S1", ""), "room-204")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_one_line(data):
    for parse in (parsed, lambda d: parse_withdrawals(d, "room-204")):
        with contextlib.suppress(DeliveryError):
            assert isinstance(parse(data), tuple)


@pytest.mark.parametrize(
    "good", [corrections(GOOD), corrections(), corrections({**GOOD, "at": "2026-11-20T10:15:00+01:00"})]
)
def test_the_schema_takes_what_the_device_takes(good):
    validator("corrections.schema.json").validate(json.loads(good))
    parsed(good)


@pytest.mark.parametrize("key", [*GOOD])
def test_schema_and_device_refuse_alike(key):
    without = {k: v for k, v in GOOD.items() if k != key}
    for data in (corrections(without), corrections({**GOOD, key: "\n"}), corrections({**GOOD, key: 7})):
        with pytest.raises(jsonschema.ValidationError):
            validator("corrections.schema.json").validate(json.loads(data))
        refusal(data)


def test_the_schema_of_withdrawals_takes_what_the_device_takes():
    validator("withdrawals.schema.json").validate(json.loads(withdrawals("S1")))
    with pytest.raises(jsonschema.ValidationError):
        validator("withdrawals.schema.json").validate(json.loads(withdrawals("S1", "")))


def test_the_examples_of_the_page_are_taken_as_they_stand():
    page = (DOCS / "PULL.md").read_text("utf-8")
    first, excuses, second, third = (block.encode() for block in re.findall(r"```json\n(.*?)```", page, re.S))
    assert parsed(first)[0].correction.student_id == "S1042"
    (excuse,) = parse_excuses(excuses, "room-204", NOW).excuses
    assert excuse == ("S1042", date(2026, 11, 20), date(2026, 11, 21))
    assert parse_withdrawals(second, "room-204") == ("S1042", "S1077")
    assert parse_removals(third, "room-204") == ("S1042",)
    validator("removals.schema.json").validate(json.loads(third))


def test_a_clock_that_is_a_little_fast_at_the_office_is_no_future():
    at = (NOW + timedelta(minutes=4)).isoformat()
    assert len(parsed(corrections({**GOOD, "at": at}))) == 1


CONFIRMATION = {
    "id": "h1",
    "lesson_id": "6f0c36a1-7f7b-5c4e-9d0e-0a1b2c3d4e5f",
    "confirm": "not_held",
    "by": "Office",
    "at": "2026-11-20T10:00:00Z",
}


def test_a_confirmation_is_read_and_is_what_the_schema_says():
    (one,) = parsed(corrections(CONFIRMATION))
    assert (one.correction_id, one.confirmation.held, one.confirmation.by) == ("h1", False, "Office")
    schema = json.loads((Path(__file__).parents[2] / "docs" / "corrections.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate({"schema": 1, "corrections": [CONFIRMATION]})
    for bad in ({"confirm": "maybe"}, {"student_id": "S1"}, {"by": ""}, {"verdict": "absent"}):
        assert not validator.is_valid({"schema": 1, "corrections": [{**CONFIRMATION, **bad}]}), bad


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confirm": "maybe"}, "confirm: expected one of held, not_held"),
        ({"confirm": None}, "confirm: a text was expected"),
        ({"student_id": "S1"}, "student_id: an entry that confirms a lesson is about no single student"),
        ({"by": ""}, "by: a text was expected"),
        ({"at": "tomorrow"}, "at: a time like"),
    ],
)
def test_a_confirmation_with_a_mistake_is_refused_with_its_place(change, message):
    assert message in refusal(corrections({**CONFIRMATION, **change}))
