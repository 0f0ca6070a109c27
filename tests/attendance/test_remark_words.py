"""The exact remarks on doubtful marks, and the parts of the rule that the settings do not name."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from fractions import Fraction

import pytest

from edge_daemon.attendance.remarks import remark
from edge_daemon.attendance.rule import LessonSummary, Rule, decide, is_borderline, rule_of
from edge_daemon.attendance.sheets import SheetEntry
from edge_daemon.config import RuleConfig
from edge_daemon.types import Correction, Tally, Verdict

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=timezone.utc)
WORDS = {
    "borderline": "close to the limit: chance may have decided",
    "look_alike": "looks like another student",
    "static_face": "the face hardly moved: a picture of the student?",
    "clock": "the device's time was wrong",
    "few_captures": "too few pictures were taken",
    "late": "came late",
    "left_early": "left early",
    "resembles": "somebody resembles this student; it is not sure who it is",
    "face_hidden": "a face that can't be read was at this student's seat",
    "poor_photographs": "the enrolment photographs are poor",
}
COUNTED = "facing the class in 42 pictures (46%)"


def _entry(verdict: str, *flags: str, corrected: bool = False) -> SheetEntry:
    correction = Correction("s", "present", "T", "why", NOON) if corrected else None
    return SheetEntry(Verdict(Tally("s", 50, 42, NOON, NOON), 0.4567, verdict, flags), correction)


@pytest.mark.parametrize("verdict", ["present", "absent"])
@pytest.mark.parametrize("flag", ["borderline", "look_alike", "static_face"])
def test_a_remark_on_a_doubt_has_the_count(verdict, flag):
    assert remark(_entry(verdict, flag)) == f"{WORDS[flag]}\n{COUNTED}"


@pytest.mark.parametrize("flag", WORDS)
def test_beside_a_doubt_every_flag_has_its_words(flag):
    lines = remark(_entry("present", "borderline", *({flag} - {"borderline"}))).splitlines()
    assert lines == [*dict.fromkeys([WORDS["borderline"], WORDS[flag]]), COUNTED]


@pytest.mark.parametrize("verdict", ["inconclusive", "not_assessed"])
def test_an_undecided_verdict_needs_no_remark(verdict):
    assert remark(_entry(verdict, "borderline", "clock")) == ""


def test_late_alone_is_no_doubt():
    assert remark(_entry("present", "late", "left_early")) == remark(_entry("present")) == ""


def test_a_correction_comes_first_and_always_has_the_count():
    assert remark(_entry("not_assessed", "late", "corrected", corrected=True)) == (
        f"Corrected by T, 2026-11-16: why\ncame late\n{COUNTED}"
    )


# --- the rule ---


def test_half_of_the_planned_captures_and_a_quarter_of_the_students_are_the_rules_own():
    assert (Rule(Fraction(2, 5)).min_captures_share, Rule(Fraction(2, 5)).unusual_share) == (
        Fraction(1, 2),
        Fraction(1, 4),
    )


@pytest.mark.parametrize(
    ("taken", "planned", "decided"), [(2, 4, True), (1, 3, False), (49, 100, False), (50, 100, True)]
)
def test_exactly_half_of_the_planned_captures_is_enough(taken, planned, decided):
    taken_at = tuple(NOON + timedelta(seconds=n) for n in range(taken))
    lesson = LessonSummary(NOON, NOON + timedelta(minutes=45), taken_at, planned, time_trusted=True)
    (verdict,) = decide([Tally("s", taken, taken, taken_at[0], taken_at[-1])], Rule(Fraction(2, 5)), lesson)
    assert (verdict.verdict == "present") == decided
    assert ("few_captures" in verdict.flags) == (not decided)


def test_the_settings_name_the_unusual_share():
    assert rule_of(RuleConfig(unusual_share=0.1)).unusual_share == Fraction(1, 10)


@pytest.mark.parametrize("frames", [0, 1])
def test_a_single_capture_is_always_borderline(frames):
    assert is_borderline(frames, 1, Fraction(2, 5)) is True
