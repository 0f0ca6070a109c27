"""Verdicts and doubts of lessons by the condition in scenario.json."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.lesson_truth import Outcome, TrueStudent, Truth, Verdict
from benchmarks.rates import Rate
from edge_daemon.attendance.doubt import WORTH_A_LOOK
from edge_daemon.attendance.room_state import UNUSUAL

_HARDLY_SEEN = 0.2
"""An absent student who was seen in at most this share of the captures is far below the rule's limit."""
_MISSING = Verdict("missing", (), 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One student in one lesson: the truth, and the register's result."""

    student: TrueStudent
    verdict: Verdict
    is_lesson_unusual: bool
    """Whether the register's flags ask a person to check the lesson before the school acts on the register."""

    @property
    def expected(self) -> str:
        """The expected verdict."""
        return self.student.expected or self.student.verdict

    @property
    def is_right(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.verdict.verdict == self.expected

    @property
    def is_identity_doubted(self) -> bool:
        """Whether the identity of a person is in doubt, and not only the number of captures."""
        return not (WORTH_A_LOOK - {"borderline"}).isdisjoint(self.verdict.flags)

    @property
    def is_doubted(self) -> bool:
        """Whether a person has to check the verdict before the school acts on it."""
        if self.is_lesson_unusual or self.verdict.verdict == "inconclusive":
            return True
        flags = set(self.verdict.flags)
        return bool(flags) if self.verdict.verdict == "absent" else bool(flags & WORTH_A_LOOK)


def scored(lessons: Sequence[tuple[Truth, Outcome]]) -> dict[str, dict[str, object]]:
    """Return the rates by scenario; lessons without a scenario are left out.

    - `false_present` and `false_absent` are shares of the absent and the present students. `..._unflagged` are the same
      shares for mistakes without any doubt.
    - `absent_doubted` counts correctly absent students, seen in at most a fifth of the captures, whose verdict has a
      doubt about identity or presence (`doubt.WORTH_A_LOOK`). A late arrival or early departure is not such a doubt.
    - `present_doubted` counts correctly present students with a doubt about their identity. Students enrolled as a pair
      always have such a doubt and are left out.
    - `register_flagged` counts lessons whose register has the expected flags. For scenarios without
      expected flags it counts the lessons that have a flag.
    - `pairs_both_absent` counts pairs (twins, or the two ids of a person) with both ids absent.
    """
    by_name = defaultdict(list)
    for truth, outcome in lessons:
        if truth.scenario:
            by_name[truth.scenario].append((truth, outcome))
    return {name: _scored(own) for name, own in sorted(by_name.items())}


def _scored(lessons: Sequence[tuple[Truth, Outcome]]) -> dict[str, object]:
    everybody = [one for truth, outcome in lessons for one in _judged(truth, outcome)]
    clear = [one for one in everybody if not one.student.borderline and one.student.medium == "living"]
    clear = [one for one in clear if not one.student.print_held_up]
    absent = [one for one in clear if one.student.verdict == "absent"]
    present = [one for one in clear if one.student.verdict == "present"]
    prints = [one for one in everybody if one.student.print_held_up or one.student.medium != "living"]
    false_present = [one for one in absent if one.verdict.verdict == "present"]
    false_absent = [one for one in present if one.verdict.verdict == "absent"]
    hardly = [o for o in absent if o.verdict.verdict == "absent" and _is_hardly_seen(o.student)]
    living = [one for one in present if one.verdict.verdict == "present"]
    return {
        "lessons": len(lessons),
        "verdicts_right": _rate(one.is_right for one in clear),
        "false_present": Rate(len(false_present), len(absent)).json(),
        "false_present_unflagged": Rate(sum(not o.is_doubted for o in false_present), len(absent)).json(),
        "false_absent": Rate(len(false_absent), len(present)).json(),
        "false_absent_unflagged": Rate(sum(not o.is_doubted for o in false_absent), len(present)).json(),
        "absent_doubted": _rate(not WORTH_A_LOOK.isdisjoint(one.verdict.flags) for one in hardly),
        "present_doubted": _rate(one.is_identity_doubted for one in living if not one.student.pair),
        "right_or_doubted": _rate(one.is_right or one.is_doubted for one in clear),
        "prints_present": _rate(one.verdict.verdict == "present" for one in prints),
        "prints_flagged": _rate("static_face" in one.verdict.flags for one in prints),
        "living_flagged": _rate("static_face" in one.verdict.flags for one in living),
        "register_flagged": _rate(_is_flagged(*one) for one in lessons),
        "pairs_both_absent": _rate(both for truth, outcome in lessons for both in _pairs(truth, outcome)),
    }


def _judged(truth: Truth, outcome: Outcome) -> list[Judged]:
    unusual = not UNUSUAL.isdisjoint(outcome.register_flags)
    return [Judged(s, outcome.verdicts.get(s.student_id, _MISSING), unusual) for s in truth.students]


def _is_hardly_seen(student: TrueStudent) -> bool:
    return student.frames_visible <= _HARDLY_SEEN * student.frames


def _is_flagged(truth: Truth, outcome: Outcome) -> bool:
    wanted = truth.expected_register_flags
    return wanted <= outcome.register_flags if wanted else bool(outcome.register_flags)


def _pairs(truth: Truth, outcome: Outcome) -> list[bool]:
    """Return for each pair whether both are called absent."""
    verdicts = defaultdict(list)
    for student in truth.students:
        if student.pair and student.verdict == "present":
            verdicts[student.pair].append(outcome.verdicts.get(student.student_id, _MISSING).verdict)
    return [all(verdict == "absent" for verdict in own) for own in verdicts.values() if len(own) > 1]


def _rate(found: Iterable[bool]) -> dict[str, float | int | None]:
    hits = list(found)
    return Rate(sum(hits), len(hits)).json()
