"""Three lessons of one class, held with learned templates and without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from benchmarks.match_faces import WIDTHS_PX, Photograph
from benchmarks.match_trials import noisy, templates_of
from benchmarks.rates import Rate
from benchmarks.scenarios.room import Layout
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.presence import presence_probabilities
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from edge_daemon.attendance.resembled import resemblances
from edge_daemon.attendance.rule import LessonSummary, Rule, decide, needed_captures
from edge_daemon.attendance.tally import tally
from edge_daemon.gallery.match import Matcher
from edge_daemon.traits import NO_TRAITS, Traits
from edge_daemon.types import Box, Candidate, Quality, Sighting, StudentTemplates, Vector, Verdict

CLASS, STRANGERS, LESSONS, CAPTURES = 12, 2, 3, 24
ENROLLED_MOST = 3
"""Number of photographs of each person that are set aside for enrolment."""
SHOWN = 4
"""Number of photographs of each person in each lesson."""
_THERE = 0.75
"""Share of the students who are there."""
_SHARES = (0.6, 0.75, 0.9, 1.0)
"""Shares of the captures in which students who are there face the camera."""
_MISSED = 0.02
"""Share of the faces that are not found."""
LEAST_PROBABILITY = 0.97
"""Least probability of a verdict `present` from which templates are learned; it must have no flag."""
LEAST_SIGHTINGS = 9
"""Least number of a student's sightings in a lesson from which templates are learned."""
LEAST_AGREEMENT = 0.35
"""Least cosine of a learned template to the mean vector of the student's photographs."""
TEMPLATES = 3
_START, _SLOT = datetime(2026, 1, 1, tzinfo=timezone.utc), timedelta(minutes=2)
_RULE = Rule(Fraction(2, 5))

Count: TypeAlias = Counter[object]
Pool: TypeAlias = "Mapping[str, Photograph]"
"""Photographs by file name."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How students are enrolled, and how large their faces are."""

    photographs: int
    layout: Layout


@dataclass(frozen=True, slots=True)
class Shown:
    """A face of a capture, and who it really is."""

    who: str
    slot: int
    box: Box
    quality: Quality
    vector: Vector
    traits: Traits = NO_TRAITS


def term(people: Mapping[str, Pool], condition: Condition, match: MatchProbability, rng: np.random.Generator) -> Count:
    """Return the counts of one class over `LESSONS` lessons; the first lesson only gives templates.

    In the first lesson one stranger takes the seat of an absent student, the stranger who is most like the student.
    """
    count = Count()
    order = [sorted(people)[i] for i in rng.permutation(len(people))]
    ids, others = order[:CLASS], order[CLASS:]
    shuffled = {name: [list(people[name].items())[i] for i in rng.permutation(len(people[name]))] for name in order}
    enrolled = [templates_of(name, [photo for _, photo in shuffled[name][: condition.photographs]]) for name in ids]
    learned: dict[str, list[Vector]] = {}
    seats = [int(seat) for seat in rng.permutation(condition.layout.seats)]
    for lesson in range(LESSONS):
        pools = {name: dict(_part(shuffled[name], lesson)) for name in order}
        count["pictures shared"] += sum(
            bool(pools[name].keys() & {file for file, _ in shuffled[name][:ENROLLED_MOST]}) for name in ids
        )
        there = {name for name in ids if rng.random() < _THERE} - ({ids[0]} if lesson == 0 else set())
        strangers = [others[int(i)] for i in rng.permutation(len(others))[:STRANGERS]]
        if lesson == 0:
            strangers[0] = _most_alike(enrolled[0], {name: pools[name] for name in others})
        who = [(name, seat) for name, seat in zip(ids, seats, strict=False) if name in there]
        free = [seats[0] if lesson == 0 else seats[CLASS], seats[CLASS + 1]]
        who += list(zip(strangers, free, strict=True))
        shown = [face for name, seat in who for face in _faces(name, pools[name], seat, condition.layout, rng)]
        for how in ("without", "with")[: 1 if lesson == 0 else 2]:
            with_learned = [with_rows(one, learned.get(one.student_id, [])) for one in enrolled]
            templates = enrolled if how == "without" else with_learned
            verdicts, sightings = held(shown, templates, match)
            if lesson > 0:
                for name in ids:
                    is_there = name in there
                    count["present" if is_there else "absent"] += how == "with"
                    count["false_absent", how] += is_there and verdicts[name].verdict == "absent"
                    count["false_present", how] += not is_there and verdicts[name].verdict == "present"
        # The last one held is the one that learns: with what was learned before, if anything was.
        new = {one.student_id: list(learned_rows(one, verdicts, sightings, shown)) for one in enrolled}
        wrong = {name for name, rows in new.items() for _, sources in rows if sources != {name}}
        count["templates"] += sum(len(rows) for rows in new.values())
        count["templates of others"] += sum(sources != {name} for name, rows in new.items() for _, sources in rows)
        if lesson == 0:
            count["stranger trials"] += 1
            count["strangers learned"] += bool(wrong)
        for name, rows in new.items():
            learned[name] = [*learned.get(name, []), *(row for row, _ in rows)][-TEMPLATES:]
    return count


def rates(count: Count) -> dict[str, dict[str, object]]:
    """Return how often present students are called absent and absent ones present, each without and with learning."""
    return {
        key: {
            how: Rate(count[key, how], count["present" if key == "false_absent" else "absent"]).json()
            for how in ("without", "with")
        }
        for key in ("false_absent", "false_present")
    }


