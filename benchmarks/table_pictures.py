"""The sections about single pictures: WIDER FACE and LFW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_least, percent, rate, table, target

Result = Mapping[str, Any]

_RECALL = {"24-32": 0.72, "32+": 0.93}
_MASKED, _ASKED = 0.92, ("found", "with_mask", "32+")
_FALSE_A_PICTURE = 0.2
_LEARNED = {
    "all": "learned from two thirds of these pictures, or its gate was fitted on some, so the figures are too good",
    "held-back": "learned from other pictures of the set, and never from these",
}
_INT8_ACCURACY, _INT8_LOSS = 0.983, 0.003
_PRECISIONS = ("float32", "float16", "int8", "dynamic")


def wider(result: Result) -> str:
    """Return the section about faces found in real photographs."""
    peer = result.get("yunet")
    rows = []
    for height, found in result["recall"].items():
        wanted = at_least(found, _RECALL[height]) if height in _RECALL else ""
        other = [rate(peer["recall"][height])] if peer else []
        rows.append([f"found, {height} px high", rate(found), wanted, *other])
    for height in _RECALL:
        if "candidates" in result:
            rows.append([f"candidates, {height} px high", rate(result["candidates"][height]), "", *_blank(peer)])
    each = result["false_boxes_a_picture"]
    wanted = target(f"≤ {_FALSE_A_PICTURE}", reached=each <= _FALSE_A_PICTURE)
    rows.append(
        ["false boxes a picture", f"{each:.3f}", wanted, *([f"{peer['false_boxes_a_picture']:.3f}"] if peer else [])]
    )
    ious = ", ".join(
        f"{percent(found['recall']['32+']['rate'] or 0)} at {iou}" for iou, found in result["at_other_ious"].items()
    )
    heading = ["", "the program, full sweep", "target", *(["YuNet, threshold .6"] if peer else [])]
    return (
        f"## Faces in real photographs (`benchmarks.wider`)\n\n{result['pictures']} pictures of WIDER FACE. Every "
        "label counts, including blurred, turned and half hidden faces; labels marked invalid do not count. A face is "
        f"found at an overlap (IoU) of at least {result['min_iou']}. For the faces from 32 px on: {ious}. The "
        f"verifier has {_LEARNED[result.get('part', 'all')]}.\n\n" + table(heading, rows)
    )


def masked(result: Result) -> str:
    """Return the section about masked faces."""
    labels, widths = list(result["found"]), list(next(iter(result["found"].values())))
    rows = [
        [
            f"{what}, {label}, {width} px",
            rate(result[what][label][width]),
            at_least(result[what][label][width], _MASKED) if (what, label, width) == _ASKED else "",
        ]
        for what in ("found", "candidates")
        for label in labels
        for width in widths
        if result[what][label][width]["n"]
    ]
    rows.append(["false boxes a picture", f"{result['false_boxes_a_picture']:.3f}", ""])
    return (
        f"## Masked faces (`benchmarks.masked`)\n\n{result['pictures']} photographs of people with masks; the "
        f"verifier has {_LEARNED[result['part']]}. The widths are those of the labels. Faces without a label "
        "count as false boxes.\n\n" + table(("", "the program, full sweep", "target"), rows)
    )


def _blank(peer: Result | None) -> list[str]:
    return [""] if peer else []


def lfw(result: Result) -> str:
    """Return the section about verification."""
    precisions = [p for p in _PRECISIONS if p in result]
    rows = []
    for p in precisions:
        found = result[p]["intervals"]
        shares = [rate(found[key]) for key in ("accuracy", "tar_at_far_1e-2", "tar_at_far_1e-3")]
        rows.append(
            [f"{p}{' (in use)' if p == result['default'] else ''}", *shares, _wanted(result) if p == "int8" else ""]
        )
    faces = result["faces_found"]
    missing = f"{faces['n'] - faces['hits']} of {faces['n']:,}"
    return (
        f"## Same person or not (`benchmarks.lfw`)\n\n{result['pairs']:,} pairs of grey crops of Labeled Faces in the "
        "Wild, with the program's own detection, alignment and embedder. Thresholds are chosen on the other folds. A "
        f"pair with a face that was not found counts as wrong; {missing} were not found.\n\n"
        + table(("embedder", "accuracy", "TAR at FAR 1e-2", "TAR at FAR 1e-3", "target"), rows)
    )


def _wanted(result: Result) -> str:
    accuracy, full = result["int8"]["accuracy"], result["float32"]["accuracy"]
    reached = accuracy >= _INT8_ACCURACY and full - accuracy <= _INT8_LOSS + 1e-9
    return target("accuracy ≥ 98.3 % and at most 0.3 points below float32", reached=reached)
