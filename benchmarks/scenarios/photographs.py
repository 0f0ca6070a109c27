"""Compares the hit rate that enrolment expects of a student with the real one, by the quality of the photographs.

    python -m benchmarks.scenarios.photographs --data LFW --json OUT [--held-back] [--lessons 200] [--cache DIR]

LFW has images/ and images.csv (file, identity). The photographs of each student are left as they are or are spoiled:
small, out of focus or dark. Lessons are simulated with them (`benchmarks.scenarios.simulated`: bare faces, the
right class). Photographs that enrolment refuses are counted and not used.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks import command, folder, machine, match_cache
from benchmarks.match_faces import Photograph, Probe, names_held_back
from benchmarks.rates import Rate
from benchmarks.scenarios import simulated
from benchmarks.scenarios.cast import Member, cast
from benchmarks.scenarios.make import out_of_focus
from benchmarks.scenarios.plan import SCENARIOS
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.errors import PhotographError
from edge_daemon.gallery import focus, photograph_gate
from edge_daemon.gallery.expected_naming import expected_naming
from edge_daemon.types import Picture
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.portrait import PortraitReader

COVERS = ("mask", "glasses")
MOST_PHOTOGRAPHS = 3
EACH = 5
"""Number of photographs of a person that are used: three to enrol, two for the captures."""
LEAST = 6
"""Least number of photographs of a person who takes part.