def totals(count: Count) -> dict[str, object]:
    """Return the rates, and the numbers of learned templates."""
    return {
        **rates(count),
        "strangers_learned": Rate(count["strangers learned"], count["stranger trials"]).json(),
        "templates_learned": count["templates"],
        "templates_of_others": count["templates of others"],
        "pictures_shared": count["pictures shared"],
    }


def _part(own: Sequence[tuple[str, Photograph]], lesson: int) -> Sequence[tuple[str, Photograph]]:
    begin = ENROLLED_MOST + SHOWN * lesson
    return own[begin : begin + SHOWN]


def _most_alike(student: StudentTemplates, others: Mapping[str, Pool]) -> str:
    """Return the stranger whose photographs are most like the student's."""
    mean = student.vectors.mean(axis=0)
    return max(others, key=lambda name: float(np.mean([photo.templates @ mean for photo in others[name].values()])))


def _faces(name: str, pool: Pool, seat: int, layout: Layout, rng: np.random.Generator) -> Iterator[Shown]:
    share = float(rng.choice(_SHARES))
    photographs = list(pool.values())
    for slot in sorted(int(one) for one in rng.choice(CAPTURES, round(share * CAPTURES), replace=False)):
        if rng.random() < _MISSED:
            continue
        photograph = photographs[int(rng.integers(len(photographs)))]
        x, y, width_px = layout.place(seat)
        width_px *= rng.uniform(0.94, 1.06)
        near = float(np.interp(np.log(width_px), np.log(WIDTHS_PX), np.arange(len(WIDTHS_PX))))
        nearest = min(int(near) + int(rng.random() < near - int(near)), len(WIDTHS_PX) - 1)
        probe = [one for one in photograph.probes if one.condition == "bare"][nearest]
        left, top = x + rng.normal(0, 0.1 * width_px), y + rng.normal(0, 0.1 * width_px)
        quality = Quality(width_px, probe.sharpness, probe.presence)
        yield Shown(name, slot, Box(left, top, width_px, 1.25 * width_px), quality, noisy(probe.vector, rng))


def held(
    shown: Sequence[Shown], templates: Sequence[StudentTemplates], match: MatchProbability, captures: int = CAPTURES
) -> tuple[dict[str, Verdict], list[Sighting]]:
    """Return the verdicts of a lesson by student, and the sightings.

    Args:
        shown: the faces of all captures, at least one.
        templates: templates of the students of the class.
        match: the program's network that judges similarities.
        captures: number of captures, two minutes apart.
    """
    matcher = Matcher(templates)
    ids = list(matcher.student_ids)
    widths = np.array([one.quality.width_px for one in shown], np.float32)
    compared = matcher.compared(np.stack([one.vector for one in shown]), widths)
    candidates = [
        Candidate(one.slot, one.box, 0.999, one.quality, True, row, one.vector, one.traits, gains)
        for one, row, gains in zip(shown, *compared, strict=True)
    ]
    photographs = dict.fromkeys(ids, 0) | matcher.photographs
    taken_at = {slot: _START + slot * _SLOT for slot in range(captures)}
    seconds_of = {slot: (at - _START).total_seconds() for slot, at in taken_at.items()}
    found = resolve_lesson(candidates, ids, match=match, photographs=photographs, seconds_of=seconds_of)
    tallies, needed = tally(ids, found.sightings, taken_at), needed_captures(_RULE.share, captures)
    probabilities = presence_probabilities(found.possible, ids, needed)
    summary = LessonSummary(_START, _START + captures * _SLOT, tuple(taken_at.values()), captures, time_trusted=True)
    resembled = resemblances(found.unnamed, tallies, found.sightings, needed, probabilities)
    pictures = {one.student_id for one in found.printed}
    verdicts = decide(tallies, _RULE, summary, resembled=resembled, probabilities=probabilities, static_faces=pictures)
    return {one.tally.student_id: one for one in verdicts}, found.sightings


def learned_rows(
    enrolled: StudentTemplates,
    verdicts: Mapping[str, Verdict],
    sightings: Sequence[Sighting],
    shown: Sequence[Shown],
) -> Iterator[tuple[Vector, set[str]]]:
    """Yield the mean vector of each third of a student's sightings, with the names of the people whom these show.

    Args:
        enrolled: the student, with the templates of the photographs alone.
        verdicts: the verdicts of the lesson, by student.
        sightings: the sightings of the lesson.
        shown: the faces of the lesson.
    """
    verdict = verdicts[enrolled.student_id]
    if verdict.verdict != "present" or verdict.flags or (verdict.probability or 0) < LEAST_PROBABILITY:
        return
    by_place = {(one.slot, one.box.x, one.box.y): one for one in shown}
    own = [by_place[s.slot, s.box.x, s.box.y] for s in sightings if s.student_id == enrolled.student_id]
    if len(own) < LEAST_SIGHTINGS:
        return
    widest = enrolled.vectors[enrolled.widths_px >= 0.99 * enrolled.widths_px.max()].mean(axis=0)
    for part in np.array_split(np.arange(len(own)), TEMPLATES):
        mean = np.mean([own[int(i)].vector for i in part], axis=0)
        row = np.asarray(mean / np.linalg.norm(mean), np.float32)
        if float(row @ widest) >= LEAST_AGREEMENT * float(np.linalg.norm(widest)):
            yield row, {own[int(i)].who for i in part}


def with_rows(templates: StudentTemplates, rows: Sequence[Vector]) -> StudentTemplates:
    """Return a student's templates with each learned row (192,) as one more photograph, at every template width."""
    widths = np.unique(templates.widths_px)
    vectors = np.concatenate([templates.vectors, *(np.tile(row, (len(widths), 1)) for row in rows)])
    return replace(templates, vectors=vectors, widths_px=np.concatenate([templates.widths_px, *[widths] * len(rows)]))
