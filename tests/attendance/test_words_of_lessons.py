"""The texts about a lesson and a correction, word for word, and the distance of a student from the rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import get_args

import pytest

from edge_daemon.attendance.reason_codes import OTHER, REASONS, code_and_note, coded, in_words, misspelt_code
from edge_daemon.attendance.register import correct
from edge_daemon.attendance.room_state import FLAG_MEANS, UNUSUAL, is_unusual, unusual_flag
from edge_daemon.attendance.rule import LessonSummary, Rule, decide, distance_to_rule, needed_captures
from edge_daemon.attendance.schema3 import student_fields
from edge_daemon.attendance.sheets import MARKS, Column, arrange, column_note, lesson_state
from edge_daemon.attendance.tally import unknown_faces
from edge_daemon.errors import RegisterError
from edge_daemon.traits import MaskCounts
from edge_daemon.types import Box, Confirmation, Correction, Register, RegisterFlag, Sighting, Tally
from tests.registers import START, a_lesson, a_register

REGISTER, _ = a_register(a_lesson(), {"a": 1.0, "b": 0.0})
HELD = Confirmation(held=True, by="Office", at=START)
NOT_HELD = replace(HELD, held=False)
UNUSUAL_WORDS = "unusual (room empty): nobody has said whether it was held"


def _register(*flags: str, confirmed: Confirmation | None = None) -> Register:
    return replace(REGISTER, register_flags=flags, confirmed=confirmed)


# --- reasons of corrections ---


def test_the_codes_and_their_words_are_these():
    assert {code: in_words(code) for code in REASONS} == {
        "not_recognised": "was there and was not recognised",
        "not_there": "was not there",
        "mistaken_identity": "was taken for somebody else",
        "came_late": "came late",
        "left_early": "left early",
        "excused": "is excused",
        "confirmed": "was looked at, and is right",
        "other": "for another reason",
    }
    assert OTHER == "other"


@pytest.mark.parametrize(
    ("reason", "code", "note"),
    [
        *((code, code, "") for code in REASONS),
        (" Came late\n", "came_late", ""),
        ("LEFT-EARLY", "left_early", ""),
        ("not_there yet", "other", "not_there yet"),
        (" Sat behind a Pillar ", "other", "Sat behind a Pillar"),
    ],
)
def test_free_words_become_the_code_other_and_a_note(reason, code, note):
    assert code_and_note(reason) == (code, note)
    correction = Correction("a", "present", "T", reason, START)
    assert coded(correction) == replace(correction, reason=code, reason_code=code)


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        *((code, None) for code in REASONS),
        ("not_recognized", "not_recognised"),
        (" Not-Recognized ", "not_recognised"),
        ("lft-erly", "left_early"),
        ("excuse", "excused"),
        ("not recognized", None),
        ("mother", None),
        ("ill", None),
        ("excursion", None),
    ],
)
def test_a_word_like_a_code_is_a_misspelt_code(reason, meant):
    assert misspelt_code(reason) == meant


def test_a_correction_that_has_a_code_stays_as_it_is():
    correction = Correction("a", "present", "T", "in the words of then", START, "came_late")
    assert coded(correction) is correction


def test_a_reason_code_has_its_text_and_texts_of_an_earlier_release_stay():
    assert in_words("excused") == "is excused"
    assert in_words("sat behind a pillar") == "sat behind a pillar"


def test_the_code_stands_in_the_correction():
    new = correct(REGISTER, "b", "present", by="T", reason="came_late", at=START, reason_code="came_late")
    assert new.corrections == (Correction("b", "present", "T", "came_late", START, "came_late"),)


def test_nobody_is_absent_from_a_lesson_that_was_not_held():
    register = _register(confirmed=NOT_HELD)
    with pytest.raises(RegisterError) as error:
        correct(register, "a", "absent", by="T", reason="r", at=START)
    assert error.value.line() == (
        f"register {register.lesson.lesson_id}: the office said that the lesson was not held, so nobody is absent;"
        " if it was held after all, use `edge-daemon register confirm --held` first"
    )
    assert correct(register, "b", "present", by="T", reason="r", at=START).revision == 2
    assert correct(_register(confirmed=HELD), "a", "absent", by="T", reason="r", at=START).revision == 2


# --- what a lesson is called ---


@pytest.mark.parametrize(
    ("register", "words"),
    [
        (_register(), ""),
        (_register("too_dark", "few_students"), "too dark, few students"),
        (_register("room_empty"), UNUSUAL_WORDS),
        (_register(confirmed=HELD), "held, said Office"),
        (_register(confirmed=NOT_HELD), "not held, said Office"),
        (_register("room_empty", "too_dark", confirmed=NOT_HELD), "not held, said Office (room empty, too dark)"),
    ],
)
def test_the_state_of_a_lesson_says_why_it_is_unusual_and_what_the_office_confirmed(register, words):
    assert lesson_state(register) == words
    note = f"{REGISTER.lesson.lesson_id}\n20 of 20 captures\n{words}" if words else ""
    assert column_note(register) == note
    (sheet,) = arrange([register], {}, START.tzinfo, "week")
    assert [column.note for column in sheet.columns] == [note]


def test_a_column_needs_no_note():
    assert Column(REGISTER.lesson, START, START, 1, 1).note == ""


def test_the_marks_of_verdicts():
    assert dict(MARKS) == {"present": "P", "absent": "A", "inconclusive": "?", "not_assessed": "–"}


def test_these_lessons_wait_for_the_office():
    assert frozenset({"room_empty", "unusual_class", "view_changed", "not_in_timetable"}) == UNUSUAL


def test_the_flags_of_a_lesson_in_words():
    assert dict(FLAG_MEANS) == {
        "room_empty": "hardly any faces were there",
        "unusual_class": "many other people were there",
        "view_changed": "the camera's view has changed: check whether the camera was turned",
        "too_dark": "a part of the room is too dark",
        "too_blurred": "the picture is blurred: look at the lens",
        "glare": "a part of the room is lost in glare",
        "covered": "a part of the room may be covered, or is bare behind an empty seat: look at the lens",
        "not_in_timetable": "the timetable called it off, or lost it",
    }
    assert set(FLAG_MEANS) == set(get_args(RegisterFlag))


# --- whether a lesson is unusual ---


def _unusual(seen: tuple[int, ...], captures: int, share: Fraction) -> bool:
    tallies = [Tally(f"S{n}", one, one, None, None) for n, one in enumerate(seen)]
    return is_unusual(tallies, {t.student_id for t in tallies}, captures, share)


@pytest.mark.parametrize(
    ("seen", "captures", "share", "unusual"),
    [
        ((0, 0, 0), 100, Fraction(0), False),  # switched off
        ((1, 1, 1, 1, 1), 3, Fraction(1, 4), True),  # two of three captures are enough
        ((2, 2, 2, 2, 2), 3, Fraction(1, 4), False),
        ((100, 0, 0, 0), 100, Fraction(1, 2), False),  # a small course: one is enough, whatever the share
    ],
)
def test_the_limits_of_an_unusual_lesson(seen, captures, share, unusual):
    assert _unusual(seen, captures, share) is unusual


@pytest.mark.parametrize(("others", "flag"), [(2, "room_empty"), (3, "unusual_class")])
def test_three_others_in_a_picture_are_a_class(others, flag):
    sightings = [Sighting(0, "", 0.0, True, Box(100 * n, 0, 9, 9)) for n in range(others)]
    assert unusual_flag(sightings, {"a", "b"}, 1, Fraction(1, 4)) == flag


def test_unknown_faces_are_counted_and_known_ones_are_not():
    faces = [Sighting(0, name, 0.0, True, Box(0, 0, 9, 9)) for name in ("a", "b", "c", "")]
    faces += [Sighting(1, "", 0.0, True, Box(0, 0, 9, 9))] * 2
    assert unknown_faces(faces) == 2
    assert unknown_faces(faces[:3]) == 0


# --- the distance to the rule ---


@pytest.mark.parametrize(("captures", "needed"), [(20, 8), (21, 9), (0, 0), (1, 1)])
def test_how_many_captures_the_rule_asks_for(captures, needed):
    assert needed_captures(Fraction(2, 5), captures) == needed


def test_the_distance_to_the_rule_is_a_number_of_captures_or_unknown():
    present, absent = REGISTER.verdicts
    assert (distance_to_rule(REGISTER, present), distance_to_rule(REGISTER, absent)) == (12, -8)
    assert distance_to_rule(replace(REGISTER, rule=None), present) is None
    assert distance_to_rule(replace(REGISTER, captures_taken=0), present) is None
    assert distance_to_rule(REGISTER, replace(present, verdict="not_assessed")) is None


@pytest.mark.parametrize(("attentive", "verdict"), [(0, "inconclusive"), (20, "present")])
def test_a_student_who_could_not_be_seen_is_not_absent_and_may_be_present(attentive, verdict):
    taken_at = tuple(START + timedelta(minutes=n) for n in range(20))
    lesson = LessonSummary(START, START + timedelta(minutes=20), taken_at, 20, time_trusted=True)
    seen = Tally("a", attentive, attentive, taken_at[0], taken_at[-1])
    (found,) = decide([seen], Rule(Fraction(2, 5)), lesson, not_seeable={"a"})
    assert found.verdict == verdict


def test_a_probability_has_four_decimals_in_a_document():
    (verdict, _) = REGISTER.verdicts
    assert student_fields(replace(verdict, probability=0.123456))["probability"] == 0.1235


def test_masks_of_the_room_stand_in_the_note_and_say_nobody_is_unusual():
    register = replace(_register(), mask=MaskCounts(none=3, right=20, wrong=1, undecided=2))
    head = f"{REGISTER.lesson.lesson_id}\n20 of 20 captures\n"
    assert lesson_state(register) == ""
    assert column_note(register) == f"{head}masks in the room: 3 none, 20 right, 1 wrong, 2 undecided"
    assert column_note(replace(register, register_flags=("too_dark",))).startswith(f"{head}too dark\nmasks in the room")
