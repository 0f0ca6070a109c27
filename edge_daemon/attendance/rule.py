"""Turns counts into verdicts. The decision uses only integers and fractions, so 40 of 100 is exactly present."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, prod
from typing import Final, get_args

from edge_daemon.config import RuleConfig
from edge_daemon.types import Flag, Register, Resemblance, Tally, Verdict, VerdictName

Z_SQUARED: Final = Fraction("3.841458820694124")
"""Square of the normal deviate of a two-sided 95 % interval."""
CHANCE: Final = 0.05
"""`late` and `left_early` are set only if the probability of a gap of this length by chance is below this number."""
SURE: Final = 0.97
"""Least probability that a student counted as present was there; below it, a person should check the verdict."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The limits that make a student present, late or leaving early."""

    share: Fraction
    """Least share of the taken captures, above 0 and at most 1; see `share_of`."""
    late_after_s: float = 600.0
    """A student who is unseen for longer than this after the start is late."""
    left_before_s: float = 600.0
    """A student who is unseen for longer than this before the end left early."""
    min_captures_share: Fraction = Fraction(1, 2)
    """Least share of the planned captures that must be taken for any decision."""
    unusual_share: Fraction = Fraction(1, 4)
    """Least share of the students that must be recognised for anybody to be absent. If 0, this is not checked."""


@dataclass(frozen=True, slots=True)
class LessonSummary:
    """Facts about the whole lesson."""

    start: datetime
    end: datetime
    taken_at: tuple[datetime, ...]
    """Time of every capture that was taken, ascending."""
    captures_planned: int
    time_trusted: bool
    """Whether the clock was right or was corrected. If False, it is unknown which lesson this was."""


def share_of(value: float) -> Fraction:
    """Return the fraction that the text `0.4` means: 2/5, not the nearest double."""
    return Fraction(repr(value))


def rule_of(settings: RuleConfig) -> Rule:
    """Return the rule in the settings."""
    late_s = 60 * settings.late_min
    return Rule(share_of(settings.share), late_s, late_s, unusual_share=share_of(settings.unusual_share))


