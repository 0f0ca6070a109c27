"""The section about the spoken phrase of the check-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_least, percent, rate, table, target

Result = Mapping[str, Any]

_KINDS = {
    "right": "right clip accepted",
    "same_other": "same person, other phrase refused",
    "other_same": "other person, same phrase refused",
    "other_other": "other person, other phrase refused",
}
_TARGETS = {
    "phrases": {"right": 0.97, "same_other": 0.943, "other_same": 0.989, "other_other": 0.973},
    "words": {"right": 0.95, "same_other": 0.85, "other_same": 0.95, "other_other": 0.97},
}
_ATTACKS = {"still": (0.97, "a still that trembles"), "mean_swapped": (0.85, "right mean picture, other movement")}
_REVERSED = 0.90
_EER, _AUC = 0.02, 0.998
_ENROL_S, _VERIFY_S = 2.0, 0.5


def phrase(result: Result) -> str:
    """Return the section about phrases and words."""
    people, others = len(result["speakers"]), len(result["threshold_speakers"])
    return (
        "## A spoken phrase: face and movement (`benchmarks.phrase`)\n\n"
        f"Crops of mouths (MIRACL-VC1, research only) of {people} speakers on whom no choice depends. The threshold is "
        f"the one that 97.5 % of the right clips of {others} other speakers pass (97 % at first; the margin was added "
        "after the first result). Each run of 5, 7 or 9 of the 10 repetitions is enrolled in turn, and all other clips "
        "of the set are tried. The trials are therefore not independent. The second table has intervals by bootstrap "
        "over speakers in round brackets. **One filming session for each speaker, mouths only, no test at a real "
        "door.** Each speaker said all repetitions of a phrase in succession. The table therefore also has the static "
        "control, which uses only the mean picture.\n\n"
        + "".join(_set(name, one) for name, one in result["sets"].items())
        + f"A model of 9 repetitions takes {result['enrol_cpu_s']:.3f} s of CPU time "
        f"({target(f'≤ {_ENROL_S:g} s', reached=result['enrol_cpu_s'] <= _ENROL_S)}), one clip "
        f"{result['verify_cpu_s']:.3f} s "
        f"({target(f'≤ {_VERIFY_S:g} s', reached=result['verify_cpu_s'] <= _VERIFY_S)}), "
        "both starting from the crops.\n\n"
        "![ROC curves of phrases and words: combined, static control, movement only](phrase_roc.svg)\n\n"
        "![How many clips of each kind were accepted and refused](phrase_confusion.svg)\n"
    )


_FACES = {
    "own": "own copies accepted",
    "other": "other people refused",
    "other_sentence": "same person with another sentence refused",
    "still": "one frame held still refused",
    "reversed": "the clip backwards refused",
}


def phrase_faces(result: Result) -> str:
    """Return the section about whole faces, from videos to answers."""
    rows = [
        [text, *(rate(result["answers"][kind][system]) for system in ("program", "face_alone", "movement_alone"))]
        for kind, text in _FACES.items()
        if kind in result["answers"]
    ]
    return (
        "## The check-in from whole faces to the answer (`benchmarks.phrase_faces`)\n\n"
        f"{result['videos']} videos of talking people (GRID corpus), {result['enrolled']} repetitions enrolled. "
        "**There is one clip of each person: its repetitions are perturbed copies** (another pace, light, place, size "
        "and grain). A person's own clip is therefore easier than at a door. The program's answer needs the face and "
        "the movement, each at its threshold. The table also has each of them alone, as the baseline.\n\n"
        + table(("", "the program", "face alone", "movement alone"), rows)
        + f"\nA frame takes {result['cpu_ms_a_frame']:.1f} ms of CPU time (face, mesh, mouth, vectors).\n"
    )


def _set(name: str, one: Result) -> str:
    goals = _TARGETS[name]
    enrolled, most = one["enrol"], one["enrol"]["9"]
    rows = [
        [
            f"{text}, {count} enrolled",
            rate(enrolled[count][kind]),
            at_least(most[kind], goals[kind]) if count == "9" else "",
        ]
        for kind, text in _KINDS.items()
        for count in ("5", "7", "9")
    ]
    rows += [
        [f"{text}, refused", rate(one["attacks"][kind]), at_least(one["attacks"][kind], goal)]
        for kind, (goal, text) in _ATTACKS.items()
    ]
    reversed_ = one["attacks"]["reversed"]
    rows.append(["a clip backwards, refused", rate(reversed_), f"aim: {at_least(reversed_, _REVERSED)}"])
    return f"{table((name, 'rate', 'target'), rows)}\n{_systems(name, one)}\n"


def _systems(name: str, one: Result) -> str:
    enrolled = one["enrol"]["9"]
    systems = {"combined": enrolled, "static control": one["static_control"], "movement only": one["movement_only"]}
    rows = [
        [text, *(percent(found[kind]["rate"]) for kind in _KINDS), f"{found['eer']:.4f}", f"{found['auc']:.4f}"]
        for text, found in systems.items()
    ]
    gain = one["over_speakers"]["error_less_than_static"]
    intervals = one["over_speakers"]["intervals"]
    rows.append(
        ["combined, over speakers", *(f"({percent(low)}, {percent(high)})" for low, high in intervals.values()), "", ""]
    )
    goals = (
        f" EER {target(f'≤ {_EER:g}', reached=enrolled['eer'] <= _EER)}, AUC "
        f"{target(f'≥ {_AUC:g}', reached=enrolled['auc'] >= _AUC)}."
        if name == "phrases"
        else ""
    )
    better = target("better, p < .05", reached=gain["low"] > 0 and gain["p"] < 0.05)
    return (
        table((f"{name}, 9 enrolled", "right", "same/other", "other/same", "other/other", "EER", "AUC"), rows)
        + f"\nCombined against the static control, mean error of the four kinds: {gain['mean']:.4f} less "
        f"({gain['low']:.4f} to {gain['high']:.4f}, p = {gain['p']:.3f}, paired, over speakers; {better}).{goals}\n"
    )
