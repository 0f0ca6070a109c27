"""The cast of a lesson: enrolled students, people in the room, their seats and captures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks import folder
from benchmarks.match_faces import names_held_back
from benchmarks.scenarios.plan import Scenario

Half = Literal["tune", "report", "all"]
People = Mapping[str, Sequence[Path]]

LEAST_SEEN = 2
"""Least number of photographs of a person to draw captures from, in addition to those for enrolment."""
STRANGERS = 2
PRESENT_SHARES = (0.6, 0.75, 0.9, 1.0)
"""Shares of the captures in which present students face the camera, clearly above the rule's limit."""
ABSENT_SHARES = (0.0, 0.0, 0.1, 0.15)
"""Shares of the captures in which absent students face the camera, clearly below the rule's limit."""
_THERE = 0.7
_PAIRS = 2
"""Number of people in a lesson who are enrolled twice."""


@dataclass(slots=True)
class Member:
    """A person who is enrolled, in the room, or both."""

    who: str
    """Name in boxes.csv."""
    photographs: list[Path]
    """Photographs for enrolment; none: a stranger."""
    seen: list[Path]
    """Photographs for the captures."""
    seat: int
    captures: frozenset[int] = frozenset()
    """Captures in which the face is visible."""
    student_id: str = ""
    in_room: bool = True
    """True: in all other captures the person sits turned away. False: the seat is empty or has another person."""
    is_at_risk: bool = False
    pair: int = 0
    """A number that the two ids of one person, or two twins, share; 0: none."""
    covered: frozenset[int] = field(default_factory=frozenset)
    """Captures in which a part of the face is covered."""
    is_print: bool = False
    """A photograph of the person is held up at the seat; the person is not there."""


def read_people(faces: Path, half: Half) -> dict[str, list[Path]]:
    """Return the photographs of all people in a folder in the lfw form.

    Args:
        faces: images.csv (file, identity) and images/.
        half: `report`: the people left out of training (`match_faces.names_held_back`); `tune`: the others.
    """
    files = defaultdict(list)
    for row in folder.rows(faces / "images.csv", ("file", "identity")):
        files[row["identity"]].append(faces / "images" / row["file"])
    kept = names_held_back(sorted(files))
    return {
        name: sorted(own)
        for name, own in sorted(files.items())
        if half == "all" or (name in kept) == (half == "report")
    }


def cast(people: People, scenario: Scenario, seats: int, captures: int, rng: np.random.Generator) -> list[Member]:
    """Return the members of one lesson; raises DataError if there are too few people.

    Args:
        people: photographs by name.
        scenario: the condition.
        seats: number of seats in the room; two of them stay empty.
        captures: number of captures in the lesson.
        rng: source of all random choices.
    """
    taken = seats - 2
    others = round(scenario.others_share * taken) or STRANGERS
    size = taken if scenario.others_share else taken - STRANGERS
    students = _enrolled(people, scenario, size, rng)
    names = {student.who.split("#")[0] for student in students}
    rest = [name for name, own in people.items() if len(own) >= LEAST_SEEN and name not in names]
    if len(rest) < others:
        raise folder.DataError(f"has {len(rest)} people besides the class; {others} are needed", "--faces")
    order = [int(seat) for seat in rng.permutation(seats)]
    _seat(students, scenario, taken - others, order, captures, rng)
    strangers = [str(name) for name in rng.choice(rest, others, replace=False)]
    left = [s.seat for s in students if not s.in_room]
    empty = [s for s in order if s not in {m.seat for m in students}]
    free = [*empty, *left] if scenario.are_prints_held_up else [*left, *empty]
    for number, name in enumerate(strangers):
        member = Member(name, [], list(people[name]), free[number])
        member.captures = _some(captures, 0.95, rng)
        member.covered = _some(captures, scenario.covered_share, rng) if scenario.cover else frozenset()
        students_there = [s for s in students if s.seat == member.seat]
        for student in students_there:
            student.is_at_risk = True
        students.append(member)
    for student in students if scenario.are_prints_held_up else ():
        student.is_print = not student.in_room and not student.is_at_risk
    return students


def _enrolled(people: People, scenario: Scenario, size: int, rng: np.random.Generator) -> list[Member]:
    """Return the students, with their photographs distributed."""
    found: list[Member] = []
    doubled = _PAIRS if scenario.doubles else 0
    for pair in range(1, doubled + 1):
        parts = 2 if scenario.doubles == "twins" else 1
        name = _chosen(people, 2 * scenario.photographs + parts * LEAST_SEEN, {m.who.split("#")[0] for m in found}, rng)
        files = [people[name][i] for i in rng.permutation(len(people[name]))]
        first, second, seen = _cut(files, scenario.photographs, scenario.photographs)
        middle = len(seen) // 2 if scenario.doubles == "twins" else len(seen)
        found += [
            Member(name, first, seen[:middle], -1, pair=pair),
            Member(f"{name}#2", second, seen[middle:], -1, pair=pair),
        ]
    while len(found) < size:
        name = _chosen(people, scenario.photographs + LEAST_SEEN, {m.who.split("#")[0] for m in found}, rng)
        files = [people[name][i] for i in rng.permutation(len(people[name]))]
        photographs, seen = _cut(files, scenario.photographs)
        found.append(Member(name, photographs, seen, -1))
    for number, index in enumerate(rng.permutation(size), 1):
        found[index].student_id = f"S{number:03d}"
    return found


def _cut(files: list[Path], *counts: int) -> Iterator[list[Path]]:
    for count in counts:
        yield files[:count]
        files = files[count:]
    yield files


def _chosen(people: People, least: int, taken: set[str], rng: np.random.Generator) -> str:
    names = [name for name, own in people.items() if len(own) >= least and name not in taken]
    if not names:
        raise folder.DataError(f"has too few people with {least} photographs", "--faces", "make smaller rooms")
    return str(rng.choice(names))


def _seat(
    students: Sequence[Member],
    scenario: Scenario,
    there: int,
    order: Sequence[int],
    captures: int,
    rng: np.random.Generator,
) -> None:
    """Assign seats, captures and covers to the students; at most `there` of them are in the room."""
    singles = [s for s in students if not s.pair]
    in_room = 0
    for student, seat in zip([*(s for s in students if s.pair), *singles], order, strict=False):
        student.seat = seat
        second_id = scenario.doubles == "two_ids" and student.who.endswith("#2")
        comes = bool(student.pair) or (rng.random() < _THERE if not scenario.others_share else True)
        share = float(rng.choice(PRESENT_SHARES if comes else ABSENT_SHARES))
        if second_id or in_room >= there or share == 0:
            student.in_room = False
            continue
        in_room += 1
        student.captures = _some(captures, share, rng)
        if scenario.cover:
            student.covered = _some(captures, scenario.covered_share, rng)


def _some(captures: int, share: float, rng: np.random.Generator) -> frozenset[int]:
    return frozenset(int(c) for c in rng.choice(captures, round(share * captures), replace=False))
