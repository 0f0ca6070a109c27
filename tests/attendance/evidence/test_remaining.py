"""The second look: persons below the threshold who stand out from everybody else in the room."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_daemon.attendance.evidence.believe import believe
from edge_daemon.attendance.evidence.remaining import LEAST_FACES, OTHERS, second_look
from tests.attendance.evidence.room import Room

SLOTS = range(40)
BELOW = 0.42
"""Cosine to the portraits that no first look accepts: the threshold at 40 px is 0.425 after half a cohort."""


def _mixed(*parts: tuple[float, np.ndarray]) -> np.ndarray:
    """Return a direction with these cosines to directions at right angles; the rest is the last one."""
    known = sum(share * part for share, part in parts[:-1])
    rest = parts[-1][1]
    for _, part in parts[:-1]:
        rest = rest - (rest @ part) * part
    return known + np.sqrt(1 - sum(share**2 for share, _ in parts[:-1])) * rest / np.linalg.norm(rest)


def _room(looks_at: str, like: float = 0.0, absent: str = "S03") -> tuple[Room, str]:
    """A class in which somebody sits who is BELOW like `absent`, and everybody else is `like` that student."""
    room = Room()
    portrait = room.person(absent)
    for name in [*room.ids, looks_at]:
        if name == absent:
            continue
        share = BELOW if name == looks_at else like
        room.people[name] = _mixed((share, portrait), (0.0, room.person(name)))
    for seat, student in enumerate(room.ids):
        if student != absent:
            room.sits(student, SLOTS, seat)
    return room, looks_at


def _named(room: Room, seat_of: str) -> str:
    sightings = believe(room.faces, room.ids)
    order = sorted(range(len(room.faces)), key=lambda i: room.faces[i].slot)
    who = Counter(s.student_id for s, i in zip(sightings, order, strict=True) if room.truth[i] == seat_of)
    return who.most_common(1)[0][0]


@pytest.mark.parametrize("seed", range(5))
def test_a_student_with_poor_photographs_is_known_where_nobody_else_comes_near(seed):
    room, far = _room("far")
    room.random = np.random.default_rng(seed)
    room.sits(far, SLOTS, 20)
    assert _named(room, "") == "S03"


@pytest.mark.parametrize("seed", range(5))
def test_a_stranger_is_not_the_student_whom_everybody_resembles(seed):
    room, stranger = _room("far", like=0.30)
    room.random = np.random.default_rng(seed)
    room.sits(stranger, SLOTS, 20)
    assert _named(room, "") == ""


def test_a_few_faces_are_too_few_for_a_second_look():
    room, far = _room("far")
    room.sits(far, range(LEAST_FACES - 1), 20)
    assert _named(room, "") == ""


def test_without_others_in_the_same_captures_there_is_nothing_to_stand_out_from():
    scores = np.zeros((OTHERS + 1, 3))
    scores[0, 1] = 0.9
    together, apart = (
        [frozenset(range(20))] * (OTHERS + 1),
        [frozenset({20 * k + i for i in range(20)}) for k in range(6)],
    )
    asked = [0.4] * (OTHERS + 1)
    assert second_look(scores, asked, [20] * (OTHERS + 1), together)[0, 1] > 0
    assert np.isneginf(second_look(scores, asked, [20] * (OTHERS + 1), apart)).all()
    assert np.isneginf(second_look(scores, asked, [LEAST_FACES - 1] * (OTHERS + 1), together)).all()


def test_a_single_student_has_no_runner_up_and_gets_no_second_look():
    assert np.isneginf(second_look(np.full((8, 1), 0.9), [0.4] * 8, [20] * 8, [frozenset(range(20))] * 8)).all()


def test_a_lead_over_the_next_student_counts():
    scores = np.zeros((OTHERS + 1, 3))
    scores[0] = (0.35, 0.0, 0.0)
    crowded = scores.copy()
    crowded[0, 1] = 0.34
    everybody, asked = [frozenset(range(20))] * (OTHERS + 1), [0.4] * (OTHERS + 1)
    assert second_look(scores, asked, [20] * (OTHERS + 1), everybody)[0, 0] > 0
    assert second_look(crowded, asked, [20] * (OTHERS + 1), everybody)[0, 0] < 0
