from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge_daemon.device.signing import Signer, canonical, fingerprint, is_signed_by, signed, verify

KEY = bytes(range(32))
SIGNER = Signer(KEY)
FIELDS = {"b": 1, "a": "Ünï 🎓", "public_key": "of somebody else", "signature": "old"}


def test_the_same_device_key_always_gives_the_same_signing_key():
    assert Signer(KEY).public_key == SIGNER.public_key
    assert Signer(KEY).sign("x") == SIGNER.sign("x")
    assert Signer(bytes(32)).public_key != SIGNER.public_key
    assert KEY.hex() not in SIGNER.public_key


def test_the_key_is_the_one_that_the_first_release_derived():
    """Another way to derive it would make every school's list of keys wrong."""
    assert SIGNER.public_key == "f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f"


def test_a_document_can_be_checked_with_the_public_key_alone():
    fields = json.loads(signed(FIELDS, SIGNER))
    unsigned = json.dumps(
        {**fields, "signature": None}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(SIGNER.public_key))
    key.verify(bytes.fromhex(fields["signature"]), unsigned)
    assert is_signed_by(fields, SIGNER.public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"b": 2},
        {"b": 1.0000001},
        {"b": float("nan")},
        {"b": "\ud800"},
        {"c": None},
        {"a": "Unï 🎓"},
        {"signature": None},
        {"signature": "zz"},
        {"signature": ""},
        {"signature": 7},
        {"signature": "ab" * 64},
        {"public_key": Signer(bytes(32)).public_key},
        {"public_key": None},
    ],
)
def test_whatever_is_changed_is_seen(change):
    fields = {**json.loads(signed(FIELDS, SIGNER)), **change}
    assert not is_signed_by(fields, SIGNER.public_key)


def test_a_document_signed_anew_by_another_device_is_not_of_this_one():
    fields = json.loads(signed(FIELDS, Signer(bytes(32))))
    assert is_signed_by(fields, Signer(bytes(32)).public_key)
    assert not is_signed_by(fields, SIGNER.public_key)


@pytest.mark.parametrize("key", ["", "ab", "zz" * 32, "00" * 31, "🎓"])
def test_an_invalid_key_verifies_nothing(key):
    assert verify(key, "x", SIGNER.sign("x")) is False


def test_the_text_is_canonical_whatever_the_order():
    assert canonical({"b": 1, "a": {"d": None, "c": [1, 0.5]}}) == '{"a":{"c":[1,0.5],"d":null},"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})


def test_a_fingerprint_can_be_read_out():
    assert len(fingerprint(SIGNER.public_key).split()) == 5
    assert fingerprint(SIGNER.public_key.upper()) == fingerprint(SIGNER.public_key)
    assert fingerprint(SIGNER.public_key) != fingerprint(Signer(bytes(32)).public_key)