It is one more than `EACH`, so that there are fewer people whose photographs have to be read.
"""
Bins = Mapping[str, tuple[float, float]]
WIDTH_BINS_PX: Bins = {"56-80": (56.0, 80.0), "80-120": (80.0, 120.0), "120+": (120.0, np.inf)}
SHARPNESS_BINS: Bins = {"below .3": (0.0, 0.3), ".3-.4": (0.3, 0.4), ".4 and more": (0.4, np.inf)}
DETAIL_BINS: Bins = {"out of focus": (0.0, focus.LEAST_DETAIL), "in focus": (focus.LEAST_DETAIL, np.inf)}
LIGHT_BINS: Bins = {"below 80": (0.0, 80.0), "80-160": (80.0, 160.0), "160 and more": (160.0, np.inf)}


def _scaled(factor: float) -> Callable[[Picture], Picture]:
    return lambda picture: np.asarray(
        cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )


def _lit(factor: float) -> Callable[[Picture], Picture]:
    return lambda picture: np.clip(picture * np.float32(factor), 0, 255).astype(np.uint8)


AS_IT_IS = "as it is"
LEAST_COSINE = 0.99
"""Two embeddings with at least this cosine come from the same photograph."""
WAYS: Mapping[str, Callable[[Picture], Picture]] = {
    AS_IT_IS: lambda picture: picture,
    ".36 of the size": _scaled(0.36),
    "out of focus": out_of_focus,
    "light x .3": _lit(0.3),
}
"""Ways in which a student's photographs are changed, by name."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A photograph that enrolment accepted, with its measured quality."""

    photograph: Photograph
    """Templates from the spoiled picture. Bare probes come from the original picture, covered ones from the spoiled."""
    width_px: float
    sharpness: float
    detail: float
    luma: float
    """Mean grey of the face, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A present student of one lesson."""

    way: str
    photographs: Sequence[Spoiled]
    row_px: float
    """Width of the student's face in the captures; it depends on the row in which the student sits."""
    is_recognised: bool
    """Whether the verdict is present."""
    is_doubted: bool
    """Whether the verdict is wrong, and a flag marks it as doubtful."""

    @property
    def expected(self) -> float:
        """The share of lessons with the right verdict that enrolment predicts for such photographs."""
        rates = expected_naming(len(self.photographs))
        return rates[min(rates, key=lambda width: abs(width - self.row_px))]


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.scenarios.photographs", __doc__ or "", "images.csv, images/")
    arguments.add_argument("--held-back", action="store_true", help="examine the people that training leaves out")
    arguments.add_argument("--lessons", type=int, default=200, help="number of lessons (default: 200)")
    arguments.add_argument("--cache", type=Path, help="folder for the read faces")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the expected and the real rates in bins."""
    models = command.models(arguments)
    people = match_cache.read(arguments.data, models, simulated.LEAST, arguments.cache)
    kept = names_held_back(sorted(people))
    people = {n: own[:EACH] for n, own in people.items() if (n in kept) == arguments.held_back and len(own) >= LEAST}
    spoiled, refused = _spoiled(arguments.data, people, models, arguments.cache)
    match = MatchProbability(models.weights("match_probability").path)
    students = list(_students(people, spoiled, arguments.lessons, match, np.random.default_rng(9)))
    return {
        "refused": {way: Rate(*counts).json() for way, counts in refused.items()},
        "bins": {name: {b: _rates(own) for b, own in bins.items()} for name, bins in _binned(students).items()},
        "students": len(students),
        "people": len(people),
        "measured": machine.described(models),
    }


Read = Mapping[tuple[str, int, str], Spoiled]
"""The accepted photographs, by person, index of the photograph, and way."""


def _spoiled(
    data: Path, people: match_cache.People, models: ModelSet, cache: Path | None
) -> tuple[Read, Mapping[str, tuple[int, int]]]:
    path = cache and cache / f"spoiled-{match_cache.key(data, models, len(people))}.pickle"
    if path and path.exists():
        kept: tuple[Read, Mapping[str, tuple[int, int]]] = pickle.loads(path.read_bytes())
        return kept
    files: dict[str, list[str]] = {}
    for row in folder.rows(data / "images.csv", ("file", "identity")):
        files.setdefault(row["identity"], []).append(row["file"])
    portraits = PortraitReader(models)
    read: dict[tuple[str, int, str], Spoiled] = {}
    counts = {way: [0, 0] for way in WAYS}
    for number, (name, own) in enumerate(people.items(), 1):
        command.progress(number, len(people), "people")
        pictures = [folder.picture(data / "images" / file) for file in sorted(files[name])[: len(own)]]
        for index, (picture, original) in enumerate(zip(pictures, own, strict=True)):
            for way, spoil in WAYS.items():
                found = _enrolled(spoil(picture), original, portraits)
                if way == AS_IT_IS and found and not _is_same(found.photograph, original):
                    break  # a photograph before it had no face, so this is another one
                counts[way][1] += 1
                if found is None:
                    counts[way][0] += 1
                else:
                    read[name, index, way] = found
    result = read, {way: (hits, n) for way, (hits, n) in counts.items()}
    if path:
        path.write_bytes(pickle.dumps(result))
    return result


def _is_same(one: Photograph, other: Photograph) -> bool:
    return bool(one.templates[0] @ other.templates[0] > LEAST_COSINE)


def _enrolled(picture: Picture, original: Photograph, portraits: PortraitReader) -> Spoiled | None:
    """Return a photograph as enrolment reads it; None if it is refused."""
    try:
        photograph_gate.check_size(picture)
        face = photograph_gate.choose_face(picture, portraits.faces(picture))
    except PhotographError:
        return None
    templates, widths = portraits.templates(picture, face)
    covered = portraits.covered_templates(picture, face)
    probes = [probe for probe in original.probes if probe.condition not in COVERS]
    for condition, (vectors, widths_px) in zip(COVERS, covered, strict=True):
        probes += [Probe(condition, float(w), v, 0.0, 0.0, 0.0) for v, w in zip(vectors, widths_px, strict=True)]
    box = face.box
    part = picture[max(int(box.y), 0) : int(box.y + box.h), max(int(box.x), 0) : int(box.x + box.w)]
    return Spoiled(
        Photograph(templates, widths, tuple(probes)),
        face.quality.width_px,
        face.quality.sharpness,
        focus.detail(picture, box),
        float(part.mean()),
    )


def _students(
    people: match_cache.People, spoiled: Read, count: int, match: MatchProbability, rng: np.random.Generator
) -> Iterator[Seen]:
    base = next(scenario for scenario in SCENARIOS if scenario.name == "base")
    place = {id(photo): (name, index) for name, own in people.items() for index, photo in enumerate(own)}
    for number in range(count):
        members = cast(people, base, simulated.LAYOUT.seats, simulated.CAPTURES, rng)  # type: ignore[arg-type]
        truth = simulated.truth_of(f"photographs-{number}", base, members)
        present = {student.student_id for student in truth.students if student.verdict == "present"}
        enrolled = {}
        for member in (m for m in members if m.student_id):
            way = str(rng.choice(list(WAYS)))
            own = [spoiled.get((*place[id(photo)], way)) for photo in member.photographs]
            used = [one for one in own if one is not None][: int(rng.integers(1, MOST_PHOTOGRAPHS + 1))]
            if used:
                enrolled[member.student_id] = (way, used)
                member.photographs = [one.photograph for one in used]  # type: ignore[misc]
        outcome = simulated.outcome_of(members, base, match, rng)
        for member in members:
            if member.student_id in present and member.student_id in enrolled:
                yield _seen(member, *enrolled[member.student_id], outcome)


def _seen(member: Member, way: str, used: Sequence[Spoiled], outcome: simulated.Outcome) -> Seen:
    verdict = outcome.verdicts[member.student_id]
    is_right = verdict.verdict == "present"
    return Seen(way, used, simulated.LAYOUT.place(member.seat)[2], is_right, not is_right and bool(verdict.flags))


def _binned(students: Sequence[Seen]) -> dict[str, dict[str, list[Seen]]]:
    """Return the students by the name of a quality and the name of a bin of its values."""
    bins: dict[str, dict[str, list[Seen]]] = {"all": {"all": list(students)}}
    bins["number"] = {f"{n}": [s for s in students if len(s.photographs) == n] for n in range(1, MOST_PHOTOGRAPHS + 1)}
    bins["row"] = {f"{w:.0f}": [s for s in students if s.row_px == w] for w in sorted({s.row_px for s in students})}
    bins["way"] = {way: [s for s in students if s.way == way] for way in WAYS}
    qualities: dict[str, tuple[Bins, Callable[[Spoiled], float]]] = {
        "width_px": (WIDTH_BINS_PX, lambda one: one.width_px),
        "sharpness": (SHARPNESS_BINS, lambda one: one.sharpness),
        "detail": (DETAIL_BINS, lambda one: one.detail),
        "luma": (LIGHT_BINS, lambda one: one.luma),
    }
    for name, (edges, value) in qualities.items():
        best = [max(value(one) for one in s.photographs) for s in students]
        bins[name] = {
            b: [s for s, v in zip(students, best, strict=True) if low <= v < high] for b, (low, high) in edges.items()
        }
    return bins


def _rates(students: Sequence[Seen]) -> dict[str, object]:
    wrong = [s for s in students if not s.is_recognised]
    return {
        "expected": round(float(np.mean([s.expected for s in students])), 4) if students else None,
        "recognised": Rate(len(students) - len(wrong), len(students)).json(),
        "absent_without_doubt": Rate(sum(not s.is_doubted for s in wrong), len(students)).json(),
    }


if __name__ == "__main__":
    sys.exit(main())
