from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.attendance.doubt import needs_confirmation
from edge_daemon.attendance.rule import (
    LessonSummary,
    Rule,
    decide,
    interval,
    interval_with_identity,
    is_borderline,
    ordered,
    share_of,
)
from edge_daemon.attendance.tally import tally
from edge_daemon.types import Box, Resemblance, RoomSeat, Sighting, Tally
from tests.registers import RULE, START

END = START + timedelta(minutes=50)


def summary(taken=100, planned=None, trusted=True):
    taken_at = tuple(START + timedelta(minutes=50) * (slot + 0.5) / max(taken, 1) for slot in range(taken))
    return LessonSummary(START, END, taken_at, taken if planned is None else planned, trusted)


def tally_of(frames, seen=None, student_id="a"):
    """A tally of somebody who was there from start to end."""
    seen = frames if seen is None else seen
    return Tally(student_id, seen, frames, START if seen else None, END if seen else None)


def verdict_of(frames, taken=100, planned=None, trusted=True, **options):
    (verdict,) = decide([tally_of(frames)], RULE, summary(taken, planned, trusted), **options)
    return verdict


@pytest.mark.parametrize(
    ("frames", "taken", "verdict"),
    [
        *((39, 100, "absent"), (40, 100, "present"), (41, 100, "present"), (0, 100, "absent"), (100, 100, "present")),
        *((2, 5, "present"), (4, 10, "present"), (6, 15, "present"), (28, 70, "present"), (27, 70, "absent")),
        *((1, 1, "present"), (0, 1, "absent"), (36, 90, "present"), (35, 90, "absent")),
    ],
)
def test_forty_of_a_hundred_is_present(frames, taken, verdict):
    assert verdict_of(frames, taken).verdict == verdict
    assert verdict_of(frames, taken).share == frames / taken


def test_poor_photographs_are_a_doubt_also_when_the_office_says_that_an_unusual_lesson_was_held():
    questioned = verdict_of(0, poor_photographs={"a"}, not_seeable={"a"})
    assert (questioned.verdict, questioned.flags) == ("inconclusive", ("poor_photographs",))
    assert verdict_of(0, poor_photographs={"a"}, not_assessed={"a"}).flags == ()


def test_poor_photographs_make_an_absence_doubtful_and_no_presence():
    absent, present = (verdict_of(frames, poor_photographs={"a"}) for frames in (0, 90))
    assert absent.flags == ("poor_photographs",)
    assert needs_confirmation(absent)
    assert not present.flags


def test_the_probability_is_that_of_the_students_who_were_looked_for():
    assert verdict_of(90, probabilities={"a": 0.97}).probability == 0.97
    assert verdict_of(90).probability is None
    assert verdict_of(90, probabilities={"a": 0.97}, not_assessed={"a"}).probability is None


@pytest.mark.parametrize(
    ("frames", "probability", "low", "high"),
    [(90, 0.99, None, None), (90, 0.9, 0.0, None), (3, 0.01, None, None), (3, 0.4, None, 1.0), (3, None, None, None)],
)
def test_an_interval_is_wider_where_it_is_in_doubt_who_it_was(frames, probability, low, high):
    probabilities = None if probability is None else {"a": probability}
    found = interval_with_identity(verdict_of(frames, probabilities=probabilities), 100)
    own = interval(frames, 100)
    assert found == (own[0] if low is None else low, own[1] if high is None else high)


@given(st.integers(1, 100), st.integers(1, 5))
def test_exactly_the_share_is_present_and_one_less_is_not(percent, parts):
    taken = 100 * parts
    rule = Rule(share_of(percent / 100))
    at, below = decide([tally_of(percent * parts), tally_of(percent * parts - 1)], rule, summary(taken))
    assert at.verdict == "present"
    assert below.verdict == "absent"


def test_the_share_is_the_exact_fraction_of_the_written_number():
    assert share_of(0.4) == Fraction(2, 5)
    assert share_of(1.0) == 1
    assert share_of(1e-3) == Fraction(1, 1000)


def test_frames_attentive_decide_and_not_frames_seen():
    (verdict,) = decide([tally_of(30, seen=90)], RULE, summary())
    assert (verdict.verdict, verdict.share) == ("absent", 0.3)


