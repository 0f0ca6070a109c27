"""Verdicts of a lesson compared with its truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.lesson_truth import Outcome, TrueStudent, Truth, Verdict
from benchmarks.rates import Rate

_NONE = Verdict("missing", (), 0)


def scored(lessons: Sequence[tuple[Truth, Outcome]]) -> dict[str, object]:
    """Return the shares of right and wrong verdicts, over all students of all lessons.

    Borderline students are counted separately: the expected result is their flag, not a verdict. Students of whom only
    a print was in the room are also separate, because distinguishing a print from a person is another task.
    """
    every_student = [(s, o.verdicts.get(s.student_id, _NONE)) for truth, o in lessons for s in truth.students]
    clear = [(s, v) for s, v in every_student if not s.borderline and not s.print_held_up]
    risky = [v for s, v in every_student if s.at_risk and s.verdict == "absent"]
    border = [v for s, v in every_student if s.borderline]
    absent = [v for s, v in clear if s.verdict == "absent"]
    present = [v for s, v in clear if s.verdict == "present"]
    prints = [v for s, v in every_student if s.print_held_up]
    return {
        "verdicts_right": _share([v.verdict == s.verdict for s, v in clear]),
        "false_present_at_risk": _share([v.verdict == "present" for v in risky]),
        "false_present": _share([v.verdict == "present" for v in absent]),
        "false_absent": _share([v.verdict == "absent" for v in present]),
        "borderline_flagged": _share(["borderline" in v.flags for v in border]),
        "others_flagged_borderline": _share(["borderline" in v.flags for _, v in clear]),
        "prints_present": _share([v.verdict == "present" for v in prints]),
    }


def mistakes(truth: Truth, outcome: Outcome) -> Iterator[dict[str, object]]:
    """Yield each student whose verdict is wrong, or whose flag is missing, by lesson and id only."""
    for student in truth.students:
        found = outcome.verdicts.get(student.student_id, _NONE)
        reason = _wrong(student, found)
        if reason:
            yield {
                "lesson": truth.name,
                "student_id": student.student_id,
                "what": reason,
                "frames_visible": student.frames_visible,
                "frames_seen": found.captures_seen,
                "frames": len(truth.faces),
                "flags": list(found.flags),
            }


def _wrong(student: TrueStudent, found: Verdict) -> str:
    if student.print_held_up:
        return ""
    if student.borderline:
        return "" if "borderline" in found.flags else "borderline without the flag"
    if found.verdict == student.verdict:
        return ""
    return f"{found.verdict}, was {student.verdict}" + (" (at risk)" if student.at_risk else "")


def _share(right: Sequence[bool]) -> dict[str, float | int | None]:
    return Rate(sum(right), len(right)).json()
