"""Runs scenarios without pictures: thousands of students in seconds, from faces that were read once.

    python -m benchmarks.scenarios.simulated --data LFW --json OUT [--held-back] [--lessons 20] [--cache DIR]

LFW has images/ and images.csv (file, identity). Each lesson is cast as `benchmarks.scenarios.make` casts it, but no
picture is composed. A face in a capture is one of `benchmarks.match_faces` near that width, with noise. The program's
own matching, naming and rule decide. The covered templates are other photographs with the same painted covers as in the
captures. A real room has different covers. `benchmarks.lesson` measures whole pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks import command, lesson_scenarios, machine, match_cache
from benchmarks.lesson_truth import Outcome, TrueStudent, Truth, Verdict
from benchmarks.match_faces import WIDTHS_PX, Photograph, names_held_back
from benchmarks.match_trials import noisy, templates_of
from benchmarks.scenarios.cast import Member, cast
from benchmarks.scenarios.plan import SCENARIOS, Scenario
from benchmarks.scenarios.room import Layout
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.presence import presence_probabilities
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from edge_daemon.attendance.resembled import resemblances
from edge_daemon.attendance.room_state import is_shared, is_unusual, unusual_flag
from edge_daemon.attendance.rule import LessonSummary, Rule, decide, needed_captures
from edge_daemon.attendance.tally import tally
from edge_daemon.gallery.match import Matcher
from edge_daemon.types import Box, Candidate, Quality, Vector

LEAST = 4
CAPTURES = 24
LAYOUT = Layout(1920, 1080, 4, 4, (28, 90))
MISSED = 0.02
"""Share of the faces that are not found."""
NAMES = (
    "base", "mixed_30", "mixed_50", "mixed_70", "mixed_100", "one_photograph", "mask", "glasses", "glasses_half",
    "motion_5", "two_ids", "twins",
)  # fmt: skip
"""Scenarios that stored faces can represent; `motion_5` uses faces blurred by 2 to 6 px."""
_START = datetime(2026, 1, 1, tzinfo=timezone.utc)
_SLOT = timedelta(minutes=2)
_RULE = Rule(Fraction(2, 5))

People = Mapping[str, Sequence[Photograph]]


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.scenarios.simulated", "Scenarios without pictures.", "images.csv, images/")
    arguments.add_argument("--held-back", action="store_true", help="examine the people that training leaves out")
    arguments.add_argument("--lessons", type=int, default=20, help="number for each scenario (default: 20)")
    arguments.add_argument("--cache", type=Path, help="folder for the read faces")
    arguments.add_argument("--before", type=Path, metavar="JSON", help="an earlier result, shown beside this one")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the rates of `lesson_scenarios`, by scenario and for all together."""
    models = command.models(arguments)
    people = match_cache.read(arguments.data, models, LEAST, arguments.cache)
    if arguments.held_back:
        kept = names_held_back(sorted(people))
        people = {name: own for name, own in people.items() if name in kept}
    match = MatchProbability(models.weights("match_probability").path)
    held = list(lessons(people, arguments.lessons, match, np.random.default_rng(7)))
    together = [(Truth(t.name, t.students, t.faces, "all", t.expected_register_flags), o) for t, o in held]
    before = json.loads(arguments.before.read_text("utf-8"))["scenarios"] if arguments.before else {}
    return {
        "before": before,
        "scenarios": {**lesson_scenarios.scored(held), **lesson_scenarios.scored(together)},
        "students": sum(len(truth.students) for truth, _ in held),
        "people": len(people),
        "measured": machine.described(models),
    }


