"""Which documents are accepted, and that every change of a document is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.attendance.document import Document, sign, to_json
from edge_daemon.attendance.proof import prove_commitment, prove_register
from edge_daemon.device.signing import Signer, canonical, signed
from edge_daemon.errors import RegisterError
from tests.registers import SIGNER, a_lesson, a_register

REGISTER, _ = a_register(a_lesson(), {"a": 1.0, "b": 0.0})
TEXT = sign(REGISTER, None, SIGNER)


def test_a_document_that_the_device_signed_is_accepted():
    proven = prove_register(TEXT, SIGNER.public_key)
    assert (proven.is_signed, proven.document.register.verdicts) == (True, REGISTER.verdicts)
    assert prove_register(TEXT, None).sha256 == proven.sha256


@given(st.integers(0, len(TEXT) - 1), st.characters(), st.sampled_from(["replace", "insert", "cut"]))
def test_no_single_character_can_be_changed(place, character, how):
    after = place + (how != "insert")
    text = TEXT[:place] + ("" if how == "cut" else character) + TEXT[after:]
    if text != TEXT:
        with pytest.raises(RegisterError):
            prove_register(text, SIGNER.public_key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*json.loads(TEXT), "kind", "plans", "at", "ref"]), JSON)
def test_a_text_that_is_no_register_is_refused_with_a_message_and_never_a_crash(key, value):
    text = json.dumps({**json.loads(TEXT), key: value})
    for prove in (prove_register, prove_commitment):
        with pytest.raises(RegisterError):
            prove(text, None)


@given(JSON)
def test_any_json_at_all_is_refused(value):
    for prove in (prove_register, prove_commitment):
        with pytest.raises(RegisterError):
            prove(json.dumps(value), None)


def test_a_key_that_a_later_release_adds_is_signed_with_the_rest():
    fields = json.loads(TEXT)
    later = signed({**fields, "weather": "rain"}, SIGNER)
    assert prove_register(later, SIGNER.public_key).document.register.verdicts == REGISTER.verdicts
    with pytest.raises(RegisterError, match="changed after it was signed"):
        prove_register(later.replace("rain", "snow"), SIGNER.public_key)


def test_half_a_signature_is_not_taken_for_a_release_that_did_not_sign():
    for change in ({"signature": None}, {"public_key": None}):
        with pytest.raises(RegisterError, match="is not signed"):
            prove_register(canonical({**json.loads(TEXT), **change}), None)
    assert prove_register(to_json(Document(REGISTER, None, None, None)), None).is_signed is False


def test_another_key_is_named_by_its_fingerprint():
    with pytest.raises(RegisterError, match="signed by another key"):
        prove_register(TEXT, Signer(bytes(32)).public_key)
