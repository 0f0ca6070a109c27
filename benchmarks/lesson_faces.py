"""Faces and names in a lesson compared with its truth, by the width of the face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.lesson_truth import Outcome, SeenFace, TrueFace, Truth
from benchmarks.matching import MIN_IOU, false_boxes, match
from benchmarks.rates import Rate

WIDTHS_PX = {"26-40": (26.0, 40.0), "40-60": (40.0, 60.0), "60+": (60.0, np.inf), "all": (0.0, np.inf)}
_OTHER_IOUS = (0.3, 0.5)
_OTHERS = ("stranger", "poster")

Count = Counter[tuple[str, str]]


def scored(lessons: Sequence[tuple[Truth, Outcome]]) -> dict[str, object]:
    """Return the pooled rates of faces.

    The name rates are shares of all visible student faces, found or not. The captures of one lesson show the same
    people repeatedly. The intervals treat faces as independent, so they are narrower than they should be.
    """
    captures = sum(len(truth.faces) for truth, _ in lessons)
    total = _counted(lessons, MIN_IOU)
    wrong_boxes, named_boxes = total["false", "all"], total["false named", "all"]
    names = {key: {w: Rate(total[key, w], total["student", w]).json() for w in WIDTHS_PX} for key in _NAMES}
    return {
        "captures": captures,
        "found": {w: Rate(total["found", w], total["face", w]).json() for w in WIDTHS_PX},
        "found_at_other_ious": {
            str(iou): {w: Rate(t["found", w], t["face", w]).json()["rate"] for w in WIDTHS_PX}
            for iou, t in ((iou, _counted(lessons, iou)) for iou in _OTHER_IOUS)
        },
        "min_iou": MIN_IOU,
        "false_boxes": wrong_boxes,
        "false_boxes_a_capture": round(wrong_boxes / max(captures, 1), 4),
        "false_boxes_named": named_boxes,
        **names,
        "strangers_and_posters_named": Rate(total["other named", "all"], total["other found", "all"]).json(),
        "prints_named": Rate(total["print named", "all"], total["print found", "all"]).json(),
    }


_NAMES = ("right_name", "wrong_name", "unknown", "missed")


def _counted(lessons: Sequence[tuple[Truth, Outcome]], min_iou: float) -> Count:
    total: Count = Counter()
    for truth, outcome in lessons:
        for frame, faces in truth.faces.items():
            total.update(_capture(faces, outcome.faces.get(frame, ()), min_iou))
    return total


def _capture(truth: Sequence[TrueFace], seen: Sequence[SeenFace], min_iou: float) -> Count:
    labels = np.array([f.box for f in truth], np.float64).reshape(-1, 4)
    found = np.array([f.box for f in seen], np.float64).reshape(-1, 4)
    pairs = match(labels, found, min_iou)
    count: Count = Counter()
    for index, face in enumerate(truth):
        hit = seen[pairs[index]] if index in pairs else None
        for width, (low, high) in WIDTHS_PX.items():
            if low <= face.width_px < high:
                count.update((what, width) for what in _said(face, hit))
    for index in false_boxes(np.zeros((0, 4)), found, pairs, min_iou):
        count["false", "all"] += 1
        count["false named", "all"] += bool(seen[index].student_id)
    return count


def _said(face: TrueFace, hit: SeenFace | None) -> list[str]:
    """Return the names of the counts that one face increases."""
    if face.kind == "photo":
        return [] if hit is None else ["print found"] + ["print named"] * bool(hit.student_id)
    words = ["face"] + ["found"] * (hit is not None)
    if face.kind in _OTHERS:
        return words if hit is None else [*words, "other found"] + ["other named"] * bool(hit.student_id)
    if hit is None:
        return [*words, "student", "missed"]
    if not hit.student_id:
        return [*words, "student", "unknown"]
    return [*words, "student", "right_name" if hit.student_id == face.student_id else "wrong_name"]
