"""A student who puts on a mask: the verdict waits for a person, since a hidden face sat at the student's place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_daemon.attendance import candidate_codec
from edge_daemon.lesson.plan import make_plan
from edge_daemon.traits import Traits, VisibleParts
from edge_daemon.types import Box, Candidate, Quality
from tests.app.capture import test_stored_candidates as stored
from tests.app.capture.test_stored_candidates import LESSON, restart

__all__ = ["restart"]

CAPTURES, SEEN = 10, 3
HIDDEN = Traits(visible=VisibleParts(0.1, 0.8, 0.05, 0.05))


def face(slot: int, similarities: list[float], traits: Traits = Traits()) -> Candidate:  # noqa: B008 - frozen
    quality = Quality(40.0, 0.5, 1.0)
    vector = np.array(similarities, np.float32)
    return Candidate(slot, Box(100, 100, 40, 50), 0.99, quality, True, vector, None, traits)


@pytest.mark.parametrize(("traits", "flagged"), [(HIDDEN, True), (Traits(), False)])
def test_a_hidden_face_at_the_place_of_a_student_is_a_doubt(restart, monkeypatch, traits, flagged):
    monkeypatch.setattr(stored, "CAPTURES", CAPTURES)
    restart.plan = make_plan(LESSON.lesson_id, 2700.0, CAPTURES, bytes(32))
    ids = restart.gallery.student_ids()
    bare = [0.9 if i == 0 else 0.02 * i for i in range(len(ids))]
    random = np.random.default_rng(1)
    for slot in range(CAPTURES):
        unlike = list(random.normal(0.0, 0.02, len(ids)))
        one = face(slot, bare) if slot < SEEN else replace(face(slot, unlike), traits=traits)
        restart.add_stored_capture(slot, candidate_codec.pack([one], ids))
    register, _ = restart.run().finalise()
    verdicts = {v.tally.student_id: v for v in register.verdicts}
    assert verdicts[ids[0]].tally.captures_seen == SEEN
    assert verdicts[ids[0]].verdict != "present"
    assert ("face_hidden" in verdicts[ids[0]].flags) == flagged
    assert all("face_hidden" not in v.flags for student_id, v in verdicts.items() if student_id != ids[0])
