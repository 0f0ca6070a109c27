"""The signed note about removed registers: its content, and the notes that are refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.attendance.retention_note import LedgerGap, prove_retention_note, sign_retention_note
from edge_daemon.device.signing import Signer, signed
from edge_daemon.errors import RegisterError
from tests.registers import SIGNER

AT = datetime(2026, 11, 16, 7, 0, 5, 999_999, tzinfo=timezone.utc)
GAPS = (LedgerGap(7, "l-1", 1, "ab" * 32), LedgerGap(9, "l-2", 3, "cd" * 32))
BEFORE = "ef" * 32
NOT_SIGNED = "retention note: is not signed by this device; see docs/LEDGER.md"


def note() -> str:
    return sign_retention_note("room 204", AT, GAPS, BEFORE, SIGNER)


def signed_note(**changed: object) -> str:
    fields = {key: value for key, value in json.loads(note()).items() if key not in ("public_key", "signature")}
    return signed({**fields, **changed}, SIGNER)


def refusal(text: str, public_key: str | None = SIGNER.public_key) -> str:
    with pytest.raises(RegisterError) as error:
        prove_retention_note(text, public_key)
    return error.value.line()


def test_a_note_names_each_document_its_device_and_the_second_and_nothing_else():
    fields = json.loads(note())
    assert fields.pop("public_key") == SIGNER.public_key
    assert len(fields.pop("signature")) == 128
    assert fields == {
        "schema": 1,
        "kind": "retention",
        "device": "room 204",
        "at": "2026-11-16T07:00:05Z",
        "removed": [
            {"position": 7, "lesson_id": "l-1", "revision": 1, "sha256": "ab" * 32},
            {"position": 9, "lesson_id": "l-2", "revision": 3, "sha256": "cd" * 32},
        ],
        "previous_sha256": BEFORE,
    }


@pytest.mark.parametrize("previous_sha256", [None, BEFORE])
@pytest.mark.parametrize("gaps", [(), GAPS[:1], GAPS])
def test_a_signed_note_is_read_back(gaps, previous_sha256):
    text = sign_retention_note("room 204", AT + timedelta(days=1), gaps, previous_sha256, SIGNER)
    assert prove_retention_note(text, SIGNER.public_key) == (gaps, previous_sha256)


def test_a_note_that_was_changed_is_refused():
    assert refusal(note().replace('"revision":3', '"revision":4')) == NOT_SIGNED
    assert refusal(note().replace('"position":7', '"position":8')) == NOT_SIGNED


def test_a_note_of_another_device_is_refused_and_so_is_every_note_without_a_device_key():
    assert refusal(note(), Signer(bytes(32)).public_key) == NOT_SIGNED
    assert refusal(note(), None) == NOT_SIGNED


def test_a_note_in_another_form_is_refused():
    """Its digest would be another one, and the note after it names this digest."""
    assert refusal(note() + "\n") == NOT_SIGNED
    assert refusal(json.dumps(json.loads(note()))) == NOT_SIGNED


@pytest.mark.parametrize("kind", ["register", "Retention", ""])
def test_a_signed_document_of_another_kind_is_no_note(kind):
    line = "retention note: is not a note about removed registers; see docs/LEDGER.md"
    assert refusal(signed_note(kind=kind)) == line


@pytest.mark.parametrize(
    ("changed", "key", "expected"),
    [
        ({"kind": 3}, "kind", "a text"),
        ({"removed": None}, "removed", "a list of objects"),
        ({"previous_sha256": 3}, "previous_sha256", "a text"),
    ],
)
def test_a_signed_note_with_a_wrong_key_names_it(changed, key, expected):
    assert (
        refusal(signed_note(**changed)) == f"key {key}: is not a retention: {expected} was expected; check its origin"
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("position", "a whole number from 0 to 1000000"),
        ("revision", "a whole number from 0 to 1000000"),
        ("lesson_id", "a text"),
        ("sha256", "a text"),
    ],
)
def test_a_signed_note_with_a_wrong_key_of_a_document_names_it(key, expected):
    removed = [{**json.loads(note())["removed"][0], key: -1}]
    line = refusal(signed_note(removed=removed))
    assert line.startswith(f"key {key}: ")
    assert f"{expected} was expected" in line


def test_a_text_that_is_no_json_object_is_no_note():
    assert refusal("[]") == "top level: is not a retention; an object was expected"
