"""The section about whole lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_least, at_most, percent, rate, table, target

Result = Mapping[str, Any]

_FOUND = {"26-40": 0.97, "40-60": 0.99, "60+": 0.99}
_NAMED = {"26-40": 0.95, "40-60": 0.99, "60+": 0.99}
_FALSE_A_CAPTURE, _PEAK_MIB = 0.1, 250


def section(result: Result) -> str:
    """Return the section about whole lessons."""
    head = (
        f"## Whole lessons (`benchmarks.lesson`)\n\n{len(result['lessons'])} lessons, {result['captures']:,} captures "
        "of people on whom the program was not tuned. Students change seats, take a seat that another student left, "
        "and are replaced by strangers. The lessons were made after the last change of that program. The doubts about "
        "empty, other and unseen rooms came later and are not measured here. Two groups of constants were set on other "
        "lessons of these people: those of the second look at far faces (`attendance/evidence/second_pass.py`) and of "
        "seats taken over (`track_clustering.py`). Mistakes in those lessons were also corrected. The program runs as "
        "a user runs it (`enrol import`, then `rehearse`).\n"
    )
    return "\n".join([head, _verdicts(result), _faces(result), _machine(result), _mistakes(result)])


def all_cores(result: Result) -> str:
    """Return the section about one lesson with as many threads as the machine has cores (`vision.threads = 0`)."""
    pss, rss = result["peak_pss_mib"]["rehearse"], result["peak_rss_mib"]["rehearse"]
    wanted = target(f"≤ {_PEAK_MIB}", reached=pss is None or pss <= _PEAK_MIB)
    rows = [("`rehearse`", pss, rss, wanted)]
    head = "## Memory with all cores (`benchmarks.lesson --threads 0`)\n\nEach thread has its own networks.\n"
    return "\n".join([head, table(("peak memory, MiB", "PSS", "RSS", "target (PSS)"), rows)])


def _verdicts(result: Result) -> str:
    right, risk, flag = result["verdicts_right"], result["false_present_at_risk"], result["borderline_flagged"]
    rows = [
        ("verdicts right (borderline students apart)", rate(right), at_least(right, 0.995)),
        ("false present among absent students at risk", rate(risk), target("0", reached=not risk["hits"])),
        ("false present among all absent students", rate(result["false_present"]), ""),
        ("false absent among all present students", rate(result["false_absent"]), ""),
        ("borderline students with the flag", rate(flag), at_least(flag, 0.9)),
        ("other students with that flag", rate(result["others_flagged_borderline"]), ""),
    ]
    return table(("students", "reached", "target"), rows)


def _faces(result: Result) -> str:
    rows = []
    for width, share in _FOUND.items():
        found = result["found"][width]
        rows.append(
            (f"faces found, {width} px wide (strangers' and posters' too)", rate(found), at_least(found, share))
        )
    for width, share in _NAMED.items():
        named = result["right_name"][width]
        rows.append(
            (f"right name, {width} px (of the students' faces, found or not)", rate(named), at_least(named, share))
        )
    wrong, others = result["wrong_name"]["all"], result["strangers_and_posters_named"]
    each = result["false_boxes_a_capture"]
    rows += [
        ("wrong name", rate(wrong), at_most(wrong, 0.005)),
        ("found without a name", rate(result["unknown"]["all"]), ""),
        ("strangers and posters named (of those found)", rate(others), at_most(others, 0.01)),
        ("false boxes a capture", f"{each:.3f} ({result['false_boxes']:,})", _few(each)),
        ("false boxes that got a name", result["false_boxes_named"], ""),
    ]
    ious = ", ".join(f"{percent(found['all'])} at {iou}" for iou, found in result["found_at_other_ious"].items())
    note = f"\nA face counts as found at an overlap (IoU) of at least {result['min_iou']}. All widths: {ious}.\n"
    return table(("faces", "reached", "target"), rows) + note


def _few(each: float) -> str:
    return target(f"≤ {_FALSE_A_CAPTURE}", reached=each <= _FALSE_A_CAPTURE)


def _machine(result: Result) -> str:
    pss, rss = result["peak_pss_mib"], result["peak_rss_mib"]
    reached = pss["rehearse"] is None or pss["rehearse"] <= _PEAK_MIB
    rows = [
        ("`rehearse`", pss["rehearse"], rss["rehearse"], target(f"PSS ≤ {_PEAK_MIB}", reached=reached)),
        ("`enrol import`", pss["enrol import"], rss["enrol import"], ""),
    ]
    note = (
        f"\nThe highest values of all lessons, with `vision.threads = {result['threads']}`. PSS counts only a part of "
        "a library that other processes have loaded (the benchmark itself is one); RSS counts it in full. On a device "
        "the real value lies between them. `benchmarks.speed` measures the seconds for each capture. Here the machine "
        f"had other work ({result['seconds_per_capture']['mean']:.2f} s).\n"
    )
    return table(("peak memory, MiB", "PSS", "RSS", "target"), rows) + note


def _mistakes(result: Result) -> str:
    if not result["mistakes"]:
        return "No verdict is wrong, and no flag is missing.\n"
    rows = [
        (m["lesson"], m["student_id"], m["what"], f"{m['frames_visible']} of {m['frames']}", m["frames_seen"])
        for m in result["mistakes"]
    ]
    return "Every mistake:\n\n" + table(("lesson", "student", "what", "visible", "counted"), rows)
