"""Give links their students: pooled similarity, one place at a time for everybody, open to strangers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.assign import assign
from edge_daemon.attendance.links import Link
from edge_daemon.types import Candidate

Gains = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """When a link is a student: measured constants, for a stated rate of false names."""

    threshold: float = 0.55
    """Pooled similarity, freed of the noise of single faces, from which a long link is the student."""
    single_extra: float = 0.17
    """Added to the threshold for a single face; falls with the square root of the number of faces."""
    between_threshold: float = 0.25
    """The threshold where the same student has the place before and after the link."""
    beside_threshold: float = 0.42
    """The threshold where the student has the place right before or right after the link."""
    margin: float = 0.04
    """Least lead over a student who is not in the room by other evidence."""
    look_alike_margin: float = 0.10
    """The same between two students whose templates are alike."""
    typical_likeness: float = 0.60
    """Mean cosine between two faces of one person in a lesson, where a link is too short to tell."""
    shared_slots: float = 0.15
    """Two links of one student may share this part of the shorter one's captures: a stray face must not cost a link."""


def name_links(
    links: Sequence[Link],
    faces: Sequence[Candidate],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]],
    decision: Decision,
) -> list[int]:
    """Return for each link the index of its student, or -1 for somebody unknown."""
    pooled = np.stack([_pooled(link, faces, decision) for link in links])
    sizes = np.array([len(link.members) for link in links], dtype=np.float64)
    slots = [frozenset(faces[m].slot for m in link.members) for link in links]
    strict = decision.threshold + decision.single_extra / np.sqrt(sizes)
    named = [-1] * len(links)
    _name_rounds(named, _gains(pooled, np.broadcast_to(strict[:, None], pooled.shape), sizes), slots, decision)
    named = _drop_doubtful(named, pooled, slots, student_ids, look_alikes, decision)
    _name_rounds(named, _gains(pooled, _beside(links, named, slots, strict, pooled, decision), sizes), slots, decision)
    return named


def _pooled(link: Link, faces: Sequence[Candidate], decision: Decision) -> Gains:
    """Mean similarity of a link to each student, corrected for the noise of its faces.

    The mean over noisy faces is smaller than the similarity of what they have in common, by the square root of their mean
    likeness to each other (Spearman 1904, correction for attenuation).
    """
    mean = np.mean([faces[m].similarities for m in link.members], axis=0)
    pairs = len(link.members) * (len(link.members) - 1) / 2
    likeness = 0.0 if pairs == 0 else link.likeness * pairs
    likeness = (likeness + 3 * decision.typical_likeness) / (pairs + 3)
    return np.asarray(mean / np.sqrt(max(likeness, 0.3)), dtype=np.float64)


def _gains(pooled: Gains, thresholds: Gains, sizes: Gains) -> Gains:
    """What naming a link brings: more for more faces and for more similarity above the threshold."""
    gains = (pooled - thresholds + 0.05) * np.sqrt(sizes)[:, None]
    return np.asarray(np.where(pooled >= thresholds, gains, 0.0), dtype=np.float64)


def _name_rounds(named: list[int], gains: Gains, slots: Sequence[frozenset[int]], decision: Decision) -> None:
    """Assign until nothing is left; each round gives a student at most one more link, for people move within a lesson."""
    while True:
        new = assign(_without_conflicts(gains, named, slots, decision))
        if all(student < 0 for student in new):
            return
        for link, student in enumerate(new):
            if student >= 0:
                named[link] = student


def _without_conflicts(
    gains: Gains, named: Sequence[int], slots: Sequence[frozenset[int]], decision: Decision
) -> Gains:
    """Take away named links, and the student from links that are in the same captures as one of his."""
    left = gains.copy()
    for link, student in enumerate(named):
        if student < 0:
            continue
        left[link] = 0.0
        for other, other_slots in enumerate(slots):
            shared = len(other_slots & slots[link])
            if shared > decision.shared_slots * min(len(other_slots), len(slots[link])):
                left[other, student] = 0.0
    return left


def _drop_doubtful(
    named: Sequence[int],
    pooled: Gains,
    slots: Sequence[frozenset[int]],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]],
    decision: Decision,
) -> list[int]:
    """Unname links whose runner-up is nearly as similar, unless other links show where that student is."""
    result = list(named)
    for link, student in enumerate(named):
        if student < 0:
            continue
        for rival in np.argsort(-pooled[link])[:3]:
            pair = tuple(sorted((student_ids[student], student_ids[int(rival)])))
            margin = decision.look_alike_margin if pair in look_alikes else decision.margin
            elsewhere = any(n == rival and slots[k] & slots[link] for k, n in enumerate(named))
            if rival != student and not elsewhere and pooled[link, student] - pooled[link, rival] < margin:
                result[link] = -1
    return result


def _beside(
    links: Sequence[Link],
    named: Sequence[int],
    slots: Sequence[frozenset[int]],
    strict: Gains,
    pooled: Gains,
    decision: Decision,
) -> Gains:
    """Thresholds for links that are still unknown: lower for the student who has the same place around that time.

    Only for the student whom the link resembles most: who sits down for two minutes in a student's chair is not that student.
    """
    thresholds = np.array(np.broadcast_to(strict[:, None], pooled.shape))
    for link, unknown in enumerate(links):
        best = int(pooled[link].argmax())
        if named[link] >= 0:
            continue
        held = {s: named[k] for k, other in enumerate(links) if other.place == unknown.place for s in slots[k]}
        before = max((s for s in held if s < min(slots[link])), default=None)
        after = min((s for s in held if s > max(slots[link])), default=None)
        within = [held[s] for s in held if min(slots[link]) < s < max(slots[link]) and s not in slots[link]]
        sides = [held[s] == best for s in (before, after) if s is not None]
        sides += [n == best for n in within]
        if len(sides) >= 2 and all(sides):
            thresholds[link, best] = decision.between_threshold
        elif any(sides):
            thresholds[link, best] = decision.beside_threshold
    return thresholds
