"""The sections about captures that were made worse, and about bad days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_least, rate, table, target

Result = Mapping[str, Any]


def degraded(result: Result) -> str:
    """Return the section about captures that were made worse."""
    head = (
        "## Until when faces are found (`benchmarks.degraded`)\n\nCaptures of composed lessons, worse step by step. "
        "*Found*: a candidate lies on the student's face; *named*: it is more like its own student than like anybody "
        "else. The last three columns are what the program measures of such captures (medians): light of the cells (0 "
        "to 255), their structure, and the blur of the sharpest edges in pixels. The limits of "
        "`attendance/room_faults.py` were read off this table; the lessons have few people, so that they are rough.\n"
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
    head = (
        "## Bad days (`benchmarks.bad_days`)\n\nLessons made by `benchmarks.bad_lessons`: an empty room, "
        "another class, no light, a window behind, motion, defocus, a turned camera, half of it covered, an excursion "
        "of half of the "
        f"class; {result['lessons']} lessons, with the usual ones before them. The limits were set "
        "with lessons of the same make, and the intervals say how little a few lessons tell.\n"
    )
    unseeable, flagged = result["absent_unseeable"], result["register_flagged"]
    rows = [
        ("could not have been seen, called absent", rate(unseeable), target("0", reached=not unseeable["hits"])),
        (
            "absent, with a known seat that could be seen: stay absent",
            rate(result["absent_kept"]),
            at_least(result["absent_kept"], 0.95),
        ),
        (
            "present in a lesson that was usable: present",
            rate(result["present_kept"]),
            at_least(result["present_kept"], 0.98),
        ),
        ("usual lessons and excursions that were flagged", rate(result["usual_flagged"]), ""),
        *((f"{name}: has the flag that it should have", rate(found), "") for name, found in flagged.items()),
    ]
    missed = ", ".join(f"{count} {reason}" for reason, count in sorted(result["missed"].items()))
    return "\n".join([head, table(("", "share", "target"), rows), f"Missed captures: {missed or 'none'}.\n"])