@pytest.mark.parametrize(
    ("taken", "planned", "verdict"), [(49, 100, "inconclusive"), (50, 100, "present"), (1, 3, "inconclusive")]
)
def test_fewer_than_half_of_the_planned_captures_decide_nothing(taken, planned, verdict):
    decided = verdict_of(taken, taken, planned)
    assert decided.verdict == verdict
    assert ("few_captures" in decided.flags) == (verdict == "inconclusive")


@pytest.mark.parametrize("planned", [0, 100])
def test_no_capture_at_all_is_inconclusive_and_no_share(planned):
    decided = verdict_of(0, 0, planned)
    assert (decided.verdict, decided.share, decided.flags) == ("inconclusive", 0.0, ("few_captures",))


def test_without_a_trustworthy_time_nothing_is_decided():
    decided = verdict_of(90, trusted=False)
    assert (decided.verdict, decided.flags) == ("inconclusive", ("clock",))


def test_a_student_without_consent_is_not_assessed_whatever_was_seen():
    assert verdict_of(100, not_assessed={"a"}, static_faces={"a"}, look_alikes=[("a", "b")]).flags == ()
    decided = verdict_of(40, 40, 100, trusted=False, not_assessed={"a"})
    assert (decided.verdict, decided.flags) == ("not_assessed", ("clock", "few_captures"))


@pytest.mark.parametrize(
    ("frames", "taken", "borderline"),
    [
        (30, 100, False),
        (31, 100, True),
        (40, 100, True),
        (49, 100, True),
        (50, 100, False),
        (0, 2, True),
        (0, 10, False),
    ],
)
def test_borderline_is_what_chance_could_have_turned(frames, taken, borderline):
    assert ("borderline" in verdict_of(frames, taken).flags) == borderline


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.05, 1))
def test_borderline_agrees_with_the_wilson_interval(count, share):
    frames, taken = count
    low, high = interval(frames, taken)
    assert 0 <= low <= frames / taken + 1e-12
    assert frames / taken - 1e-12 <= high <= 1
    if min(abs(low - share), abs(high - share)) > 1e-9:
        assert is_borderline(frames, taken, share_of(share)) == (low <= share <= high)


