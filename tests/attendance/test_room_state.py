"""A lesson in which hardly anybody was recognised: nobody is absent before the office has said that it was held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from edge_daemon.attendance.confirmation import confirm
from edge_daemon.attendance.doubt import awaits_confirmation, counts, is_cancelled, reaches_families
from edge_daemon.attendance.register import correct
from edge_daemon.attendance.room_state import is_shared, is_unusual, unusual_flag
from edge_daemon.attendance.sheets import sheet_entries
from edge_daemon.attendance.term import events_of
from edge_daemon.errors import RegisterError
from edge_daemon.types import Box, Confirmation, Register, Sighting, Tally
from tests.registers import START, a_lesson, a_register

QUARTER = Fraction(1, 4)
HELD = Confirmation(held=True, by="Office", at=START + timedelta(hours=2))
NOT_HELD = Confirmation(held=False, by="Office", at=START + timedelta(hours=2))


def tallies(*captures_seen: int) -> list[Tally]:
    return [Tally(f"S{n}", seen, seen, None, None) for n, seen in enumerate(captures_seen)]


@pytest.mark.parametrize(
    ("seen", "unusual"),
    [
        ([0] * 20, True),
        ([100] * 4 + [0] * 16, True),
        ([100] * 5 + [0] * 15, False),
        ([19] * 20, True),
        ([20] * 5 + [0] * 15, False),
        ([0, 0, 0, 0], True),
        ([100, 0, 0, 0], False),
        ([100, 0, 0, 0, 0], True),
        ([100, 100, 0, 0, 0], False),
        ([], False),
    ],
)
def test_unusual_is_a_lesson_with_fewer_than_a_quarter_of_its_students(seen, unusual):
    found = tallies(*seen)
    assert is_unusual(found, {t.student_id for t in found}, 100, QUARTER) is unusual


@pytest.mark.parametrize(("captures", "seen", "unusual"), [(6, 1, True), (6, 2, False), (2, 1, False), (1, 1, False)])
def test_in_few_captures_a_single_face_is_no_student(captures, seen, unusual):
    found = tallies(*[seen] * 20)
    assert is_unusual(found, {t.student_id for t in found}, captures, QUARTER) is unusual


@pytest.mark.parametrize(
    ("students", "others", "shared"),
    [
        ([90] * 6, [95] * 6, True),
        ([100] * 6, [85] * 6, False),  # fewer than students
        ([80] * 10, [95] * 4, False),
        ([90, 90], [95, 95], False),  # two posters, or two guests
        ([], [95] * 6, True),
        ([90] * 2, [40] * 4, False),  # seldom there
    ],
)
def test_a_room_is_shared_with_another_class_where_as_many_others_are_there(students, others, shared):
    everybody = [*((f"S{n}", seen) for n, seen in enumerate(students)), *(("", seen) for seen in others)]
    sightings = [Sighting(slot, who, 0.5, True, Box(0, 0, 9, 9)) for who, seen in everybody for slot in range(seen)]
    assert is_shared(sightings, {f"S{n}" for n in range(12)}, 100, QUARTER) is shared
    assert not is_shared(sightings, {f"S{n}" for n in range(12)}, 100, Fraction(0))
    assert not is_shared([], set(), 0, QUARTER)


@pytest.mark.parametrize(
    ("class_size", "others", "of_students", "shared"),
    [
        *((12, 900, 1000, True), (12, 899, 1000, False)),  # nine of ten: as many others as students
        *((12, 300, 0, True), (12, 299, 0, False)),  # three in each of 100 captures, at least
        *((40, 1000, 0, True), (40, 999, 0, False)),  # a quarter of a large class
    ],
)
def test_the_limits_of_a_shared_room(class_size, others, of_students, shared):
    sightings = [Sighting(0, who, 0.5, True, Box(0, 0, 9, 9)) for who in ["S1"] * of_students + [""] * others]
    assert is_shared(sightings, {f"S{n}" for n in range(class_size)}, 100, QUARTER) is shared


def test_classmates_without_consent_are_no_other_class():
    sightings = faces("", 10, 8)
    for student in range(6):
        sightings += faces(f"S{student}", 10, 1)
    ids, assessed = {f"S{n}" for n in range(14)}, {f"S{n}" for n in range(6)}
    assert is_shared(sightings, ids, 10, QUARTER)
    assert not is_shared(sightings, ids, 10, QUARTER, assessed=assessed)
    assert is_shared([*sightings, *faces("", 10, 6)], ids, 10, QUARTER, assessed=assessed)


def test_only_those_who_are_not_assessed_are_seen_as_strangers():
    """Two of 14 are assessed: eight strangers a capture may all be classmates."""
    sightings = [*faces("", 10, 8), *faces("S0", 10, 1), *faces("S1", 10, 1)]
    ids = {f"S{n}" for n in range(14)}
    assert is_shared(sightings, ids, 10, QUARTER)
    assert not is_shared(sightings, ids, 10, QUARTER, assessed={"S0", "S1"})


def test_students_who_can_not_be_recognised_are_not_expected():
    found = tallies(*[100] * 5, *[0] * 15)
    assert not is_unusual(found, {f"S{n}" for n in range(10)}, 100, QUARTER)
    assert not is_unusual(found, set(), 100, QUARTER)


def test_a_share_of_zero_turns_it_off_and_without_captures_nothing_is_unusual():
    found = tallies(*[0] * 20)
    ids = {t.student_id for t in found}
    assert not is_unusual(found, ids, 100, Fraction(0))
    assert not is_unusual(found, ids, 0, QUARTER)


def faces(who: str, captures: int, each: int) -> list[Sighting]:
    return [Sighting(slot, who, 0.4, True, Box(0, 0, 40, 44)) for slot in range(captures) for _ in range(each)]


@pytest.mark.parametrize(("others", "flag"), [(0, "room_empty"), (4, "room_empty"), (5, "unusual_class")])
def test_many_other_faces_are_another_class(others, flag):
    ids = [f"S{n}" for n in range(20)]
    assert unusual_flag(faces("", 10, others), ids, 10, QUARTER) == flag
    assert unusual_flag(faces("guest", 10, others), ids, 10, QUARTER) == flag


def test_two_posters_are_no_class_where_the_course_is_small():
    assert unusual_flag(faces("", 10, 2), ["S0", "S1", "S2"], 10, QUARTER) == "room_empty"


def unusual(flags=("room_empty",)) -> Register:
    """Return the register of an empty room: a was there, b and c were not, d has no template."""
    register, _ = a_register(a_lesson(), {"a": 1.0, "b": 0.0, "c": 0.35, "d": 0.0}, not_assessed=["d"])
    verdicts = tuple(replace(v, verdict="inconclusive") if v.verdict == "absent" else v for v in register.verdicts)
    return replace(register, verdicts=verdicts, register_flags=flags)


def verdicts(register: Register) -> list[str]:
    return [v.verdict for v in register.verdicts]


def test_a_lesson_confirmed_as_held_has_the_verdicts_of_the_rule():
    new = confirm(unusual(), HELD)
    assert (new.revision, new.confirmed) == (2, HELD)
    assert verdicts(new) == ["present", "absent", "absent", "not_assessed"]
    assert reaches_families(new)


@pytest.mark.parametrize("flag", ["view_changed", "too_dark", "too_blurred", "glare", "covered"])
def test_a_lesson_confirmed_as_held_makes_no_student_absent_whom_the_device_could_not_have_seen(flag):
    new = confirm(unusual(("room_empty", flag)), HELD)
    assert verdicts(new) == ["present", "inconclusive", "inconclusive", "not_assessed"]


def test_a_lesson_confirmed_as_not_held_is_cancelled_and_counts_nowhere():
    new = confirm(unusual(), NOT_HELD)
    assert verdicts(new) == ["present", "inconclusive", "inconclusive", "not_assessed"]
    assert is_cancelled(new)
    assert not reaches_families(new)
    assert not counts(new)
    assert sheet_entries(new) == {}
    assert list(events_of(new, START.tzinfo)) == []


def test_a_lesson_confirmed_as_not_held_has_no_absences_until_it_is_confirmed_as_held():
    usual, _ = a_register(a_lesson(), {"a": 1.0, "b": 0.0})
    corrected = correct(usual, "a", "absent", by="T", reason="was a twin", at=START)
    cancelled = confirm(corrected, NOT_HELD)
    assert verdicts(cancelled) == ["inconclusive", "inconclusive"]
    assert verdicts(confirm(cancelled, HELD)) == ["absent", "absent"]


def test_the_same_word_by_the_same_person_is_no_revision_and_another_word_is():
    new = confirm(unusual(), HELD)
    assert confirm(new, replace(HELD, at=START + timedelta(hours=9))) is new
    assert confirm(new, replace(HELD, by=" Office ")) is new
    assert confirm(new, replace(HELD, by="Head")).revision == 3
    assert confirm(new, NOT_HELD).revision == 3


def test_in_a_lesson_that_was_not_held_no_student_becomes_absent():
    cancelled = confirm(unusual(), NOT_HELD)
    with pytest.raises(RegisterError, match="was not held"):
        correct(cancelled, "b", "absent", by="T", reason="x", at=START)
    assert correct(cancelled, "b", "present", by="T", reason="x", at=START).revision == 3


def test_a_confirmation_without_a_name_is_refused():
    with pytest.raises(RegisterError, match="who confirms"):
        confirm(unusual(), replace(HELD, by=" "))


def test_an_unusual_lesson_waits_for_the_office_and_a_dark_corner_does_not():
    assert awaits_confirmation(unusual())
    assert awaits_confirmation(unusual(("view_changed",)))
    assert not awaits_confirmation(unusual(("too_dark",)))
    assert counts(unusual()) == {"present": 1, "to_confirm": 2, "not_assessed": 1}


@pytest.mark.parametrize(
    ("flag", "waits", "could_be_seen"),
    [
        *(("room_empty", True, True), ("unusual_class", True, True), ("not_in_timetable", True, True)),
        *(("view_changed", True, False), ("too_dark", False, False), ("too_blurred", False, False)),
        *(("glare", False, False), ("covered", False, False)),
    ],
)
def test_each_flag_of_a_lesson_says_whether_the_office_is_asked_and_whether_anybody_could_be_seen(
    flag, waits, could_be_seen
):
    lesson = unusual((flag,))
    assert awaits_confirmation(lesson) is waits
    assert reaches_families(lesson) is not waits
    assert verdicts(confirm(lesson, HELD))[1] == ("absent" if could_be_seen else "inconclusive")


def test_a_register_without_its_rule_gets_no_verdicts_made_up():
    assert verdicts(confirm(replace(unusual(), rule=None), HELD)) == verdicts(unusual())