def lessons(
    people: People, count: int, match: MatchProbability, rng: np.random.Generator
) -> Iterator[tuple[Truth, Outcome]]:
    """Yield a number of lessons for each scenario: the truth, and the program's result."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    for name in NAMES:
        for number in range(count):
            members = cast(people, known[name], LAYOUT.seats, CAPTURES, rng)  # type: ignore[arg-type]
            truth = truth_of(f"{name}-{number}", known[name], members)
            yield truth, outcome_of(members, known[name], match, rng)


def truth_of(name: str, scenario: Scenario, members: Sequence[Member]) -> Truth:
    students = []
    for member in (m for m in members if m.student_id):
        visible = len(member.captures)
        if scenario.doubles == "two_ids" and member.pair:
            visible = max(len(m.captures) for m in members if m.pair == member.pair)
        verdict = "present" if visible >= _RULE.share * CAPTURES else "absent"
        expected = "inconclusive" if scenario.others_share == 1 else verdict
        pair = str(member.pair or "")
        students.append(
            TrueStudent(
                member.student_id, verdict, visible, False, member.is_at_risk, False, CAPTURES, expected, "living", pair
            )
        )
    return Truth(name, tuple(students), {}, scenario.name, frozenset(scenario.register_flags))


def outcome_of(
    members: Sequence[Member], scenario: Scenario, match: MatchProbability, rng: np.random.Generator
) -> Outcome:
    students = sorted((m for m in members if m.student_id), key=lambda m: m.student_id)
    ids = [m.student_id for m in students]
    matcher = Matcher([templates_of(m.student_id, m.photographs) for m in students])  # type: ignore[arg-type]
    pairs = [(a.student_id, b.student_id) for a in students for b in students if a.pair and a.pair == b.pair]
    alike = [(a, b) for a, b in pairs if a < b]
    found = resolve_lesson(
        _candidates(members, scenario, matcher, rng), ids, alike, match=match, photographs=matcher.photographs
    )
    taken_at = {slot: _START + slot * _SLOT for slot in range(CAPTURES)}
    tallies, needed = tally(ids, found.sightings, taken_at), needed_captures(_RULE.share, CAPTURES)
    unusual = is_unusual(tallies, ids, CAPTURES, _RULE.unusual_share)
    summary = LessonSummary(_START, _START + CAPTURES * _SLOT, tuple(taken_at.values()), CAPTURES, time_trusted=True)
    probabilities = presence_probabilities(found.possible, ids, needed)
    verdicts = decide(
        tallies,
        _RULE,
        summary,
        look_alikes=alike,
        not_seeable=ids if unusual else (),
        resembled=resemblances(found.unnamed, tallies, found.sightings, needed, probabilities),
        probabilities=probabilities,
    )
    flags = set()
    if unusual:
        flags.add(unusual_flag(found.sightings, ids, CAPTURES, _RULE.unusual_share))
    elif is_shared(found.sightings, ids, CAPTURES, _RULE.unusual_share):
        flags.add("unusual_class")
    decided = {v.tally.student_id: Verdict(v.verdict, v.flags, v.tally.captures_seen) for v in verdicts}
    return Outcome(decided, {}, frozenset(flags))


def _candidates(
    members: Sequence[Member], scenario: Scenario, matcher: Matcher, rng: np.random.Generator
) -> list[Candidate]:
    faces = [face for m in members if m.in_room for face in _faces(m, scenario, rng)]
    widths = np.array([quality.width_px for _, _, quality, _ in faces], np.float32)
    compared = matcher.compared(np.stack([vector for *_, vector in faces]), widths)
    return [
        Candidate(slot, box, 0.999, quality, True, row, vector, cover_gains=gains)
        for (slot, box, quality, vector), row, gains in zip(faces, *compared, strict=True)
    ]


def _faces(member: Member, scenario: Scenario, rng: np.random.Generator) -> Iterator[tuple[int, Box, Quality, Vector]]:
    """Yield the captures that show a person: slot, box, quality and vector."""
    for slot in sorted(member.captures):
        if rng.random() < MISSED:
            continue
        photo: Photograph = member.seen[int(rng.integers(len(member.seen)))]  # type: ignore[assignment]
        x, y, width_px = LAYOUT.place(member.seat)
        width_px *= rng.uniform(0.94, 1.06)
        condition = scenario.cover if slot in member.covered else "motion" if scenario.motion_px else "bare"
        near = float(np.interp(np.log(width_px), np.log(WIDTHS_PX), np.arange(len(WIDTHS_PX))))
        nearest = min(int(near) + int(rng.random() < near - int(near)), len(WIDTHS_PX) - 1)
        probe = [p for p in photo.probes if p.condition == condition][nearest]
        vector = noisy(probe.vector, rng)
        left, top = x + rng.normal(0, 0.1 * width_px), y + rng.normal(0, 0.1 * width_px)
        quality = Quality(width_px, probe.sharpness, probe.presence)
        yield slot, Box(left, top, width_px, 1.25 * width_px), quality, vector


if __name__ == "__main__":
    sys.exit(main())