def test_the_interval_is_wilsons():
    assert interval(40, 100) == pytest.approx((0.30940, 0.49799), abs=1e-5)  # statsmodels, method="wilson"
    assert interval(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert interval(0, 0) == (0.0, 1.0)


def test_look_alikes_are_flagged_even_when_one_or_both_were_not_seen():
    students = [
        tally_of(90),
        tally_of(0, student_id="b"),
        tally_of(0, student_id="c"),
        tally_of(0, student_id="d"),
        tally_of(90, student_id="e"),
    ]
    flags = {
        v.tally.student_id: v.flags for v in decide(students, RULE, summary(), look_alikes=[("a", "b"), ("c", "d")])
    }
    assert flags == {"a": ("look_alike",), "b": ("look_alike",), "c": ("look_alike",), "d": ("look_alike",), "e": ()}


def test_an_absent_student_whom_somebody_resembles_is_flagged_and_stays_absent():
    resemblance = Resemblance(0.6, RoomSeat(1, 2))
    students = [tally_of(0), tally_of(90, student_id="b"), tally_of(0, student_id="c")]
    verdicts = decide(students, RULE, summary(), resembled={"a": resemblance})
    assert [v.verdict for v in verdicts] == ["absent", "present", "absent"]
    assert [v.flags for v in verdicts] == [("resembles",), (), ()]
    assert [v.resembles for v in verdicts] == [resemblance, None, None]
    assert needs_confirmation(verdicts[0])
    assert not needs_confirmation(verdicts[2])


def test_a_present_or_undecided_student_is_flagged_where_the_identity_is_uncertain():
    resemblance = Resemblance(0.6, None)
    undecided = verdict_of(0, not_seeable={"a"}, resembled={"a": resemblance})
    assert (undecided.verdict, undecided.flags, undecided.resembles) == ("inconclusive", ("resembles",), resemblance)
    untimed = verdict_of(90, trusted=False, resembled={"a": resemblance})
    assert (untimed.verdict, untimed.flags, untimed.resembles) == ("inconclusive", ("clock", "resembles"), resemblance)
    present = verdict_of(90, not_seeable={"a"}, resembled={"a": resemblance})
    assert (present.verdict, present.flags, present.resembles) == ("present", ("resembles",), resemblance)
    assert needs_confirmation(present)


@pytest.mark.parametrize("flag", ["face_hidden", "poor_photographs"])
def test_doubts_about_an_absence_stand_with_no_presence(flag):
    more = {"face_hidden": "hidden_faces"}.get(flag, flag)
    assert verdict_of(0, **{more: {"a"}}).flags == (flag,)
    assert needs_confirmation(verdict_of(0, **{more: {"a"}}))
    assert verdict_of(0, not_seeable={"a"}, **{more: {"a"}}).flags == (flag,)
    assert verdict_of(90, **{more: {"a"}}).flags == ()
    assert verdict_of(0, not_assessed={"a"}, **{more: {"a"}}).flags == ()


def test_a_student_who_is_not_assessed_has_no_resemblance():
    (verdict,) = decide([tally_of(0)], RULE, summary(), not_assessed={"a"}, resembled={"a": Resemblance(0.6, None)})
    assert (verdict.flags, verdict.resembles) == ((), None)


def test_flags_have_one_order_and_no_repetition():
    assert ordered(["corrected", "borderline", "corrected", "late"]) == ("borderline", "late", "corrected")
    assert verdict_of(39, static_faces={"a"}, look_alikes=[("a", "b")]).flags == (
        "borderline",
        "look_alike",
        "static_face",
    )


def test_a_picture_of_a_student_makes_an_absence_inconclusive_and_a_presence_no_less_certain():
    only_pictured, beside = verdict_of(0, static_faces={"a"}), verdict_of(60, static_faces={"a"})
    assert (only_pictured.verdict, only_pictured.flags) == ("inconclusive", ("static_face",))
    assert (beside.verdict, beside.flags) == ("present", ())
    assert verdict_of(0, static_faces={"b"}).verdict == "absent"
    undecided = verdict_of(0, 40, 100, static_faces={"a"})
    assert (undecided.verdict, set(undecided.flags)) == ("inconclusive", {"static_face", "few_captures"})


def flags_of(slots, taken=100, missed=()):
    """Flags of somebody seen in these captures of a lesson of 50 minutes, one capture every 30 s."""
    taken_at = {slot: START + timedelta(seconds=30 * slot + 15) for slot in range(taken) if slot not in missed}
    sightings = [Sighting(slot, "a", 0.5, True, Box(1, 2, 3, 4)) for slot in slots if slot not in missed]
    lesson = LessonSummary(START, END, tuple(taken_at.values()), 100, time_trusted=True)
    (verdict,) = decide(tally(["a"], sightings, taken_at), RULE, lesson)
    return set(verdict.flags) - {"borderline"}


def test_a_student_who_comes_late_or_leaves_early_is_flagged():
    assert flags_of(range(100)) == set()
    assert flags_of(range(30, 100)) == {"late"}
    assert flags_of(range(70)) == {"left_early"}
    assert flags_of(range(30, 70)) == {"late", "left_early"}
    assert flags_of(range(19, 100)) == set()  # 9.75 minutes
    assert flags_of([]) == set()


def test_a_student_who_is_seen_seldom_is_not_called_late_by_chance():
    assert flags_of(range(25, 100, 25)) == set()
    assert flags_of(range(30, 100, 2)) == {"late"}


def test_missed_captures_make_no_student_late():
    assert flags_of(range(30, 100), missed=range(30)) == set()
    assert flags_of(range(70), missed=range(70, 100)) == set()


def test_three_captures_are_too_few_to_call_a_student_late():
    lesson = summary(3)
    middle_and_last = Tally("a", 2, 2, lesson.taken_at[1], lesson.taken_at[2])
    (verdict,) = decide([middle_and_last], RULE, lesson)
    assert verdict.flags == ("borderline",)
