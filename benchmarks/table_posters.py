"""The section about posters over several lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_least, at_most, rate, table
from edge_daemon.attendance.evidence.posters import MOST_STRAY

Result = Mapping[str, Any]


def posters(result: Result) -> str:
    """Return the section about faces that keep their place."""
    rows = []
    for kind, wanted in (("posters", at_least), ("people", at_most)):
        found = result[kind]
        least, usual, most = (f"{100 * found['stray_of_width'][q]:.1f} %" for q in ("0", "0.5", "1"))
        aim = 1.0 if kind == "posters" else 0.0
        over = found["poster_over_the_lessons"]
        rows.append(
            [kind, rate(found["still_in_a_lesson"]), rate(over), wanted(over, aim), f"{usual} ({least} to {most})"]
        )
    about = (
        f"{result['rooms']} composed rooms with as many posters as people, three lessons of {result['captures']} "
        "captures each, 1920 by 1080 pixels, faces of 28 to 90 px. Heads of people stray by a tenth of their width in "
        "this simulation. In three real videos of drivers of 14 to 19 s they strayed by 5, 15 and 17 %, in four videos "
        f"of speakers of 3 s by 0.7 to 1.4 %. The limit is {100 * MOST_STRAY:g} %. No real poster was tried."
    )
    heads = ("", "kept its place in a lesson", "called a poster in the third", "target", "stray, of the width")
    return f"## Posters (`benchmarks.posters`)\n\n{about}\n\n{table(heads, rows)}"
