"""Finds people without a name whose faces are mostly hidden by a mask, dark glasses or a hood, or are turned aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.attendance.evidence.identities import unite
from edge_daemon.attendance.evidence.thresholds import NOBODY
from edge_daemon.attendance.evidence.tracks import SOLID_FACES, Track
from edge_daemon.attendance.seat_map import median_box
from edge_daemon.types import Box, Candidate

HIDDEN_SHARE = 0.5
"""Least share of a person's faces that are partly hidden."""


@dataclass(frozen=True, slots=True)
class UnreadPerson:
    """A person whose face is hidden too much to be recognised."""

    box: Box
    """The median box of the face."""
    slots: frozenset[int]
    """The captures in which the person was seen."""


def unread_persons(tracks: Sequence[Track], named: Sequence[int], faces: Sequence[Candidate]) -> list[UnreadPerson]:
    """Return the people without a name whose faces are mostly hidden; people with few faces are left out.

    Args:
        tracks: the tracks of one lesson.
        named: the index of each track's student, or NOBODY.
        faces: all faces of the lesson; tracks hold indices into this list.
    """
    unnamed = [track for track, student in zip(tracks, named, strict=True) if student == NOBODY]
    if not unnamed:
        return []
    slots = [frozenset(faces[member].slot for member in track.members) for track in unnamed]
    found = []
    for group in unite(unnamed, slots):
        own = [faces[member] for i in group for member in unnamed[i].members]
        visible = [face.traits.visible for face in own]
        hidden = [one is not None and one.part != "bare" for one in visible]
        if len(own) >= SOLID_FACES and np.mean(hidden) >= HIDDEN_SHARE:
            box = median_box([face.box for face in own])
            found.append(UnreadPerson(box, frozenset().union(*(slots[i] for i in group))))
    return found
