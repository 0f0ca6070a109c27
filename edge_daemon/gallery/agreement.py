"""Checks that the photographs of a student show one person, and that no other student is the same person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.store.gallery import LookAlike
from edge_daemon.types import Vector

# Measured on 130 people of the tuning half of LFW, 626 photographs, float16 embedder, cosines at the size of the
# photograph. Best match of a photograph among two others of its person: 99.3 % above .36. Four are below .26, by a
# wrong label, sunglasses or blur (checked by eye). Photographs of different people: 95 % below .27.
AGREE = 0.28
"""Two photographs with at least this cosine count as photographs of one person."""
# Means of three photographs. Different people: 99.9 % below .5 to .58, the highest of 14,000 pairs at .63. The same
# person: 98 % above .70 (single photographs: median .72).
SAME_PERSON = 0.65
"""Two students are probably one person if the cosine of their mean vectors is at least this."""
LOOK_ALIKE = 0.50
"""Two students look alike if the cosine of their mean vectors is at least this. Matching is then stricter for them.

In one to three classes of 30 students, about one pair reaches this value.
"""

# Two of three photographs swapped in 30 pairs of people (LFW): 57 right ones refused, and all 57 name the other
# student.
RESEMBLES = 0.50
"""A refusal names another student if the photograph's cosine to that student's mean vector is at least this."""
FRONTAL_DEG = 30.0
"""Largest sideways turn of the head in a frontal photograph, in degrees.

A face turned further may differ even from other photographs of the same person.
"""

_BLOCK = 512
_ODD_ONE = "shows a different person than the student's other photographs"
_TURNED = "the head is turned, and the student's other photographs can't confirm who it is"
_TIE = "the photographs of this student show different people; add one that settles it"


@dataclass(frozen=True, slots=True, eq=False)
class Exemplar:
    """A photograph that passed the checks of `photograph_gate.py`, as vectors."""

    student_id: str
    photograph: str
    """Path below the folder of photographs."""
    sha256: bytes
    """SHA-256 of the file."""
    vectors: Vector
    """(n, 192), rows of length 1; the first one is the face as photographed."""
    widths_px: Vector
    """Face width of each vector in pixels, (n,)."""
    yaw_deg: float | None = None
    """Sideways turn of the head; None if it is unknown."""
    sharpness: float | None = None
    """Sharpness on the scale of `Quality.sharpness`."""
    covered: tuple[tuple[Vector, Vector], ...] = ()
    """Vectors and widths of the face with each painted cover."""
    detail: float | None = None
    """Value of `focus.detail`."""

    @property
    def is_frontal(self) -> bool:
        """Whether the head is known to face the camera approximately."""
        return self.yaw_deg is not None and abs(self.yaw_deg) <= FRONTAL_DEG


@dataclass(frozen=True, slots=True)
class RefusedPhotograph:
    """A photograph that was refused, and the reason."""

    photograph: str
    student_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Twin:
    """Two students who may be one person, `a` < `b`."""

    a: str
    b: str
    reason: str


def keep_agreeing(
    exemplars: Mapping[str, Sequence[Exemplar]],
) -> tuple[dict[str, list[Exemplar]], list[RefusedPhotograph]]:
    """Refuse photographs that show a different person than the student's other photographs.

    Photographs that resemble one another, directly or through a third one, form a group. The group with the most
    frontal photographs is kept, because a profile can't confirm a frontal face. Among groups with equally many, the
    largest one is kept. If groups are still equal, those that resemble another student are refused. If more than one
    group still remains, all are refused: a wrong template does more harm than none. A refusal names the other student
    whom the photograph resembles, if any.

    Args:
        exemplars: the photographs by student id.

    Returns:
        The accepted photographs by student id (possibly none for a student), and the refusals.
    """
    means = {student_id: _mean(own) for student_id, own in exemplars.items() if own}
    kept: dict[str, list[Exemplar]] = {}
    refused: list[RefusedPhotograph] = []
    odd: list[tuple[Exemplar, str]] = []
    for student_id, own in exemplars.items():
        unique = _without_copies(own, refused)
        groups = _groups(unique)
        if len(groups) > 1:
            groups = _without_strangers(groups, {other: mean for other, mean in means.items() if other != student_id})
        tie = len(groups) > 1 and _weight(groups[0]) == _weight(groups[1])
        believed = [] if tie or not groups else groups[0]
        kept[student_id] = believed
        witnessed = any(e.is_frontal for e in believed)
        for exemplar in unique:
            if exemplar not in believed:
                is_profile = witnessed and not exemplar.is_frontal and exemplar.yaw_deg is not None
                odd.append((exemplar, _TIE if tie else _TURNED if is_profile else _ODD_ONE))
    return kept, refused + _named(odd, kept)


def find_twins(exemplars: Mapping[str, Sequence[Exemplar]]) -> list[Twin]:
    """Return pairs of students who share a photograph, or whose faces are as similar as photographs of one person."""
    twins: dict[tuple[str, str], str] = {}
    owners: dict[bytes, str] = {}
    for exemplar in (e for own in exemplars.values() for e in own):
        owner = owners.setdefault(exemplar.sha256, exemplar.student_id)
        if owner != exemplar.student_id:
            twins[_pair(owner, exemplar.student_id)] = "the same photograph"
    for pair in _similar_pairs(exemplars, SAME_PERSON):
        twins.setdefault((pair.a, pair.b), f"faces as alike as of one person ({pair.similarity:.2f})")
    return [Twin(a, b, reason) for (a, b), reason in sorted(twins.items())]


def find_look_alikes(exemplars: Mapping[str, Sequence[Exemplar]]) -> list[LookAlike]:
    """Return the pairs of students for whom matching must be stricter."""
    return sorted(_similar_pairs(exemplars, LOOK_ALIKE), key=lambda pair: (pair.a, pair.b))


def _without_copies(exemplars: Sequence[Exemplar], refused: list[RefusedPhotograph]) -> list[Exemplar]:
    """Drop copies of a file, so that two copies of a wrong photograph can't outvote a right one."""
    unique: dict[bytes, Exemplar] = {}
    for exemplar in exemplars:
        first = unique.setdefault(exemplar.sha256, exemplar)
        if first is not exemplar:
            reason = f"the same photograph as {first.photograph}"
            refused.append(RefusedPhotograph(exemplar.photograph, exemplar.student_id, reason))
    return list(unique.values())


