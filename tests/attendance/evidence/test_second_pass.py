"""The second look: persons below the threshold who stand out from everybody else in the room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from edge_daemon.attendance.evidence.second_pass import FAR_PX, LEAST_FACES, OTHERS, second_look
from edge_daemon.attendance.evidence.sighting_resolver import resolve_sightings
from tests.attendance.evidence.room import Room

SLOTS = range(40)
FAR = [30.0] * (OTHERS + 1)
BELOW = 0.42
"""Cosine to the portraits that the first pass refuses. At 30 px it requires 0.44 after the cohort's share."""


def _mixed(shares: dict[float, np.ndarray], rest: np.ndarray) -> np.ndarray:
    """Return a direction that has these cosines to directions that are nearly at right angles."""
    known = sum(share * part for share, part in shares.items())
    for part in shares.values():
        rest = rest - (rest @ part) * part
    return known + np.sqrt(1 - sum(share**2 for share in shares)) * rest / np.linalg.norm(rest)


def _class_without(absent: str, like: float) -> Room:
    """Everybody but one sits there, and has a cosine of `like` to the portraits of that one."""
    room = Room()
    for seat, student in enumerate(room.ids):
        if student != absent:
            looks = _mixed(
                {0.8: room.identity(student), like: room.identity(absent)}, room.identity(f"{student} today")
            )
            room.people[f"{student} today"] = looks
            room.sits(f"{student} today", SLOTS, seat)
    return room


def _identity_of_somebody(room: Room, slots: Sequence[int] = SLOTS, width_px: float = 30.0) -> str:
    """Return the name given to a person in the room who has the cosine BELOW to S03."""
    room.people["somebody"] = _mixed({BELOW: room.identity("S03")}, room.identity("somebody"))
    before = len(room.faces)
    room.sits("somebody", slots, 20, width_px=width_px)
    order = sorted(range(len(room.faces)), key=lambda i: room.faces[i].slot)
    sightings = resolve_sightings(room.faces, room.ids)
    who = Counter(s.student_id for s, i in zip(sightings, order, strict=True) if i >= before)
    return who.most_common(1)[0][0]


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_student_with_poor_photographs_is_known_where_nobody_else_comes_near(seed):
    room = _class_without("S03", like=0.0)
    room.random = np.random.default_rng(seed)
    assert _identity_of_somebody(room) == "S03"


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_stranger_is_not_the_student_whom_everybody_resembles(seed):
    room = _class_without("S03", like=0.40)
    room.random = np.random.default_rng(seed)
    assert _identity_of_somebody(room) == ""


def test_size_is_no_excuse_for_faces_that_are_near():
    assert _identity_of_somebody(_class_without("S03", like=0.0), width_px=FAR_PX + 1) == ""


def test_a_few_faces_are_too_few_for_a_second_look():
    assert _identity_of_somebody(_class_without("S03", like=0.0), range(LEAST_FACES - 1)) == ""


def test_without_others_in_the_same_captures_there_is_nothing_to_stand_out_from():
    scores = np.zeros((OTHERS + 1, 3))
    scores[0, 1] = 0.9
    together, apart = (
        [frozenset(range(20))] * (OTHERS + 1),
        [frozenset({20 * k + i for i in range(20)}) for k in range(6)],
    )
    asked = [0.4] * (OTHERS + 1)
    assert second_look(scores, asked, FAR, [20] * (OTHERS + 1), together)[0, 1] > 0
    assert np.isneginf(second_look(scores, asked, FAR, [20] * (OTHERS + 1), apart)).all()
    assert np.isneginf(second_look(scores, asked, FAR, [LEAST_FACES - 1] * (OTHERS + 1), together)).all()


def test_a_single_student_has_no_runner_up_and_gets_no_second_look():
    assert np.isneginf(
        second_look(np.full((8, 1), 0.9), [0.4] * 8, [30.0] * 8, [20] * 8, [frozenset(range(20))] * 8)
    ).all()


def test_a_lead_over_the_next_student_counts():
    scores = np.zeros((OTHERS + 1, 3))
    scores[0] = (0.35, 0.0, 0.0)
    crowded = scores.copy()
    crowded[0, 1] = 0.34
    all_captures, asked = [frozenset(range(20))] * (OTHERS + 1), [0.4] * (OTHERS + 1)
    assert second_look(scores, asked, FAR, [20] * (OTHERS + 1), all_captures)[0, 0] > 0
    assert second_look(crowded, asked, FAR, [20] * (OTHERS + 1), all_captures)[0, 0] < 0
