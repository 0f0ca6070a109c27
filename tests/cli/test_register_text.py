"""The note on a whole lesson says what its flags mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.cli.register_text import note_in_words
from edge_daemon.types import Confirmation
from tests.registers import a_lesson, a_register

LESSON = a_lesson()
COVERED = (
    "a part of the room may be covered, or is bare behind an empty seat: look at the lens; who may sit there is not"
    " called absent: `register correct` if you know better"
)
ASKED = f"; was it held? register confirm {LESSON.lesson_id[:8]} --held | --not-held"


@pytest.mark.parametrize(
    ("flags", "held", "note"),
    [
        ((), None, ""),
        (("covered",), None, COVERED),
        (("room_empty",), None, f"hardly any faces were there{ASKED}"),
        (("room_empty",), True, "hardly any faces were there; held"),
        (("room_empty",), False, "not held (room empty)"),
    ],
)
def test_a_note_says_what_flags_mean_and_what_to_do(flags, held, note):
    register, _ = a_register(LESSON, {"a": 1.0})
    confirmed = None if held is None else Confirmation(held, "Office", LESSON.end + timedelta(hours=1))
    assert note_in_words(replace(register, register_flags=flags, confirmed=confirmed)) == note
