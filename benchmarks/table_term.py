"""The section about a room that learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_most, rate, table, target

Result = Mapping[str, Any]

_LEAST_GAIN = 0.5
"""The target is met if the false absences fall to at most this share of those without learning."""


def term(result: Result) -> str:
    """Return the section about templates that are learned in lessons."""
    rows = [_row(name, found) for name, found in {**result["by_condition"], "all together": result}.items()]
    without, learned = (result["false_absent"][how]["hits"] for how in ("without", "with"))
    is_half = learned <= _LEAST_GAIN * without
    about = (
        f"A prototype; the program does not learn. {result['repetitions']} classes of 12 students for each condition, "
        f"of {result['people']} people with 15 photographs or more, {result['lessons_each']} lessons each in the same "
        "seats. Photographs of enrolment and of each lesson are disjoint. A student who was named beyond doubt gives "
        "three templates, each the mean of a third of the sightings. The table has the lessons after the first. Faces "
        "are those of photographs of other days, so the light and the camera of a room, which a room would learn, are "
        "not in these data. The network that names was trained on some of these people."
    )
    strangers = result["strangers_learned"]
    aims = [
        ("false absences fall to at most half", f"{without} → {learned}", target("≤ half", reached=is_half)),
        ("look-alike strangers in an absent student's seat: learned", rate(strangers), at_most(strangers, 0)),
    ]
    counts = (
        f"{result['templates_learned']:,} templates were learned, {result['templates_of_others']} of them with faces "
        f"of somebody else; photographs shared: {result['pictures_shared']}."
    )
    heads = (
        "photographs, width of faces",
        "present, called absent",
        "... learned",
        "absent, called present",
        "... learned",
    )
    return (
        f"## A room that learns (`benchmarks.term`)\n\n{about}\n\n{table(heads, rows)}\n"
        f"{table(('', 'reached', 'target'), aims)}\n{counts}\n"
    )


def _row(name: str, found: Result) -> list[str]:
    return [name, *(rate(found[key][how]) for key in ("false_absent", "false_present") for how in ("without", "with"))]
