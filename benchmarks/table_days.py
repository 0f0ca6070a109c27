"""The sections about degraded captures and about bad days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.table_cells import at_least, rate, table, target

Result = Mapping[str, Any]


def degraded(result: Result) -> str:
    """Return the section about degraded captures."""
    head = (
        "## How far faces are found (`benchmarks.degraded`)\n\nCaptures of composed lessons, degraded step by step. "
        "*Found*: a candidate overlaps the student's face. *Named*: the candidate is more similar to that student than "
        "to any other. The last three columns are the program's measurements of such captures (medians). They are the "
        "light of the cells (0 to 255), their structure, and the blur of the sharpest edges in pixels. The limits in "
        "`attendance/room_faults.py` come from this table. They are rough, because the lessons have few people.\n"
    )
    rows = [
        (name, step, rate(one["found"]), rate(one["named"]), *_seen(one["measured"]))
        for name, steps in result["curves"].items()
        for step, one in steps.items()
    ]
    heading = ("made worse", "step", "found", "named", "light", "structure", "blur, px")
    return "\n".join([head, table(heading, rows)])


def _seen(measured: Result) -> tuple[str, str, str]:
    blur = measured["blur_px"]
    return f"{measured['luma']:.0f}", f"{measured['structure']:.1f}", "–" if blur >= 99 else f"{blur:.1f}"


def bad_days(result: Result) -> str:
    """Return the section about lessons in which the device could not see."""
    lessons, first = result["lessons"], result.get("first")
    more = f", and {first['lessons']} bad days as the first lesson of their room" if first else ""
    head = (
        "## Bad days (`benchmarks.bad_days`)\n\n`benchmarks.bad_lessons` makes the lessons: an empty room, another "
        "class, no light, a window behind, motion, defocus, a turned or partly covered camera, and an excursion of "
        "half of the class. Usual lessons come before them. The degree of darkness and blur, and the covered part, "
        f"differ between classes. {lessons} lessons of small classes{more}. Each has 8 students, 2 guests and 2 "
        "posters in its room, so half a class has as many others around it. No person is in two classes, and no limit "
        "was set with these people.\n"
    )
    heading = ("", "with lessons before", *(("first lesson of the room",) if first else ()), "target")
    both = [result, *([first] if first else [])]
    rows = [
        ("could not be seen, called absent", *_each(both, "absent_unseeable"), _none(result, first)),
        (
            "absent, could be seen (and with a known seat): stay absent",
            *_each(both, "absent_kept"),
            at_least(result["absent_kept"], 0.95),
        ),
        (
            "present in a usable lesson: stay present",
            *_each(both, "present_kept"),
            at_least(result["present_kept"], 0.98),
        ),
        ("usual lessons and excursions that were flagged", *_each(both, "usual_flagged"), ""),
        *((f"{name}: has the expected flag", *_flags(both, name), "") for name in sorted(result["register_flagged"])),
    ]
    parts = [head, table(heading, rows), f"Missed captures: {_missed(result)}.\n"]
    wrong = [(one["lesson"], one["student_id"], one["what"]) for of in both for one in of["mistakes"]]
    if wrong:
        parts.append("Every mistake (the last part of a lesson's name is its kind):\n")
        parts.append(table(("lesson", "student", "what"), wrong))
    return "\n".join(parts)


def _each(results: Sequence[Result], name: str) -> list[str]:
    return [rate(one[name]) for one in results]


def _flags(results: Sequence[Result], name: str) -> list[str]:
    return [rate(one["register_flagged"][name]) if name in one["register_flagged"] else "" for one in results]


def _none(result: Result, first: Result | None) -> str:
    hits = result["absent_unseeable"]["hits"] + (first["absent_unseeable"]["hits"] if first else 0)
    return target("0", reached=not hits)


def _missed(result: Result) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(result["missed"].items())) or "none"