def decide(
    tallies: Iterable[Tally],
    rule: Rule,
    lesson: LessonSummary,
    *,
    not_assessed: Collection[str] = (),
    look_alikes: Iterable[tuple[str, str]] = (),
    static_faces: Collection[str] = (),
    not_seeable: Collection[str] = (),
    resembled: Mapping[str, Resemblance] | None = None,
    probabilities: Mapping[str, float] | None = None,
    poor_photographs: Collection[str] = (),
    hidden_faces: Collection[str] = (),
) -> tuple[Verdict, ...]:
    """Decide on every student of a lesson.

    `not_assessed` has priority: without consent or template there is nothing to count. `inconclusive` follows if fewer
    than half of the planned captures (or none) were taken, or if the time is not trusted. Then the share decides. A
    student whom the device could not have seen is `inconclusive` if the share says absent. So is a student of whom only
    a picture was in the room, on paper or on a screen.

    Flags give the reasons for a review. `few_captures` and `clock` concern the lesson, so all students have them. The
    others need a count, so no unassessed student has them:

    - `borderline`: the Wilson 95 % interval of the student's own count contains the rule's share.
    - `resembles`: an unnamed person may be the absent student, or the person who was counted may be somebody else.
    - `face_hidden`: the student is not present, and a hidden face was in the student's usual place.
    - `poor_photographs`: the student is not present, and all enrolment photographs are out of focus.
    - `static_face`: the student is not present, and a picture of the student was there.
    - `look_alike`: another student looks alike. If the two can't be distinguished, both may seem absent.
    - `late`, `left_early`: the student was unseen in the first or last minutes although captures were taken then. A
      student seen as often as in the rest of the lesson would be missed in all of them with a probability under 5 %.

    Args:
        tallies: one for each student.
        rule: the rule for present.
        lesson: facts about the whole lesson.
        not_assessed: ids of students without consent or template.
        look_alikes: pairs of ids that the gallery can hardly distinguish.
        static_faces: ids of students of whom a picture was in the room, on paper or on a screen.
        not_seeable: ids of students whom the device could not have seen.
        resembled: students whose verdict may be wrong because of an uncertain identity, see `resembled.resemblances`.
        probabilities: probability that each student was there for the share that the rule requires; None if not
            computed.
        poor_photographs: ids of students whose photographs are too poor for a certain absence.
        hidden_faces: ids of students at whose usual place a hidden face was, which may be theirs.

    Returns:
        One verdict for each tally, in the same order; flags in the order of `edge_daemon.types.Flag`.
    """
    marks = _Marks(
        frozenset(not_assessed),
        {"look_alike": {student_id for pair in look_alikes for student_id in pair}},
        frozenset(static_faces),
        frozenset(not_seeable),
        resembled or {},
        probabilities or {},
        {"face_hidden": hidden_faces, "poor_photographs": poor_photographs},
    )
    return tuple(_verdict(tally, rule, lesson, marks) for tally in tallies)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Facts about the students of a lesson beside their counts, by id."""

    not_assessed: frozenset[str]
    flagged: Mapping[Flag, Collection[str]]
    pictured: frozenset[str]
    not_seeable: frozenset[str]
    resembled: Mapping[str, Resemblance]
    probabilities: Mapping[str, float]
    flagged_unless_present: Mapping[Flag, Collection[str]]


def _verdict(tally: Tally, rule: Rule, lesson: LessonSummary, marks: _Marks) -> Verdict:
    """Decide about one student."""
    student_id = tally.student_id
    share = Fraction(tally.captures_attentive, len(lesson.taken_at)) if lesson.taken_at else Fraction(0)
    flags = set(_flags_of_lesson(lesson, rule))
    verdict: VerdictName = "present" if share >= rule.share else "absent"
    if flags or (verdict == "absent" and student_id in marks.not_seeable):
        verdict = "inconclusive"
    is_only_pictured = student_id in marks.pictured and verdict != "present"
    if is_only_pictured:
        verdict = "inconclusive"
    if student_id in marks.not_assessed:
        verdict = "not_assessed"
    else:
        flags |= _flags_of_count(tally, rule, lesson)
        flags |= {flag for flag, ids in marks.flagged.items() if student_id in ids}
        flags |= {"static_face"} if is_only_pictured else set()
    resemblance = None if verdict == "not_assessed" else marks.resembled.get(student_id)
    if resemblance is not None:
        flags.add("resembles")
    if verdict in ("absent", "inconclusive"):
        flags |= {flag for flag, ids in marks.flagged_unless_present.items() if student_id in ids}
    probability = None if verdict == "not_assessed" else marks.probabilities.get(student_id)
    return Verdict(tally, float(share), verdict, ordered(flags), None, probability, resemblance)


def needed_captures(share: Fraction, captures_taken: int) -> int:
    """Return in how many of the captures a student must face the class to be present."""
    return ceil(share * captures_taken)


def was_looked_for(register: Register, verdict: Verdict) -> bool:
    """Return whether the device looked for a student, whatever a person decided later.

    It does not look for students without consent or template. A register without a rule is from an early release, which
    did not store in which captures a student was seen. For it the result depends on the verdict.
    """
    if verdict.captures is not None or verdict.tally.captures_seen:
        return True
    return register.rule is None and verdict.verdict != "not_assessed"


def distance_to_rule(register: Register, verdict: Verdict) -> int | None:
    """Return how many captures a student is above the rule's requirement; negative below it.

    The result is None if the student was not assessed or not looked for. It is also None if there are no captures, or
    the register does not state its rule.
    """
    if register.rule is None or not register.captures_taken or verdict.verdict == "not_assessed":
        return None
    if not was_looked_for(register, verdict):
        return None
    needed = needed_captures(share_of(register.rule.share), register.captures_taken)
    return verdict.tally.captures_attentive - needed


def ordered(flags: Collection[Flag]) -> tuple[Flag, ...]:
    """Return flags without repetition in the order of `edge_daemon.types.Flag`."""
    return tuple(flag for flag in get_args(Flag) if flag in flags)


def interval(frames: int, captures: int) -> tuple[float, float]:
    """Return the Wilson 95 % interval of a share (E. B. Wilson, 1927); (0, 1) without captures."""
    if not captures:
        return 0.0, 1.0
    share, z_squared = frames / captures, float(Z_SQUARED)
    middle = (share + z_squared / (2 * captures)) / (1 + z_squared / captures)
    spread = (z_squared * (share * (1 - share) / captures + z_squared / (4 * captures**2))) ** 0.5
    half = spread / (1 + z_squared / captures)
    return max(0.0, middle - half), min(1.0, middle + half)


def interval_with_identity(verdict: Verdict, captures: int) -> tuple[float, float]:
    """Return `interval` of a student's own captures, widened if the identity is in doubt.

    The interval reaches down to 0 if the faces are another person's with a probability above 2.5 %. It reaches up to 1
    if an unnamed person is this student with a probability above 2.5 %.
    """
    low, high = interval(verdict.tally.captures_attentive, captures)
    if verdict.probability is None:
        return low, high
    if verdict.verdict == "present":
        return (0.0 if verdict.probability < 1 - CHANCE / 2 else low), high
    return low, (1.0 if verdict.probability > CHANCE / 2 else high)


def is_borderline(frames: int, captures: int, share: Fraction) -> bool:
    """Return whether the Wilson 95 % interval of frames / captures contains a share; exactly, without square roots.

    The interval consists of all shares s with (frames - captures s)^2 <= z^2 captures s (1 - s).
    """
    return captures > 0 and (frames - captures * share) ** 2 <= Z_SQUARED * captures * share * (1 - share)


def _flags_of_lesson(lesson: LessonSummary, rule: Rule) -> Iterator[Flag]:
    """Yield the flags that make the whole lesson inconclusive."""
    if not lesson.time_trusted:
        yield "clock"
    if not lesson.taken_at or len(lesson.taken_at) < rule.min_captures_share * lesson.captures_planned:
        yield "few_captures"


def _flags_of_count(t: Tally, rule: Rule, lesson: LessonSummary) -> set[Flag]:
    flags: set[Flag] = set()
    if is_borderline(t.captures_attentive, len(lesson.taken_at), rule.share):
        flags.add("borderline")
    if t.first_seen is None or t.last_seen is None:
        return flags
    before = sum(at < t.first_seen for at in lesson.taken_at)
    after = sum(at > t.last_seen for at in lesson.taken_at)
    if t.first_seen - lesson.start > timedelta(seconds=rule.late_after_s) and _is_significant(t, before, lesson):
        flags.add("late")
    if lesson.end - t.last_seen > timedelta(seconds=rule.left_before_s) and _is_significant(t, after, lesson):
        flags.add("left_early")
    return flags


def _is_significant(t: Tally, gap: int, lesson: LessonSummary) -> bool:
    """Return whether a gap, a run of captures without the student, is too long to be chance.

    The student is assumed to be seen as often as in the other captures. Laplace's rule of succession, applied `gap`
    times, gives the probability of being missed in the whole gap.
    """
    rest = len(lesson.taken_at) - gap
    missed = max(rest - t.captures_seen, 0)
    return gap > 0 and prod((missed + 1 + i) / (rest + 2 + i) for i in range(gap)) < CHANCE
