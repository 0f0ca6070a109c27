"""Computes the probability that each student was there in as many captures as the rule requires.

The only uncertainty that the result includes is who each person is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

_MOST_PARTS = 6
"""Largest number of people, each of whom may be the same student, for which all combinations are computed.

If there are more, those with the fewest captures count as one person.
"""


@dataclass(frozen=True, slots=True)
class PossibleStudent:
    """A person in the room who is, or may be, a student."""

    student_id: str
    probability: float
    """Probability that the person is this student, 0 to 1."""
    facing: frozenset[int]
    """The captures in which the person faces the class."""


def presence_probabilities(
    people: Sequence[PossibleStudent], student_ids: Sequence[str], needed: int
) -> Mapping[str, float]:
    """Return the probability that each student faced the class in enough captures.

    Args:
        people: everybody who is or may be a student; their identities count as independent of each other.
        student_ids: the students whose probability is computed.
        needed: the number of captures that makes a student present.
    """
    return {one: _probability([p for p in people if p.student_id == one], needed) for one in student_ids}


def _probability(parts: Sequence[PossibleStudent], needed: int) -> float:
    chosen = sorted(parts, key=lambda part: -len(part.facing))
    if len(chosen) > _MOST_PARTS:
        chosen[_MOST_PARTS - 1 :] = [_joined(chosen[_MOST_PARTS - 1 :])]
    total = 0.0
    for are_true in product((False, True), repeat=len(chosen)):
        captures = frozenset().union(*(p.facing for p, is_true in zip(chosen, are_true, strict=True) if is_true))
        if len(captures) >= needed:
            pairs = zip(chosen, are_true, strict=True)
            total += prod(p.probability if is_true else 1 - p.probability for p, is_true in pairs)
    return min(total, 1.0)


def _joined(parts: Sequence[PossibleStudent]) -> PossibleStudent:
    """Return several people as one person, whose probability is the mean of theirs, weighted by captures."""
    captures = sum(len(part.facing) for part in parts)
    mean = sum(part.probability * len(part.facing) for part in parts) / max(captures, 1)
    return PossibleStudent(parts[0].student_id, mean, frozenset[int]().union(*(part.facing for part in parts)))
