"""A key that can be destroyed: it is in one place of one file, and after any power cut one of the two keys exists."""

from __future__ import annotations

import os
import stat

import pytest

from edge_daemon.device.key_slots import SLOT_BYTES, SLOTS, KeySlots
from edge_daemon.errors import KeyFileError


@pytest.fixture
def slots(tmp_path) -> KeySlots:
    return KeySlots(tmp_path / "gallery.keys")


def generations(slots: KeySlots) -> list[int]:
    return [one.generation for one in slots.keys()]  # noqa: SIM118 - not a mapping


def test_nothing_is_made_by_looking(slots):
    assert slots.keys() == ()
    assert slots.destroy_others(1) == 0
    assert slots.in_place() is None
    assert list(slots.path.parent.iterdir()) == []


def test_a_key_is_for_its_owner_only_and_the_file_never_grows(slots):
    first = slots.add(keep=0)
    assert slots.key(1) == first.key
    assert len(first.key) == 32
    assert stat.S_IMODE(slots.path.stat().st_mode) == 0o600
    assert slots.path.stat().st_size == SLOTS * SLOT_BYTES
    for _ in range(3):
        added = slots.add(keep=slots.keys()[0].generation)
        slots.destroy_others(added.generation)
    assert slots.path.stat().st_size == SLOTS * SLOT_BYTES
    assert [path.name for path in slots.path.parent.iterdir()] == ["gallery.keys"]


def test_the_next_key_takes_the_free_slot_and_the_old_one_goes_where_it_lay(slots):
    first = slots.add(keep=0)
    inode = slots.path.stat().st_ino
    second = slots.add(keep=1)
    assert generations(slots) == [2, 1]
    assert slots.destroy_others(2) == 1
    assert generations(slots) == [2]
    assert first.key not in slots.path.read_bytes()
    assert second.key in slots.path.read_bytes()
    assert slots.path.stat().st_ino == inode
    assert slots.destroy_others(2) == 0
    with pytest.raises(KeyFileError, match="generation 1: it was destroyed"):
        slots.key(1)


def test_adding_again_after_a_cut_never_takes_the_slot_in_use(slots):
    added = slots.add(keep=0)
    for _ in range(4):
        slots.add(keep=1)
        assert slots.key(1) == added.key
    assert generations(slots) == [5, 1]


@pytest.mark.parametrize("torn_at", [1, 8, 16, 40, 79, 80])
def test_a_torn_write_of_a_slot_costs_that_slot_only(slots, torn_at):
    first = slots.add(keep=0)
    before = slots.path.read_bytes()
    second = slots.add(keep=1)
    after = slots.path.read_bytes()
    torn = SLOT_BYTES + torn_at
    slots.path.write_bytes(after[:torn] + before[torn:])
    assert slots.key(1) == first.key
    whole = after[:torn] + before[torn:] == after
    assert generations(slots) == ([2, 1] if whole else [1])
    slots.destroy_others(1)
    assert second.key[: torn_at - 16] not in slots.path.read_bytes() or torn_at <= 16
    assert slots.path.read_bytes()[SLOT_BYTES:] == bytes(SLOT_BYTES)


@pytest.mark.parametrize("torn_at", [1, 20, 50, 80, 4000])
def test_a_torn_destruction_leaves_no_key_and_is_finished_the_next_time(slots, torn_at):
    first = slots.add(keep=0)
    slots.add(keep=1)
    content = slots.path.read_bytes()
    slots.path.write_bytes(bytes(torn_at) + content[torn_at:])
    assert generations(slots) == [2]
    assert slots.destroy_others(2) == 1 or torn_at >= 80
    assert not any(first.key[at : at + 8] in slots.path.read_bytes() for at in range(25))


def test_keys_to_keep_must_exist_before_others_are_destroyed(slots):
    slots.add(keep=0)
    with pytest.raises(KeyFileError, match="no key of generation 7"):
        slots.destroy_others(7)
    assert generations(slots) == [1]


def test_a_slot_that_can_not_be_written_is_one_line(slots, monkeypatch):
    slots.add(keep=0)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(KeyFileError, match=r"gallery\.keys: can't be written: No space left on device; check"):
        slots.add(keep=1)
    assert generations(slots) == [1]


def test_a_link_is_not_followed(slots, tmp_path):
    (tmp_path / "elsewhere").write_bytes(bytes(SLOTS * SLOT_BYTES))
    slots.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError):
        slots.add(keep=0)
    assert (tmp_path / "elsewhere").read_bytes() == bytes(SLOTS * SLOT_BYTES)
