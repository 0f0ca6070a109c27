"""Measures the similarity of faces to the right student and to wrong ones, by size and number of faces.

    python -m benchmarks.thresholds --data DIR --json OUT

DIR has images/ and images.csv (file, identity), from Labeled Faces in the Wild. In every trial each person is enrolled
with three photographs. One, three or ten other faces of the person are reduced to a size, and pooled as the program
pools the faces of a track. *Student*: the person is one of a class of 30. *Stranger*: the person is not, and the best
of the 30 counts. A trial passes at the thresholds in `edge_daemon.attendance.evidence.thresholds`, which were chosen
from this table.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder, machine
from benchmarks.rates import Rate
from edge_daemon.attendance.evidence.thresholds import Thresholds
from edge_daemon.attendance.evidence.track_identification import score
from edge_daemon.attendance.evidence.tracks import make_track
from edge_daemon.gallery.match import Matcher
from edge_daemon.types import Box, Candidate, Quality, StudentTemplates, Vector
from edge_daemon.vision.portrait import PortraitReader

ENROLLED = 3
LEAST = 7
"""Least number of photographs of a person."""
MOST = 14
CLASS = 30
WIDTHS_PX = (26.0, 32.0, 40.0, 56.0, 80.0)
FACES = (1, 3, 10)
ROUNDS = 12
Photograph = tuple[Vector, Vector]
"""Vectors (n, 192) at the widths (n,)."""


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.thresholds", "Genuine and impostor scores by size.", "images.csv, images/")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, and return the table for the JSON file."""
    models = command.models(arguments)
    people = list(photographs(arguments.data, PortraitReader(models)).values())
    if len(people) <= CLASS:
        raise folder.DataError(f"has {len(people)} people of {LEAST} photographs; more than {CLASS} are needed", "")
    random = np.random.default_rng(0)
    scores: dict[tuple[float, int], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for _ in range(ROUNDS):
        for key, (student, stranger) in _round(people, random).items():
            scores[key][0].extend(student)
            scores[key][1].extend(stranger)
    return {
        "people": len(people),
        "rows": [_row(width, count, *scores[width, count]) for width in WIDTHS_PX for count in FACES],
        "measured": machine.described(models),
    }


def photographs(data: Path, reader: PortraitReader) -> dict[str, list[Photograph]]:
    """Return the vectors of the photographs for each person who has enough of them."""
    files = defaultdict(list)
    for row in folder.rows(data / "images.csv", ("file", "identity")):
        files[row["identity"]].append(row["file"])
    known = {name: sorted(own)[:MOST] for name, own in sorted(files.items()) if len(own) >= LEAST}
    result = {}
    for number, (name, own) in enumerate(known.items(), 1):
        command.progress(number, len(known), "people")
        pictures = [folder.picture(data / "images" / file) for file in own]
        found = [(picture, reader.faces(picture)) for picture in pictures]
        result[name] = [reader.templates(picture, faces[0]) for picture, faces in found if faces]
    return {name: own for name, own in result.items() if len(own) > ENROLLED}


def _round(
    people: Sequence[list[Photograph]], random: np.random.Generator
) -> dict[tuple[float, int], tuple[list[float], list[float]]]:
    orders = [random.permutation(len(own)) for own in people]
    matcher = Matcher([_templates(i, [own[k] for k in orders[i][:ENROLLED]]) for i, own in enumerate(people)])
    result: dict[tuple[float, int], tuple[list[float], list[float]]] = {}
    for width in WIDTHS_PX:
        for count in FACES:
            student, stranger = [], []
            for i, own in enumerate(people):
                faces = [own[k] for k in orders[i][ENROLLED:][:count]]
                others = random.permutation([k for k in range(len(people)) if k != i])[:CLASS]
                student.append(float(_scores(faces, width, matcher, [i, *others[1:]])[0]))
                stranger.append(float(_scores(faces, width, matcher, list(others)).max()))
            result[width, count] = (student, stranger)
    return result


def _templates(number: int, own: Sequence[Photograph]) -> StudentTemplates:
    return StudentTemplates(str(number), np.concatenate([v for v, _ in own]), np.concatenate([w for _, w in own]))


def _scores(own: Sequence[Photograph], width: float, matcher: Matcher, students: list[int]) -> NDArray[np.float64]:
    """Return the score of some faces of one person for each student in a class."""
    vectors = np.stack([v[int(np.argmin(np.abs(w - width)))] for v, w in own])
    similarities = matcher.similarities(vectors, np.full(len(own), width, np.float32))[:, students]
    quality, box = Quality(width, 0.5, 1.0), Box(0.0, 0.0, width, 1.25 * width)
    faces = [Candidate(k, box, 1.0, quality, True, row, None) for k, row in enumerate(similarities)]
    members = list(range(len(faces)))
    return score([make_track(0, members, members, vectors)], faces)


def _row(width: float, count: int, student: list[float], stranger: list[float]) -> dict[str, object]:
    threshold = Thresholds().threshold(width, count)
    return {
        "width_px": width,
        "faces": count,
        "threshold": round(threshold, 3),
        "student_refused": Rate(sum(s < threshold for s in student), len(student)).json(),
        "stranger_named": Rate(sum(s >= threshold for s in stranger), len(stranger)).json(),
        "student_scores": {f"{q:g} %": round(float(np.percentile(student, q)), 3) for q in (0.5, 1, 5, 50)},
        "stranger_scores": {f"{q:g} %": round(float(np.percentile(stranger, q)), 3) for q in (50, 95, 97, 99)},
    }


if __name__ == "__main__":
    sys.exit(main())
