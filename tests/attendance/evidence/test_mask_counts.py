"""Counts of a room: the mean over each person's faces, undecided where little or nothing leads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance.evidence.mask_counts import LEAST_FACES, MARGIN, mask_counts, mask_state
from edge_daemon.attendance.evidence.sighting_resolver import resolve_lesson
from edge_daemon.traits import MaskCounts, MaskProbabilities, Traits
from edge_daemon.types import Box, Candidate, Quality

NONE, RIGHT, WRONG = (MaskProbabilities(*row) for row in ((0.9, 0.05, 0.05), (0.1, 0.8, 0.1), (0.1, 0.2, 0.7)))
IDS = ["a", "b"]


def face(mask: MaskProbabilities | None, slot: int = 0, x: float = 0.0, who: int = 0, score: float = 0.99) -> Candidate:
    vector = np.eye(4, dtype=np.float32)[who]
    similarities = np.array([0.9 * (who == 0), 0.9 * (who == 1)], np.float32)
    box, quality = Box(x, 10, 60, 75), Quality(60, 0.5, 1)
    return Candidate(slot, box, score, quality, True, similarities, vector, Traits(mask=mask))


def test_each_person_is_counted_once_by_the_mean_over_all_faces():
    persons = [[face(RIGHT)] * 3 + [face(NONE)], [face(NONE)] * 3, [face(WRONG)] * 5]
    assert mask_counts(persons) == MaskCounts(none=1, right=1, wrong=1, undecided=0)


def test_few_faces_and_faces_that_were_not_measured_leave_a_person_undecided():
    few = [face(RIGHT)] * (LEAST_FACES - 1) + [face(None)] * 9
    assert mask_counts([few, []]) == MaskCounts(0, 0, 0, undecided=2)
    assert mask_counts([[*few, face(RIGHT)]]) == MaskCounts(0, right=1, wrong=0, undecided=0)


@pytest.mark.parametrize(("lead", "state"), [(MARGIN + 0.01, "right"), (MARGIN - 0.01, "undecided")])
def test_a_state_has_to_lead_by_the_margin(lead: float, state: str):
    rest = 0.1
    second = (1 - rest - lead) / 2
    assert mask_state([MaskProbabilities(rest, second + lead, second)]) == state


def test_without_persons_all_mask_counts_are_zero():
    assert mask_counts([]) == MaskCounts(0, 0, 0, 0)


def test_a_lesson_gives_the_persons_of_its_tracks_with_and_without_a_name():
    faces = [face(RIGHT, slot, 0, 0) for slot in range(12)] + [face(NONE, slot, 400, 3) for slot in range(12)]
    faces += [face(WRONG, slot, 800, 2, score=0.5) for slot in range(12)]  # no face: what deceives the detector
    found = resolve_lesson(faces, IDS)
    assert {s.student_id for s in found.sightings} == {"a", ""}
    assert mask_counts(found.persons) == MaskCounts(none=1, right=1, wrong=0, undecided=0)


def test_a_student_who_moved_to_another_seat_is_one_person():
    faces = [face(RIGHT, slot, 0 if slot < 8 else 900, 0) for slot in range(16)]
    assert mask_counts(resolve_lesson(faces, IDS).persons) == MaskCounts(0, right=1, wrong=0, undecided=0)


def test_without_an_analyser_no_persons_are_listed():
    faces = [replace(face(None, slot), traits=Traits()) for slot in range(6)]
    assert resolve_lesson(faces, IDS).persons == []
