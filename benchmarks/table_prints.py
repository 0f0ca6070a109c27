"""The sections about pictures of faces and about shut eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_least, at_most, rate, table, target
from edge_daemon.attendance.evidence.static_faces import LEAST_PROBABILITY, LEAST_PROBABILITY_SMALL, SMALL_PX

Result = Mapping[str, Any]

_KINDS = {
    "pinned": "away, a print pinned to the wall",
    "held": "away, a print held up",
    "bent": "away, a print held up and bent anew each time",
    "prints": "the three together",
    "living": "there, photographs of other days",
    "sitter": "there, one photograph that was brought to life",
    "people": "the two together",
    "alternating": "two or three photographs in turn: neither",
    "beside": "there, beside the own print",
    "away": "away, no print",
}
_PRESENT_MOST = {"48+": 0.0, "32": 0.02}
_FLAGGED_LEAST = {"48+": 0.95, "32": 0.85}
_PEOPLE_FLAGGED_MOST, _BESIDE_LEAST = 0.01, 0.95
_CALLED_SHUT_MOST, _YALE_MOST, _FOUND_LEAST = 0.02, 0.03, 7 / 8
_COST = 1.1


def prints(result: Result) -> str:
    """Return the section about pictures of faces."""
    parts = []
    for band, kinds in result["by_width_px"].items():
        rows = [
            [
                name,
                rate(found["present"]),
                _present_target(kind, band, found),
                rate(found["flagged"]),
                _flagged(kind, band, found),
            ]
            for kind, name in _KINDS.items()
            for found in [kinds.get(kind)]
            if found is not None
        ]
        head = (f"faces of {_width(band)}", "present", "target", "`static_face`", "target")
        parts.append(table(head, rows))
    clips = [
        [
            c["video"],
            f"{c['seconds']:g} s",
            "a frame of it on paper" if c["shown"] == "held" else "living",
            f"{c['width_px']:.0f} px",
            _said(c),
        ]
        for c in result["clips"]
    ]
    about = (
        f"Student-lessons of {result['people']} people on whom the test was not fitted, {result['captures']} captures "
        "over 45 minutes. Every seat is drawn alone; matching, naming, test and rule are the program's. Photographs of "
        "living people from other days make the test too easy, because nobody changes so much in a lesson. A *sitter* "
        "is one photograph with simulated motion. The head turns and nods by its mesh (standard deviation of yaw 4 to "
        "14 degrees, as in three videos of drivers), mouth and brows move, and the eyes blink. The author of the test "
        "also made this simulation. Several seats belong to one person, and the intervals treat them as independent. "
        "Two things were changed after a first look at these people. Eyes that seem covered, as behind spectacles, no "
        "longer stop the test. Seats of two or three photographs in turn are counted separately. Later the weights "
        "were fitted to more of the other people, and these people were examined once more. Then the movement was "
        "compared with the noise of the mesh, and they were examined in two variants. The variant was chosen on the "
        "other people. The limit for faces from 40 px on was chosen on all people together, so these rows do not test "
        "it."
    )
    return f"## Pictures of faces (`benchmarks.prints`)\n\n{about}\n\n" + "\n".join(parts) + _clips(result, clips)


def _clips(result: Result, rows: list[list[str]]) -> str:
    if not rows:
        return ""
    judged = [c for c in result["clips"] if c["picture"] is not None]
    living, printed = ([c for c in judged if c["shown"] == shown] for shown in ("living", "held"))
    called = "called a picture: {} of {} living, {} of {} prints".format(
        *(n for some in (living, printed) for n in (sum(map(_is_called, some)), len(some)))
    )
    about = (
        "Real videos, judged as if 24 of their frames were the captures of a lesson, which they are not: in three "
        "seconds a speaker does not turn the head, and is called a picture. That is why a lesson needs 15 captures "
        "over 30 minutes. No video of half an hour was there to try. "
        f"Each video counts at two sizes; {called}."
    )
    return f"\n{about}\n\n" + table(("video", "length", "shown", "width", "called a picture"), rows)


def _said(clip: Result) -> str:
    if clip["picture"] is None:
        return "too few faces"
    return f"{'yes' if _is_called(clip) else 'no'} ({clip['picture']:.3f})"


def _is_called(clip: Result) -> bool:
    limit = LEAST_PROBABILITY_SMALL if clip["width_px"] < SMALL_PX else LEAST_PROBABILITY
    return bool(clip["picture"] >= limit)


def _width(band: str) -> str:
    return "48 to 90 px" if band == "48+" else "28 to 38 px"


def _present_target(kind: str, band: str, found: Result) -> str:
    if kind == "prints":
        return at_most(found["present"], _PRESENT_MOST[band])
    return at_least(found["present"], _BESIDE_LEAST) if kind == "beside" else ""


def _flagged(kind: str, band: str, found: Result) -> str:
    if kind == "prints":
        return at_least(found["flagged"], _FLAGGED_LEAST[band])
    return at_most(found["flagged"], _PEOPLE_FLAGGED_MOST) if kind == "people" else ""


def eyes(result: Result) -> str:
    """Return the section about shut eyes."""
    faces, rows = result["faces"], []
    for px, own in result["by_width_px"].items():
        found, called = own["shut_found"], own["called_shut"]
        press = faces["by_width_px"][px]["called_shut"]
        reached = found["rate"] is None or found["rate"] >= _FOUND_LEAST
        rows += [
            [f'{px} px, "sleepy": called shut', rate(found), target("≥ 7 of 8", reached=reached)],
            [f"{px} px, their other conditions: called shut", rate(called), at_most(called, _YALE_MOST)],
            [f"{px} px, press photographs: called shut", rate(press), at_most(press, _CALLED_SHUT_MOST)],
        ]
    about = (
        "One picture decides here, where the program asks for three captures in a row. "
        f"{result['people']} people in 11 conditions each (Yale faces), and "
        f"{faces['pictures']} press photographs of {faces['people']} people of Labeled Faces in the Wild. Their "
        "eyes are taken as open, though some blink or look down. Each person's own median stands for that of a "
        "lesson. The limits were chosen on 40 other people of the second set. For Yale faces the choice saw the same "
        "pictures with other noise, so these rows are no test of it. The least closure was chosen after a first look "
        "at this table."
    )
    return f"## Shut eyes (`benchmarks.eyes`)\n\n{about}\n\n" + table(("shut eyes", "reached", "target"), rows)


def eyes_cost(result: Result) -> str:
    """Return the section about the cost of measuring eyes."""
    seconds, ratio = result["cpu_s_a_capture"], result["lesson_ratio"]
    row = [
        f"{seconds['off']:.3f} s",
        f"{seconds['on']:.3f} s",
        f"{100 * (ratio - 1):+.1f} %",
        target(f"≤ {100 * (_COST - 1):.0f} %", reached=ratio <= _COST),
        f"{result['pss_more_mib']:g} MiB",
    ]
    head = (
        "processor time of a capture, off",
        "on",
        "more over a lesson (20 of 100 captures)",
        "target",
        "memory more",
    )
    return (
        "## What shut eyes cost a lesson (`benchmarks.eyes_cost`)\n\n"
        f"{result['captures']} captures, {result['faces']} faces, {result['measured_faces']} of them wide enough; "
        "looked at as in a lesson, off and on by turns.\n\n" + table(head, [row])
    )
