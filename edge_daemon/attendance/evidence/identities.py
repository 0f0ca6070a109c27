"""Persons: the links of one unnamed person at all the places where he or she sat during the lesson.

How alike two links are tells more than how alike each is to a portrait: the same light, size and camera. Measured on
lessons with faces of 26 to 116 px, two links of one person reach 0.95 to 1.03, of two persons at most 0.66.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_daemon.attendance.evidence.seats import TURNS, turns
from edge_daemon.attendance.evidence.similarity import steadiness
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, Link
from edge_daemon.types import Vector

UNITE = 0.82
"""Two links are one person from this familiarity on."""
UNITE_IN_TURNS = 0.35
"""... and from here on if they take turns at one place: the same person in another pose or light."""
SHARED_SLOTS = 0.15
"""Links that share more than this part of the shorter one's captures are two persons; a stray face must not cost a
link."""


def familiarity(links: Sequence[Link]) -> NDArray[np.float64]:
    """Return (links, links): the mean cosine between the faces of two links, freed of the noise of single faces."""
    centres = np.stack([_steady_centre(link) for link in links]).astype(np.float64)
    return np.asarray(centres @ centres.T, dtype=np.float64)


def exclude(a: frozenset[int], b: frozenset[int]) -> bool:
    """Say whether two sets of captures overlap so much that they can't be of one person."""
    return len(a & b) > SHARED_SLOTS * min(len(a), len(b))


def unite(links: Sequence[Link], slots: Sequence[frozenset[int]]) -> list[list[int]]:
    """Group links into persons; links of a face or two stay alone.

    Args:
        links: of one lesson.
        slots: the captures of each.

    Returns:
        Indices of the links of each person, the most familiar ones united first.
    """
    alike = familiarity(links)
    solid = [i for i, link in enumerate(links) if len(link.members) >= SOLID_FACES]
    pairs = [(alike[a, b], a, b) for a in solid for b in solid if b < a]
    person = [[i] for i in range(len(links))]
    for value, a, b in sorted(pairs, reverse=True):
        if value < (UNITE_IN_TURNS if _take_turns(links, slots, a, b) else UNITE):
            continue
        if person[a] is person[b] or any(exclude(slots[i], slots[j]) for i in person[a] for j in person[b]):
            continue
        person[a].extend(person[b])
        for link in person[b]:
            person[link] = person[a]
    return [sorted(group) for i, group in enumerate(person) if min(group) == i]


def _take_turns(links: Sequence[Link], slots: Sequence[frozenset[int]], a: int, b: int) -> bool:
    return links[a].place == links[b].place and turns(slots[a], slots[b]) >= TURNS


def _steady_centre(link: Link) -> Vector:
    return np.asarray(link.centre / steadiness(len(link.members), link.likeness), dtype=np.float32)
