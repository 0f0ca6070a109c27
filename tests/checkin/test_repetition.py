from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.checkin.decision import checkin_scores, threshold_for
from edge_daemon.checkin.mouth_features import mouth_movement
from edge_daemon.checkin.phrase_codec import EnrolledPhrase, packed, unpacked
from edge_daemon.checkin.repetition import problem_of, spoken_part, unlike
from tests.checkin.mouths import WORDS, clip

FACE = np.eye(1, 192, dtype=np.float32)[0]


def movements(word, takes=range(5)):
    return [mouth_movement(clip(word, take=take)) for take in takes]


def test_the_silence_before_and_after_a_phrase_is_no_part_of_it():
    quiet = clip("00000000", frames=24)
    first, end = spoken_part([*quiet[:12], *clip(WORDS[0]), *quiet[12:]])
    assert 8 <= first <= 13
    assert 30 <= end <= 36


def test_each_problem_of_a_repetition_has_its_words():
    good = mouth_movement(clip(WORDS[0]))
    silent = mouth_movement(clip("00000000"))
    assert problem_of(good, frames=20, luma=120, seen=1) == ""
    assert "too short" in problem_of(good, frames=5, luma=120, seen=1)
    assert "too dark" in problem_of(good, frames=20, luma=12, seen=1)
    assert "not seen" in problem_of(good, frames=20, luma=120, seen=0.5)
    assert "hardly moved" in problem_of(silent, frames=20, luma=120, seen=1)


def test_a_repetition_of_another_phrase_is_found_among_the_others():
    assert unlike(movements(WORDS[0])) == ()
    assert unlike([*movements(WORDS[0]), *movements(WORDS[2], [1])]) == (5,)


def test_a_phrase_is_the_same_after_packing_and_another_version_is_refused():
    data = packed(EnrolledPhrase(tuple(movements(WORDS[0])), FACE))
    back = unpacked(data)
    assert np.array_equal(back.face, FACE)
    for one, other in zip(back.movements, movements(WORDS[0]), strict=True):
        assert np.array_equal(one.sequence, other.sequence)
        assert np.array_equal(one.mean, other.mean)
        assert one.energy == pytest.approx(other.energy)
    for spoiled in (b"", b"edph\x02" + data[5:], data[:-4], data + b"0000"):
        with pytest.raises(ValueError, match="phrase"):
            unpacked(spoiled)


def test_face_and_movement_both_have_to_pass():
    enrolled = EnrolledPhrase(tuple(movements(WORDS[0])), FACE)
    own, other = movements(WORDS[0], [30])[0], movements(WORDS[1], [30])[0]
    assert checkin_scores(enrolled, own, FACE).accepted
    assert not checkin_scores(enrolled, own, np.roll(FACE, 1)).accepted
    assert not checkin_scores(enrolled, other, FACE).accepted
    assert threshold_for(5) < threshold_for(8) < threshold_for(10)
