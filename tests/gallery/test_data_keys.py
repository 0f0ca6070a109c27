"""Sealed values open with the right key in the right place, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.device.key_slots import SlotKey
from edge_daemon.errors import GalleryError
from edge_daemon.gallery import data_keys

DEVICE_KEY = bytes(range(32))


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_sealed_data_opens_again(plain, student_id):
    key = data_keys.new_data_key()
    bound = data_keys.binding("fields", student_id)
    assert data_keys.open_sealed(key, data_keys.seal(key, plain, bound), bound) == plain


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_two_bindings_are_equal_only_for_equal_fields(left, right):
    assert (data_keys.binding("p", *left) == data_keys.binding("p", *right)) == (left == right)


def test_a_value_does_not_open_in_another_students_place():
    key = data_keys.new_data_key()
    sealed = data_keys.seal(key, b"vector", data_keys.binding("template", "S1"))
    with pytest.raises(GalleryError):
        data_keys.open_sealed(key, sealed, data_keys.binding("template", "S2"))


def test_one_flipped_bit_anywhere_is_noticed():
    key = data_keys.new_data_key()
    sealed = data_keys.seal(key, b"vector", b"")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(GalleryError):
            data_keys.open_sealed(key, bytes(changed), b"")


@pytest.mark.parametrize("length", [0, 5, 12, 27])
def test_a_value_cut_short_is_noticed(length):
    key = data_keys.new_data_key()
    with pytest.raises(GalleryError):
        data_keys.open_sealed(key, data_keys.seal(key, b"", b"")[:length], b"")


SLOT = SlotKey(3, b"s" * 32)


@pytest.mark.parametrize("slot", [None, SLOT])
def test_a_data_key_unwraps_for_its_student_and_device_only(slot):
    data_key = data_keys.new_data_key()
    wrapped = data_keys.wrap_key(DEVICE_KEY, data_key, "S1", slot)
    keys = {3: SLOT.key}.__getitem__
    assert data_keys.unwrap_key(DEVICE_KEY, wrapped, "S1", keys) == data_key
    with pytest.raises(GalleryError):
        data_keys.unwrap_key(DEVICE_KEY, wrapped, "S2", keys)
    with pytest.raises(GalleryError, match="device's key"):
        data_keys.unwrap_key(bytes(32), wrapped, "S1", keys)


def test_a_data_key_under_another_slot_key_or_another_number_does_not_unwrap():
    wrapped = data_keys.wrap_key(DEVICE_KEY, data_keys.new_data_key(), "S1", SLOT)
    assert data_keys.generation_of(wrapped) == SLOT.generation
    with pytest.raises(GalleryError):
        data_keys.unwrap_key(DEVICE_KEY, wrapped, "S1", {3: bytes(32)}.__getitem__)
    forged = (4).to_bytes(8, "big") + wrapped[8:]
    with pytest.raises(GalleryError):
        data_keys.unwrap_key(DEVICE_KEY, forged, "S1", {4: SLOT.key}.__getitem__)


def test_a_hashed_id_can_not_be_tried_without_the_device_key_and_an_old_hash_is_hashed_again():
    plain = data_keys.plain_fingerprint("S1")
    keyed = data_keys.student_hash(DEVICE_KEY, "S1")
    assert keyed != data_keys.student_hash(bytes(32), "S1")
    assert plain not in keyed
    assert data_keys.keyed(DEVICE_KEY, plain) == keyed == data_keys.keyed(DEVICE_KEY, keyed)


def test_sealing_twice_gives_different_bytes():
    assert data_keys.seal(DEVICE_KEY, b"same", b"") != data_keys.seal(DEVICE_KEY, b"same", b"")


def test_every_lesson_has_its_own_key():
    assert data_keys.lesson_key(DEVICE_KEY, "lesson-1") != data_keys.lesson_key(DEVICE_KEY, "lesson-2")
