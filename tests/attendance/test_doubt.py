"""Which verdicts a person should look at, and the bits of the captures in which somebody was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import get_args

import pytest

from edge_daemon.attendance.capture_map import bits_of, slots_of, with_capture_maps
from edge_daemon.attendance.doubt import WORTH_A_LOOK, needs_confirmation, reaches_families, standing
from edge_daemon.types import Box, CaptureMap, Flag, Sighting, Tally, Verdict
from tests.registers import a_lesson, a_register

DOUBTS = {"borderline", "look_alike", "static_face", "resembles", "face_hidden", "poor_photographs"}
NOON = datetime(2026, 11, 16, 12, 0, tzinfo=timezone.utc)


def _verdict(name: str, *flags: str, student_id: str = "s") -> Verdict:
    return Verdict(Tally(student_id, 50, 50, NOON, NOON), 0.5, name, flags)


@pytest.mark.parametrize("flag", [flag for flag in get_args(Flag) if flag != "corrected"])
def test_a_presence_is_doubtful_by_some_flags_and_an_absence_by_any(flag):
    assert needs_confirmation(_verdict("present", flag)) is (flag in DOUBTS)
    assert needs_confirmation(_verdict("absent", flag)) is True


def test_without_a_flag_there_is_no_doubt():
    assert needs_confirmation(_verdict("present")) is needs_confirmation(_verdict("absent")) is False
    assert WORTH_A_LOOK == DOUBTS


def test_an_inconclusive_verdict_needs_a_person_and_a_student_who_was_not_assessed_does_not():
    assert needs_confirmation(_verdict("inconclusive")) is True
    assert needs_confirmation(_verdict("inconclusive", "corrected")) is True
    assert needs_confirmation(_verdict("not_assessed", "borderline")) is False


@pytest.mark.parametrize(
    ("name", "flags", "expected"),
    [
        *(("present", (), "present"), ("present", ("borderline",), "to_confirm"), ("absent", (), "absent")),
        *(("absent", ("late",), "to_confirm"), ("absent", ("late", "corrected"), "absent")),
        *(("inconclusive", (), "to_confirm"), ("inconclusive", ("corrected",), "to_confirm")),
        *(("not_assessed", (), "not_assessed"), ("not_assessed", ("borderline",), "not_assessed")),
    ],
)
def test_a_verdict_counts_as_what_it_is_or_as_to_be_confirmed(name, flags, expected):
    assert standing(_verdict(name, *flags)) == expected


@pytest.mark.parametrize("name", ["present", "absent"])
def test_a_person_has_settled_what_is_corrected(name):
    assert needs_confirmation(_verdict(name, "borderline", "corrected")) is False


@pytest.mark.parametrize(
    ("origin", "clock", "reaches"),
    [
        *(("timetable", "synchronised", True), ("timetable", "unsynchronised", False)),
        *(("rehearsal", "synchronised", False), ("rehearsal", "unsynchronised", False)),
    ],
)
def test_families_get_mail_about_timetable_lessons_at_a_known_time_only(origin, clock, reaches):
    register, _ = a_register(a_lesson(origin=origin), {"a": 0.0})
    assert reaches_families(replace(register, clock=clock)) is reaches


# --- the map of captures ---


@pytest.mark.parametrize(
    ("slots", "captures", "bits"),
    [
        ((), 0, ""),
        ((), 1, "00"),
        ((0,), 1, "80"),
        ((7,), 8, "01"),
        ((), 9, "0000"),
        ((8,), 9, "0080"),
        ((0, 1, 7, 9, 15), 16, "c141"),
        (range(100), 100, "ff" * 12 + "f0"),
        ((99,), 100, "00" * 12 + "10"),
    ],
)
def test_a_slot_is_a_bit_from_the_highest_on(slots, captures, bits):
    assert bits_of(list(slots), captures).hex() == bits
    assert slots_of(bytes.fromhex(bits)) == set(slots)


def test_each_student_has_the_captures_in_which_he_was_seen_and_faced_the_class():
    box = Box(0, 0, 9, 9)
    sightings = [
        *(Sighting(slot, "a", 0.5, slot != 3, box) for slot in (0, 3, 9)),
        *(Sighting(slot, "b", 0.5, False, box) for slot in (1,)),
        Sighting(2, "", 0.5, True, box),
        Sighting(2, "guest", 0.5, True, box),
        Sighting(4, "n", 0.5, True, box),
    ]
    verdicts = [
        _verdict("present", student_id="a"),
        _verdict("absent", student_id="b"),
        _verdict("inconclusive", student_id="c"),
        _verdict("not_assessed", student_id="n"),
    ]
    mapped = with_capture_maps(verdicts, sightings, 10)
    assert [v.tally.student_id for v in mapped] == ["a", "b", "c", "n"]
    assert [v.captures for v in mapped] == [
        CaptureMap(bytes.fromhex("9040"), bytes.fromhex("8040")),
        CaptureMap(bytes.fromhex("4000"), bytes.fromhex("0000")),
        CaptureMap(bytes(2), bytes(2)),
        None,
    ]
    assert mapped[3] == verdicts[3]
