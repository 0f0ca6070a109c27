"""Would a room that learns get better from lesson to lesson? A prototype, because the program does not learn.

    python -m benchmarks.term --data DIR --json OUT [--repetitions 25] [--cache DIR]

DIR has the form of lfw: images/ and images.csv (file, identity). In each repetition, 12 students are enrolled, and the
same class has three lessons in the same seats. Photographs of enrolment and of each lesson are disjoint. After a
lesson, each student who was named beyond doubt gets up to three templates from it. The lessons are held with these
templates and without them, with the same faces. No picture is composed; `benchmarks.scenarios.simulated` says how faces
are made. In another form, DIR has composed lessons instead: DIR/TERM/01, 02 and 03 (`term_folders`).
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks import command, folder, machine, match_faces, term_folders, term_lessons
from benchmarks.match_faces import Photograph
from benchmarks.scenarios.room import Layout
from benchmarks.term_lessons import CLASS, LESSONS, Condition
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.device import journal
from edge_daemon.vision.models import ModelSet

LEAST = 15
"""Number of photographs of each person: at most 3 for enrolment, 4 for each lesson."""
CONDITIONS = {
    f"{photographs} photographs, {name} px": Condition(photographs, Layout(1920, 1080, 4, 4, face_px))
    for photographs in (1, 3)
    for name, face_px in {"28 to 90": (28.0, 90.0), "26 to 44": (26.0, 44.0)}.items()
}

People = Mapping[str, Mapping[str, Photograph]]
"""Photographs by person and file name."""


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.term", "A prototype of a room that learns.", "images.csv, or TERM/01")
    arguments.add_argument("--repetitions", type=int, default=25, help="classes for each condition (default: 25)")
    arguments.add_argument("--cache", type=Path, help="folder for the read faces; it is trusted")
    arguments.add_argument("--most", type=int, help="read so many people anew, then go on with those that are there")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the false absences of the lessons after the first, with learned templates and without."""
    models = command.models(arguments)
    match = MatchProbability(models.weights("match_probability").path)
    if terms := term_folders.terms(arguments.data):
        return {**term_folders.measured(terms, models, arguments.models, match), "measured": machine.described(models)}
    people = read(arguments.data, models, arguments.cache, most=arguments.most)
    if len(people) < CLASS + term_lessons.STRANGERS:
        raise folder.DataError(f"has {len(people)} people with {LEAST} photographs", str(arguments.data))
    found = {}
    for number, (name, condition) in enumerate(CONDITIONS.items()):
        rng = np.random.default_rng(number)
        found[name] = term_lessons.Count()
        for repetition in range(arguments.repetitions):
            command.progress(repetition + 1, arguments.repetitions, f"{name}: classes")
            found[name].update(term_lessons.term(people, condition, match, rng))
    together = sum(found.values(), term_lessons.Count())
    return {
        **term_lessons.totals(together),
        "by_condition": {name: term_lessons.rates(count) for name, count in found.items()},
        "repetitions": arguments.repetitions,
        "lessons_each": LESSONS,
        "people": len(people),
        "measured": machine.described(models),
    }


def read(data: Path, models: ModelSet, cache: Path | None, *, most: int | None = None) -> People:
    """Return the photographs of everybody with at least `LEAST` photographs in which a face was found.

    Args:
        data: folder in the lfw form.
        models: networks that read the faces.
        cache: folder, created if missing; None: no cache.
        most: largest number of people outside the cache to read; further ones are left out.
    """
    files = defaultdict(list)
    for row in folder.rows(data / "images.csv", ("file", "identity")):
        files[row["identity"]].append(row["file"])
    known = {name: sorted(own)[: LEAST + 3] for name, own in sorted(files.items()) if len(own) >= LEAST}
    result, anew, reader = {}, 0, match_faces._Reader(models) if known else None
    for number, (name, own) in enumerate(known.items(), 1):
        command.progress(number, len(known), "people")
        kept = None if cache is None else cache / f"term-{_key(own, models)}.pickle"
        if kept is not None and kept.exists():
            result[name] = pickle.loads(kept.read_bytes())
        elif reader is not None and (most is None or anew < most):
            anew += 1
            found = {file: reader.photograph(folder.picture(data / "images" / file), file) for file in own}
            result[name] = {file: one for file, one in found.items() if one is not None}
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(pickle.dumps(result[name]))
    return {name: own for name, own in result.items() if len(own) >= LEAST}


def _key(files: list[str], models: ModelSet) -> str:
    code = [Path(module.__file__ or "").read_bytes() for module in (match_faces, match_faces.covers)]
    parts = [*code, *(card.sha256.encode() for card in models.cards), *(file.encode() for file in files)]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:20]


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
