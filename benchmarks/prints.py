"""Counts how many prints and living people are marked present in lessons, and how many are flagged as pictures.

    python -m benchmarks.prints --data LFW --json OUT [--half report] [--people N] [--cache DIR] [--clips DIR ...]

LFW has images/ and images.csv (file, identity). A lesson is a class of `CLASS` students. Some are there, living (from
photographs of several days) or as sitters (one animated photograph). Some are away, and a print of them is there. Some
sit beside their own print. The program's own matching, naming, test for prints and rule decide (`print_faces` reads the
seats). With --clips, the test for prints is also applied to videos of living people (`print_clips`).
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks import command, machine, print_clips, print_faces
from benchmarks.print_faces import BANDS, CAPTURES, PersonFaces, SeatFaces
from benchmarks.print_media import PRINTS
from benchmarks.rates import Rate
from benchmarks.scenarios.cast import read_people
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from edge_daemon.attendance.rule import LessonSummary, Rule, decide
from edge_daemon.attendance.tally import tally
from edge_daemon.device import journal
from edge_daemon.gallery.match import Matcher
from edge_daemon.types import Box, Candidate, Face, Verdict

CLASS = 12
LESSON_S = 2700.0
_START = datetime(2026, 1, 1, tzinfo=timezone.utc)
_RULE = Rule(Fraction(2, 5))
LEAST_PHOTOGRAPHS = 4
"""Least number of photographs of a living person; two or three in turn resemble neither a print nor a person."""
_APART_PX = 400.0
"""Distance between two seats, so that no face of one seat reaches the other."""


@dataclass(frozen=True, slots=True)
class Case:
    """A student of a lesson, and the seats that show the student or a print."""

    person: PersonFaces
    seats: tuple[SeatFaces, ...]
    kind: str
    """Row of the result to which the case belongs: a medium, `alternating`, `beside`, or `away`."""


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.prints", "Prints and living people over a lesson.", "images.csv, images/")
    arguments.add_argument(
        "--half", choices=("tune", "report"), default="report", help="which people (default: report)"
    )
    arguments.add_argument("--cache", type=Path, help="folder for the seats that were read")
    arguments.add_argument("--clips", type=Path, nargs="*", default=[], metavar="DIR", help="folders of videos")
    arguments.add_argument("--people", type=int, help="so many, chosen by a hash of their names (default: all)")
    arguments.add_argument("--most", type=int, help="read so many people anew, then go on with those")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the rates of each kind of seat, by the width of the faces."""
    models = command.models(arguments)
    known = read_people(arguments.data, arguments.half)
    people = print_faces.read(known, models, arguments.cache, most=arguments.most, limit=arguments.people)
    shown = {name: len(known[name]) - print_faces.ENROLLED for name in people}
    match = MatchProbability(models.weights("match_probability").path)
    rng = np.random.default_rng(20)
    verdicts: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for band in BANDS:
        for lesson in lessons(list(people.values()), band, rng, shown):
            for case, verdict in zip(lesson, held(lesson, match), strict=True):
                verdicts[band, case.kind].append(verdict)
    return {
        "by_width_px": {
            band: dict(_rates({kind: found for (b, kind), found in verdicts.items() if b == band})) for band in BANDS
        },
        "people": len(people),
        "captures": CAPTURES,
        "clips": [clip for path in arguments.clips for clip in print_clips.judged(path, models)],
        "measured": machine.described(models),
    }


def lessons(
    people: Sequence[PersonFaces], band: str, rng: np.random.Generator, shown: Mapping[str, int]
) -> Iterator[list[Case]]:
    """Yield lessons in which each seat of each person occurs once, and each person once sits beside a print.

    Args:
        people: seats by person.
        band: name of the group of widths.
        rng: source of the random choice of the lesson in which a person sits.
        shown: number of photographs of each person in the room.
    """
    cases = [case for person in people for case in _cases(person, band, shown[person.templates.student_id])]
    queue = [cases[i] for i in rng.permutation(len(cases))]
    while queue:
        lesson: list[Case] = []
        for case in list(queue):
            names = {one.person.templates.student_id for one in lesson}
            if len(lesson) < CLASS - 2 and case.person.templates.student_id not in names:
                lesson.append(case)
                queue.remove(case)
        names = {one.person.templates.student_id for one in lesson}
        rest = [p for p in people if p.templates.student_id not in names]
        away = [rest[int(i)] for i in rng.permutation(len(rest))[: CLASS - len(lesson)]]
        yield [*lesson, *(Case(person, (), "away") for person in away)]


def _cases(person: PersonFaces, band: str, shown: int) -> Iterator[Case]:
    own = [seat for seat in person.seats if seat.band == band]
    is_varied = shown >= LEAST_PHOTOGRAPHS
    for seat in own:
        yield Case(person, (seat,), "alternating" if seat.medium == "living" and not is_varied else seat.medium)
    there = next(seat for seat in own if seat.medium == ("living" if is_varied else "sitter"))
    yield Case(person, (there, next(seat for seat in own if seat.medium in PRINTS)), "beside")


def held(lesson: Sequence[Case], match: MatchProbability) -> tuple[Verdict, ...]:
    """Return the verdicts of a lesson, in the order of its cases."""
    matcher = Matcher([case.person.templates for case in lesson])
    ids = list(matcher.student_ids)
    seats = [seat for case in lesson for seat in case.seats]
    faces = [
        (slot, replace(face, box=replace(face.box, x=face.box.x + _APART_PX * number)))
        for number, seat in enumerate(seats)
        for slot, face in seat.faces
    ]
    widths = np.array([face.quality.width_px for _, face in faces], np.float32)
    compared = matcher.compared(np.stack([face.embedding for _, face in faces]), widths)
    candidates = [_candidate(slot, face, row, gains) for (slot, face), row, gains in zip(faces, *compared, strict=True)]
    seconds_of = {slot: LESSON_S * (slot + 0.5) / CAPTURES for slot in range(CAPTURES)}
    found = resolve_lesson(candidates, ids, match=match, photographs=matcher.photographs, seconds_of=seconds_of)
    taken_at = {slot: _START + timedelta(seconds=at) for slot, at in seconds_of.items()}
    end = _START + timedelta(seconds=LESSON_S)
    summary = LessonSummary(_START, end, tuple(taken_at.values()), CAPTURES, time_trusted=True)
    tallies = tally([case.person.templates.student_id for case in lesson], found.sightings, taken_at)
    return decide(tallies, _RULE, summary, static_faces={one.student_id for one in found.printed})


def _candidate(slot: int, face: Face, similarities: np.ndarray, cover_gains: np.ndarray) -> Candidate:
    box = Box(face.box.x, face.box.y, face.box.w, face.box.h)
    return Candidate(slot, box, face.score, face.quality, True, similarities, face.embedding, face.traits, cover_gains)


def _rates(by_kind: Mapping[str, Sequence[Verdict]]) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each kind of seat with the rates of present students and of students flagged as pictures."""
    for kind, verdicts in sorted(
        {**by_kind, "prints": _all(by_kind, PRINTS), "people": _all(by_kind, ("living", "sitter"))}.items()
    ):
        present = Rate(sum(v.verdict == "present" for v in verdicts), len(verdicts))
        flagged = Rate(sum("static_face" in v.flags for v in verdicts), len(verdicts))
        yield kind, {"present": present.json(), "flagged": flagged.json()}


def _all(by_kind: Mapping[str, Sequence[Verdict]], kinds: Sequence[str]) -> list[Verdict]:
    return [verdict for kind in kinds for verdict in by_kind.get(kind, ())]


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
