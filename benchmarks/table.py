"""Make benchmarks/RESULTS.md from the results in benchmarks/results.

python -m benchmarks.table
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import (
    table_days,
    table_instructions,
    table_large,
    table_lesson,
    table_match,
    table_network,
    table_phrase,
    table_pictures,
    table_posters,
    table_prints,
    table_scenarios,
    table_speed,
    table_storage,
    table_term,
    table_traits,
)

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "benchmarks" / "RESULTS.md"

Result = Mapping[str, Any]

_SECTIONS: dict[str, Callable[[Result], str]] = {
    "lesson": table_lesson.section,
    "lesson_all_cores": table_lesson.all_cores,
    "scenarios": table_scenarios.composed,
    "scenarios_simulated": table_scenarios.simulated,
    "bad_days": table_days.bad_days,
    "degraded": table_days.degraded,
    "wider": table_pictures.wider,
    "masked": table_pictures.masked,
    "lfw": table_pictures.lfw,
    "match_confidence": table_match.match_confidence,
    "term": table_term.term,
    "numpy_network": table_network.numpy_network,
    "phrase": table_phrase.phrase,
    "phrase_faces": table_phrase.phrase_faces,
    "prints": table_prints.prints,
    "posters": table_posters.posters,
    "eyes": table_prints.eyes,
    "eyes_cost": table_prints.eyes_cost,
    "mask": table_traits.mask,
    "mask_cost": table_traits.mask_cost,
    "expression": table_traits.expression,
    "speed": table_speed.section,
    "large_frames": table_large.section,
    "instructions": table_instructions.section,
    "storage": table_storage.section,
}
_HEAD = """# Measured results of the program

Made by `python -m benchmarks.table` from the raw results in `benchmarks/results/`; don't edit it by hand.

Square brackets have the exact 95 % interval of a share (Clopper and Pearson), round brackets the counts. The captures
of one lesson show the same people repeatedly. The intervals of faces treat them as independent, so they are narrower
than they should be. "Target" is the project's aim, set beforehand; a missed one is marked **missed**.

The lessons are composed: grey press photographs (Labeled Faces in the Wild), coloured and pasted into drawn rooms with
parts of real pictures (WIDER FACE). Real faces turn, move and hide more, and the embedder may have seen some of these
people in its training. The figures therefore compare versions of the program with each other and with other programs.
They are no promise for a classroom.

The pictures are not in this repository (research licences, real people). Each benchmark takes any folder in the form
that its module describes:

    python -m benchmarks.lesson --data LESSONS --json benchmarks/results/lesson.json
    python -m benchmarks.scenarios.make --faces LFW --out SCENARIOS --half report
    python -m benchmarks.lesson --data SCENARIOS --json benchmarks/results/scenarios.json --cache CACHE
    python -m benchmarks.scenarios.simulated --data LFW --held-back --json benchmarks/results/scenarios_simulated.json
    python -m benchmarks.wider --data WIDER --peer yunet.onnx --part held-back --json benchmarks/results/wider.json
    python -m benchmarks.masked --data MASKS --part held-back --json benchmarks/results/masked.json
    python -m benchmarks.lfw --data LFW --json benchmarks/results/lfw.json
    python -m benchmarks.speed --data LESSON --yunet yunet.onnx --peer-python PY --json benchmarks/results/speed.json
    python -m benchmarks.large_frames --data LESSON --hall HALL --json benchmarks/results/large_frames.json
    python -m benchmarks.instructions --data LESSON --yunet yunet.onnx --root ROOT --packages SITE --json OUT
    python -m benchmarks.degraded --data LESSONS --json benchmarks/results/degraded.json
    python -m benchmarks.bad_lessons --data LESSONS --out BAD --captures 12
    python -m benchmarks.bad_lessons --data LESSONS --out FIRST --captures 12 --first
    python -m benchmarks.bad_days --data BAD --first FIRST --json benchmarks/results/bad_days.json
    python -m benchmarks.storage --json benchmarks/results/storage.json
    python -m benchmarks.match_confidence --data LFW --held-back --json benchmarks/results/match_confidence.json
    python -m benchmarks.term --data LFW --json benchmarks/results/term.json --repetitions 15 --cache CACHE
    python -m benchmarks.print_fit --data LFW --people 48 --json OUT --cache CACHE
    python -m benchmarks.prints --data LFW --clips GRID DRIVERS --json benchmarks/results/prints.json --cache CACHE
    python -m benchmarks.posters --data LFW --json benchmarks/results/posters.json
    python -m benchmarks.eyes --data YALE --faces LFW --people 30 --json benchmarks/results/eyes.json
    python -m benchmarks.eyes_cost --data LESSON --json benchmarks/results/eyes_cost.json
    python -m benchmarks.mask --data MASK_VOC --held-back --json benchmarks/results/mask.json
    python -m benchmarks.mask_cost --data LESSON --json benchmarks/results/mask_cost.json
    python -m benchmarks.expression --data FER2013 --model MODEL --json benchmarks/results/expression.json
    python -m benchmarks.numpy_network --data mnist_5k.csv.gz --json OUT --curves benchmarks/numpy_network.svg
    python -m benchmarks.phrase --data CLIPS --threshold-from OTHERS --json OUT --roc ROC.svg
    python -m benchmarks.phrase_faces --data VIDEOS --json benchmarks/results/phrase_faces.json
    python -m benchmarks.table
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(RESULTS), encoding="utf-8")
    return 0


def page(results: Path) -> str:
    """Return the page for the results in a folder; a missing result has no section."""
    parts = [_HEAD]
    for name in names(results):
        result = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
        parts.append(f"{_SECTIONS[name](result)}\n{_measured(result['measured'])}")
    return "\n".join(parts)


def names(results: Path) -> list[str]:
    """Return the names of the results in a folder that the page has, in its order."""
    return [name for name in _SECTIONS if (results / f"{name}.json").exists()]


def _measured(measured: Result) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in measured["versions"].items())
    machine = f"{measured['cpu']}, {measured['cores']} cores ({measured['note'] or measured['architecture']})"
    commit = f", commit {measured['commit']}" if measured["commit"] else ""
    return f"*{measured['date']}{commit}; {machine}; {versions}.*\n"


if __name__ == "__main__":
    sys.exit(main())
