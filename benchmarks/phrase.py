"""Measures whether face and movement identify a spoken phrase, on right clips, other words, other people, and attacks.

    python -m benchmarks.phrase --data CLIPS --threshold-from OTHER_SPEAKERS --json OUT [--roc SVG] [--confusion SVG]

CLIPS has clips.csv (clip,speaker,phrase,repetition), and clips.zip or clips/ with CLIP/FRAME.jpg. Phrases have the
names p01, p02 ..., words w01, w02 .... For each speaker and phrase the benchmark enrols 5, 7 or 9 consecutive
repetitions, each such run in turn, and tries all other clips in the set. It chooses the threshold for each set and
number on the speakers in OTHER_SPEAKERS. Without --threshold-from, it chooses the threshold on the other speakers in
CLIPS. The rates of "right" count accepted clips, all other rates count refused clips. The trials of one speaker are not
independent: "over_speakers" has intervals that allow for this.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import command, machine, phrase_clips, phrase_plots, phrase_rates
from benchmarks.folder import DataError
from benchmarks.phrase_clips import Clip
from benchmarks.phrase_rates import ATTACKS_FROM, SYSTEMS
from benchmarks.phrase_trials import KINDS, RIGHT, ClipSet, Trials
from edge_daemon.checkin.phrase_model import phrase_model

ENROLLED: Final = (5, 7, 9)
SETS: Final = {"phrases": "p", "words": "w"}
_MOST: Final = ENROLLED[-1]


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.phrase", "A spoken phrase: face and movement.", "clips of mouths")
    arguments.add_argument("--threshold-from", type=Path, metavar="DIR", help="clips of other speakers")
    arguments.add_argument("--roc", type=Path, metavar="PICTURE.svg", help="file for the ROC curves")
    arguments.add_argument("--confusion", type=Path, metavar="PICTURE.svg", help="file for the confusion tables")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, return the results for the JSON file, and draw the pictures if files are given."""
    clips = phrase_clips.read(arguments.data)
    others = phrase_clips.read(arguments.threshold_from) if arguments.threshold_from else []
    if both := {clip.speaker for clip in clips} & {clip.speaker for clip in others}:
        raise DataError(f"speaker {min(both)} is in --data, too", str(arguments.threshold_from))
    sets: dict[str, object] = {}
    shown: dict[str, Trials] = {}
    confusion: dict[str, list[tuple[str, int, int]]] = {}
    for name, letter in SETS.items():
        examined, chosen = ([one for one in each if one.phrase.startswith(letter)] for each in (clips, others))
        if not examined:
            continue
        sets[name], shown[name], confusion[name] = _set(examined, chosen, str(arguments.data))
    if not sets:
        raise DataError("has no clip of a phrase p… or a word w…", str(arguments.data))
    if arguments.roc:
        arguments.roc.write_text(phrase_plots.roc_picture(_curves(shown)), encoding="utf-8")
    if arguments.confusion:
        arguments.confusion.write_text(phrase_plots.confusion_picture(confusion), encoding="utf-8")
    return {
        "sets": sets,
        **_cpu_times(clips),
        "speakers": sorted({clip.speaker for clip in clips}),
        "threshold_speakers": sorted({clip.speaker for clip in others}),
        "measured": machine.described(command.models(arguments)),
    }


def _set(
    clips: list[Clip], others: list[Clip], where: str
) -> tuple[dict[str, object], Trials, list[tuple[str, int, int]]]:
    """Return the results for a set, its trials with the most enrolled repetitions, and its confusion table."""
    least = min(sum(c.speaker == one.speaker and c.phrase == one.phrase for c in clips) for one in clips)
    if least <= _MOST or len({clip.speaker for clip in clips}) < 2:
        raise DataError(f"needs two speakers and {_MOST + 1} repetitions of each phrase; one has {least}", where)
    examined, chosen = ClipSet(clips), ClipSet(others) if others else None
    found: dict[str, dict[str, object]] = {system: {} for system in SYSTEMS}
    limits: dict[str, np.ndarray] = {}
    for enrolled in ENROLLED:
        trials = examined.trials(enrolled)
        other_trials = chosen.trials(enrolled) if chosen is not None else None
        for system in SYSTEMS:
            limits[system] = phrase_rates.thresholds(system, trials, other_trials)
            found[system][str(enrolled)] = phrase_rates.rates(system, trials, limits[system])
    accepted = SYSTEMS["combined"](trials.scores) >= limits["combined"]
    most = str(_MOST)
    result = {
        "enrol": found["combined"],
        # The control's values with the most enrolled repetitions are also at the top.
        **{name: {**_dict(found[name][most]), "enrol": found[name]} for name in ("static_control", "movement_only")},
        "attacks": {name: phrase_rates.refused(accepted, trials.kind, name) for name in KINDS[ATTACKS_FROM:]},
        "over_speakers": phrase_rates.over_speakers(trials, limits["combined"], limits["static_control"]),
    }
    counted = [
        (name, int(accepted[trials.kind == k].sum()), int((~accepted[trials.kind == k]).sum()))
        for k, name in enumerate(KINDS)
    ]
    return result, trials, counted


def _dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


def _curves(shown: dict[str, Trials]) -> dict[str, dict[str, phrase_plots.Curve]]:
    curves = {}
    for name, trials in shown.items():
        impostor = (trials.kind != RIGHT) & (trials.kind < ATTACKS_FROM)
        scores = {system: score(trials.scores) for system, score in SYSTEMS.items()}
        curves[f"{name}, {_MOST} enrolled"] = {
            system: phrase_rates.roc(one[trials.kind == RIGHT], one[impostor]) for system, one in scores.items()
        }
    return curves


def _cpu_times(clips: list[Clip]) -> dict[str, float]:
    """Return the CPU seconds to make the model of 9 repetitions, and to judge one clip, both from grey frames."""
    frames = [clip.frames for clip in clips[: _MOST + 1]]
    begin_s = time.process_time()
    model = phrase_model([phrase_clips.movement(one) for one in frames[:_MOST]])
    enrolled_s = time.process_time()
    model.scores([phrase_clips.movement(frames[_MOST])])
    return {
        "enrol_cpu_s": round(enrolled_s - begin_s, 4),
        "verify_cpu_s": round(time.process_time() - enrolled_s, 4),
    }


if __name__ == "__main__":
    sys.exit(main())
