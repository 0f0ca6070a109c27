"""The sections about masks and about expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.table_cells import at_least, percent, rate, table, target

Result = Mapping[str, Any]

_RECALLS = {"none": 0.97, "right": 0.95, "wrong": 0.72}
_BALANCED, _ACCURACY, _EFFECTIVE = 0.89, 0.95, 0.965
_BYTES, _MS = 60_000, 1.5
_COST = 1.05
_LAB_ACCURACY, _LAB_BALANCED, _LAB_BYTES, _LAB_MS = 0.66, 0.60, 1_000_000, 5.0
_LAB_HEADS = {
    "cnn": "CNN",
    "bilstm": "BiLSTM over the picture's rows, no CNN",
    "cnn_bilstm": "BiLSTM over the CNN's features",
}


def mask(result: Result) -> str:
    """Return the section about masks."""
    through = result["end_to_end"]
    rows = [
        [f"{name}, of faces of 24 px and more", rate(result["recall"][name]), at_least(result["recall"][name], least)]
        for name, least in _RECALLS.items()
    ]
    rows += [
        ["the three, balanced", percent(result["balanced"]), _least(result["balanced"], _BALANCED)],
        ["all faces", rate(result["accuracy"]), at_least(result["accuracy"], _ACCURACY)],
        ["effective: none and wrong as one", rate(result["effective"]), at_least(result["effective"], _EFFECTIVE)],
        ["none or right only", rate(result["two_class"]), ""],
        *([f"end to end, {name}: found and right", rate(through["found_and_right"][name]), ""] for name in _RECALLS),
        ["size", f"{result['bytes']:,} bytes", _most(result["bytes"], _BYTES, f"≤ {_BYTES:,}")],
        [
            "processor time for a face, including cutting it out",
            f"{result['ms_a_face']:.2f} ms",
            _most(result["ms_a_face"], _MS, f"≤ {_MS:g} ms"),
        ],
    ]
    widths = [[f"{px} px", *(rate(one["recall"][name]) for name in _RECALLS)] for px, one in result["by_width"].items()]
    confusion = [[name, *row] for name, row in zip(result["classes"], result["confusion"], strict=True)]
    held = "that were held back from training" if result["held_back_only"] else "of the folder"
    return (
        "## Masks (`benchmarks.mask`)\n\n"
        f"{result['pictures']} press photographs of Kaggle's Face Mask Detection {held}: labelled boxes, cut out and "
        "classified. End to end, the program finds the face itself. Accuracy alone is not informative, because most "
        "people wear the mask right. Few wear it wrong, so that interval is wide. The shipped file was trained in the "
        "same way, on every picture (models_tflite/README.md).\n\n"
        + table(("masks", "reached", "target"), rows)
        + "\n"
        + table(("width of the labelled box", *_RECALLS), widths)
        + "\n"
        + table(("label, classed as", *result["classes"]), confusion)
    )


def mask_cost(result: Result) -> str:
    """Return the section about the cost of masks in a lesson."""
    seconds = result["cpu_s_a_capture"]
    row = [
        f"{seconds['off']:.3f} s",
        f"{seconds['on']:.3f} s",
        f"{100 * (result['ratio'] - 1):+.1f} %",
        _most(result["ratio"], _COST, "≤ 5 %"),
    ]
    return (
        "## The cost of masks in a lesson (`benchmarks.mask_cost`)\n\n"
        f"{result['captures']} captures, {result['faces']} faces, read as in a lesson, with the analyser "
        "off and on in turns.\n\n" + table(("processor time of a capture, off", "on", "more", "target"), [row])
    )


def expression(result: Result) -> str:
    """Return the section about the laboratory's network."""
    rows = [
        [
            name,
            rate(result[head]["accuracy"]),
            percent(result[head]["balanced"]),
            *(f"{value:.2f}" for value in result[head]["f1"].values()),
        ]
        for head, name in _LAB_HEADS.items()
    ]
    main = result["cnn_bilstm"]
    targets = [
        [
            "accuracy (set for PrivateTest, which is not here)",
            rate(main["accuracy"]),
            at_least(main["accuracy"], _LAB_ACCURACY),
        ],
        ["balanced", percent(main["balanced"]), _least(main["balanced"], _LAB_BALANCED)],
        ["size", f"{result['bytes']:,} bytes", _most(result["bytes"], _LAB_BYTES, "≤ 1 MB")],
        ["processor time of a face", f"{result['ms_a_face']:.2f} ms", _most(result["ms_a_face"], _LAB_MS, "≤ 5 ms")],
    ]
    confusions = [_lab_confusion(name, result[head]["confusion"], main["f1"]) for head, name in _LAB_HEADS.items()]
    return (
        "## Laboratory: expressions of FER2013 (`benchmarks.expression`)\n\n"
        f"{result['notice']} No weights are shipped. {_lab_training(result['training'])}\n\n"
        f"Measured on {result['pictures']:,} pictures of {result['split']}; {result['doubles_left_out']} doubles left "
        "out. Each face is read ten times, shifted and mirrored. The same pictures chose the best epoch and the "
        "readings.\n\n"
        + table(("network", "right", "balanced", *(f"F1 {label}" for label in main["f1"])), rows)
        + "\n"
        + table(("BiLSTM over the CNN's features", "reached", "target"), targets)
        + "\n"
        + _lab_labels(result)
        + "\n"
        + "\n".join(confusions)
        + "\n![Accuracy of the three networks after each epoch](expression_curve.svg)\n"
    )


def _lab_training(trained: Mapping[str, Any]) -> str:
    """Return a sentence about the training of the expression network: epochs, time, and changes of the plan."""
    changes = "".join(
        f" After epoch {done}, the plan was changed from {before} epochs to {after}."
        for done, before, after in trained["epochs_changed"]
    )
    return (
        f"This network was trained here, for {trained['epochs']} epochs in {trained['minutes']} minutes on a shared "
        f"machine, {trained['processor_minutes']} minutes of one core ({trained['ended']}; the best epoch was "
        f"{trained['best_epoch']}).{changes}"
    )


def _lab_labels(result: Result) -> str:
    """Return precision, recall and F1 of each label, by network."""
    kinds = ("precision", "recall", "f1")
    labels = [
        [label, *(f"{result[head][kind][label]:.2f}" for head in _LAB_HEADS for kind in kinds)]
        for label in result["cnn"]["f1"]
    ]
    short = ("CNN", "BiLSTM alone", "both")
    return table(("label", *(f"{name}: {kind.replace('f1', 'F1')}" for name in short for kind in kinds)), labels)


def _lab_confusion(name: str, confusion: Sequence[Sequence[int]], labels: Iterable[str]) -> str:
    """Return the confusion matrix of one network; rows are labels of the data set."""
    labels = list(labels)
    return table((f"{name}: label, classed as", *labels), [[a, *row] for a, row in zip(labels, confusion, strict=True)])


def _least(share: float, least: float) -> str:
    return target(f"≥ {100 * least:g} %", reached=share >= least)


def _most(value: float, most: float, text: str) -> str:
    return target(text, reached=value <= most)
