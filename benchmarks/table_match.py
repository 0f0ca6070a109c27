"""The section about names by probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.table_cells import rate, table, target

Result = Mapping[str, Any]

_WAYS = {"threshold": "fixed thresholds", "width_weighted": "√width-weighted mean", "network": "probability"}
_ECE, _BINS_RIGHT, _P = 0.02, 8, 0.05


def match_confidence(result: Result) -> str:
    """Return the section about probabilities of matches."""
    return (
        "## The probability of a match (`benchmarks.match_confidence`)\n\n"
        f"{result['people']} people who are not in the training data, {result['trials']:,} trials: one person in front"
        f" of a class of 12 to 30; {result['prior']}. The pictures are photographs at a smaller size, with other light,"
        " blur and noise. Masks and glasses are painted. Students have one to three photographs. Strangers named: "
        f"{rate(result['strangers_named']['32+']['threshold'])} from 32 px on, for each way over all widths.\n\n"
        + table(("students named right", *_WAYS.values()), _right(result))
        + f"\nFrom 32 px on, the probability is right and the weighted mean wrong {_against(result)}.\n\n"
        + table(("what was said", "what was true, single faces", "tracks, from .2 to .95"), _reliability(result))
        + f"\n{_calibration(result)}\n\n"
        + table(
            ("doubt (`resembles`) carried by", "present students without a name", "absent students"),
            [
                [f"{name}", rate(found["false_absences_doubted"]), rate(found["true_absences_doubted"])]
                for name, found in result["resembles"].items()
            ],
        )
        + "\nThe rooms have a tenth or a third of the class absent, and up to four strangers. All unnamed people are "
        "in one condition and seen in at least five captures.\n"
    )


def _right(result: Result) -> list[list[str]]:
    by_width = [[f"{width} px" if width != "mixed" else width, found] for width, found in result["right"].items()]
    by_condition = [[condition, found] for condition, found in result["right_by_condition"].items()]
    return [[name, *(rate(found[way]) for way in _WAYS)] for name, found in [*by_width, *by_condition]]


def _against(result: Result) -> str:
    found = result["mcnemar"]["width_weighted"]
    times = f"{found['network_only']:,} times, and the other way round {found['other_only']:,} times"
    better = found["network_only"] > found["other_only"] and found["p"] < _P
    return f"{times} (McNemar p = {found['p']:.2g}; {target(f'better, p < {_P:g}', reached=better)})"


def _reliability(result: Result) -> list[list[str]]:
    return [
        [str(number), _one(face), _one(track)]
        for number, (face, track) in enumerate(
            zip(result["reliability_face"], result["reliability_track"], strict=True), 1
        )
    ]


def _one(found: Mapping[str, float]) -> str:
    return f"{found['said']:.3f}: {found['true']:.3f} [{found['low']:.3f}, {found['high']:.3f}] ({found['n']:,})"


def _calibration(result: Result) -> str:
    parts = []
    for what in ("face", "track"):
        bins: Sequence[Mapping[str, float]] = result[f"reliability_{what}"]
        inside = sum(one["low"] <= one["said"] <= one["high"] for one in bins)
        wanted = target(f"≥ {_BINS_RIGHT}", reached=inside >= _BINS_RIGHT)
        error = target(f"≤ {_ECE:g}", reached=result[f"ece_{what}"] <= _ECE)
        held = f"{what}s: {inside} of {len(bins)} bins hold what was said ({wanted})"
        parts.append(f"{held}, error {result[f'ece_{what}']:.3f} ({error})")
    return "; ".join(parts) + "."
