"""Measures how far captures can be degraded until faces are no longer found or named, in composed lessons.

    python -m benchmarks.degraded --data DIR --json OUT [--captures 4]

DIR is a folder of lesson folders. A student's face is found if a candidate overlaps it. It is named if the candidate is
more similar to that student than to any other.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import command, folder, machine
from benchmarks.degrade import STEPS
from benchmarks.lesson import enrol, lessons
from benchmarks.lesson_truth import TrueFace, Truth, read_truth
from benchmarks.rates import Rate
from edge_daemon.app.capture.comparer import Comparer
from edge_daemon.app.opening.models_and_gallery import load_models, open_gallery_store
from edge_daemon.home import Home
from edge_daemon.types import Candidate, Picture
from edge_daemon.vision.room_view import room_view


def main() -> int:
    """Measure and return the exit code."""
    parser = command.parser("benchmarks.degraded", __doc__ or "", "folder of lesson folders")
    parser.add_argument("--captures", type=int, default=4, help="number for each lesson (default: 4)")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the found and named shares by degradation and step, with the program's measurements of such captures."""
    found: dict[str, dict[str, list[tuple[Rate, Rate, dict[str, float]]]]] = {}
    for path in lessons(arguments.data):
        _measure_lesson(path, arguments.captures, arguments.models, found)
    return {
        "measured": machine.described(command.models(arguments)),
        "curves": {name: {step: _pooled(rows) for step, rows in steps.items()} for name, steps in found.items()},
    }


def _measure_lesson(path: Path, captures: int, models: Path | None, found: dict) -> None:
    truth, rng = read_truth(path), np.random.default_rng(1)
    with tempfile.TemporaryDirectory(prefix="edge-daemon-degraded-") as temporary:
        home = Path(temporary) / "home"
        enrol(path, home, 1, models)
        opened = Home(home)
        gallery, loaded = open_gallery_store(opened), load_models(opened.config)
        names = sorted(truth.faces)
        names = names[:: max(1, len(names) // captures)][:captures]
        for name, (degrade, steps) in STEPS.items():
            for step in steps:
                # Nothing is learned from an easier capture.
                comparer = Comparer(opened.config, gallery, loaded, captures=len(names))
                for slot, frame in enumerate(names):
                    picture = degrade(folder.picture(_file(path, frame)), step, rng)
                    candidates = comparer.candidates(slot, picture)
                    row = (*_score(truth, frame, candidates, list(comparer.student_ids)), _seen(picture))
                    found.setdefault(name, {}).setdefault(f"{step:g}", []).append(row)


def _file(path: Path, frame: str) -> Path:
    return next(one for one in (path / "frames").iterdir() if one.stem == frame)


def _score(truth: Truth, frame: str, candidates: list[Candidate], ids: list[str]) -> tuple[Rate, Rate]:
    faces = [face for face in truth.faces[frame] if face.student_id in ids]
    hits = [(face, _on(face, candidates)) for face in faces]
    named = [one is not None and ids[int(np.argmax(one.similarities))] == face.student_id for face, one in hits]
    return Rate(sum(one is not None for _, one in hits), len(faces)), Rate(sum(named), len(faces))


def _on(face: TrueFace, candidates: list[Candidate]) -> Candidate | None:
    x, y, w, h = face.box
    for one in candidates:
        dx, dy = one.box.x + one.box.w / 2 - x - w / 2, one.box.y + one.box.h / 2 - y - h / 2
        if abs(dx) < w / 2 and abs(dy) < h / 2 and one.score >= 0.5:
            return one
    return None


def _seen(picture: Picture) -> dict[str, float]:
    view = room_view(picture)
    return {
        "luma": float(np.median(view.luma)),
        "burnt": float(view.burnt.mean()),
        "structure": float(np.median(view.structure)),
        "blur_px": min(view.blur_px, 99.0),
    }


def _pooled(rows: list[tuple[Rate, Rate, dict[str, float]]]) -> dict[str, object]:
    found, named = Rate(0, 0), Rate(0, 0)
    for one, other, _ in rows:
        found, named = found + one, named + other
    seen = {key: round(float(np.median([row[2][key] for row in rows])), 2) for key in rows[0][2]}
    return {"captures": len(rows), "found": found.json(), "named": named.json(), "measured": seen}


if __name__ == "__main__":
    sys.exit(main())
