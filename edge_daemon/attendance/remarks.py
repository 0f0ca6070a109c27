"""Puts into words why a person should review a mark."""

from __future__ import annotations

from collections.abc import Mapping

from edge_daemon.attendance.reason_codes import in_words
from edge_daemon.attendance.sheets import SheetEntry
from edge_daemon.types import Flag

_WORDS: Mapping[Flag, str] = {
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


def remark(entry: SheetEntry) -> str:
    """Return the note of a mark; empty if the device had no doubt and nobody corrected it."""
    lines = []
    if entry.correction is not None:
        reason = in_words(entry.correction.reason)
        lines.append(f"Corrected by {entry.correction.by}, {entry.correction.at:%Y-%m-%d}: {reason}")
    flags = [flag for flag in entry.verdict.flags if flag in _WORDS]
    if lines or entry.mark in ("P?", "A?"):
        tally = entry.verdict.tally
        lines += [_WORDS[flag] for flag in flags]
        counted = f"facing the class in {tally.captures_attentive} pictures ({entry.verdict.share:.0%})"
        lines.append(counted if entry.looked_for else "the device did not look for this student")
        lines += [distance] if (distance := _distance(entry)) else []
    return "\n".join(lines)


def _distance(entry: SheetEntry) -> str:
    """Return a student's distance to the rule as text; empty if there is none."""
    if entry.distance is None:
        return ""
    side = "short of" if entry.distance < 0 else "over"
    return f"{abs(entry.distance)} {side} the rule ({entry.needed} of {entry.captures_taken} pictures)"