def _named(odd: Sequence[tuple[Exemplar, str]], kept: Mapping[str, Sequence[Exemplar]]) -> list[RefusedPhotograph]:
    """Return the refusals, each with the other student whom the photograph resembles, if any.

    The name helps if the files of two students were swapped.
    """
    ids = [student_id for student_id, own in kept.items() if own]
    known = np.stack([_mean(kept[student_id]) for student_id in ids]) if ids else None
    refused = []
    for exemplar, reason in odd:
        if known is not None:
            scores = known @ exemplar.vectors[0]
            best = int(scores.argmax())
            if ids[best] != exemplar.student_id and scores[best] >= RESEMBLES:
                swapped = "are photographs of the two swapped?"
                reason = f"{reason}; resembles student {ids[best]} ({scores[best]:.2f}): {swapped}"
        refused.append(RefusedPhotograph(exemplar.photograph, exemplar.student_id, reason))
    return refused


def _weight(group: Sequence[Exemplar]) -> tuple[int, int]:
    """Return the weight of a group of photographs: the number of frontal ones, then its size."""
    return sum(e.is_frontal for e in group), len(group)


def _groups(exemplars: Sequence[Exemplar]) -> list[list[Exemplar]]:
    """Return the groups of similar photographs, the heaviest first."""
    groups: list[list[Exemplar]] = []
    for exemplar in exemplars:
        joined = [g for g in groups if any(float(e.vectors[0] @ exemplar.vectors[0]) >= AGREE for e in g)]
        groups = [g for g in groups if g not in joined] + [[exemplar, *(e for g in joined for e in g)]]
    return sorted(groups, key=_weight, reverse=True)


def _without_strangers(groups: list[list[Exemplar]], others: Mapping[str, Vector]) -> list[list[Exemplar]]:
    """Keep, among groups of equal weight, those that resemble no other student, if there are any."""
    if not others or _weight(groups[0]) != _weight(groups[1]):
        return groups
    known = np.stack(list(others.values()))
    equal = [g for g in groups if _weight(g) == _weight(groups[0])]
    own = [g for g in equal if float((known @ _mean(g)).max()) < SAME_PERSON]
    return own or groups


def _similar_pairs(exemplars: Mapping[str, Sequence[Exemplar]], threshold: float) -> Iterator[LookAlike]:
    ids = [student_id for student_id, own in exemplars.items() if own]
    if not ids:
        return
    means = np.stack([_mean(exemplars[student_id]) for student_id in ids])
    for start in range(0, len(ids), _BLOCK):
        # In blocks, because all pairs of a school at once would exceed the memory of a Pi.
        scores = means[start : start + _BLOCK] @ means.T
        for row, column in zip(*np.nonzero(scores >= threshold), strict=True):
            if start + row < column:
                a, b = _pair(ids[start + int(row)], ids[int(column)])
                yield LookAlike(a, b, round(float(scores[row, column]), 4))


def _mean(exemplars: Sequence[Exemplar]) -> Vector:
    total = np.sum([e.vectors[0] for e in exemplars], axis=0, dtype=np.float32)
    mean: Vector = total / max(float(np.linalg.norm(total)), 1e-9)
    return mean


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)
