from __future__ import annotations

import time

import numpy as np
import pytest

from edge_daemon.checkin.cohort import CLIPS, cohort
from edge_daemon.checkin.mouth_features import FEATURES, STEPS, mouth_movement
from edge_daemon.checkin.phrase_model import phrase_model
from edge_daemon.checkin.phrase_score import PhraseScores
from edge_daemon.checkin.time_warp import warped_distances
from tests.checkin.mouths import WORDS, clip


def movements(word, *, speaker=0, takes=range(5)):
    return [mouth_movement(clip(word, speaker=speaker, take=take, frames=16 + 2 * (take % 4))) for take in takes]


def plain_warp(a, b, band):
    """The textbook's form of dynamic time warping, cell by cell."""
    steps = len(a)
    best = np.full((steps, steps), np.inf)
    for i in range(steps):
        for j in range(max(0, i - band), min(steps, i + band + 1)):
            cost = float(np.linalg.norm(a[i] - b[j]))
            before = [2 * cost] if i == j == 0 else []
            before += [best[i - 1, j - 1] + 2 * cost] if i and j else []
            before += [best[i - 1, j] + cost] if i else []
            before += [best[i, j - 1] + cost] if j else []
            best[i, j] = min(before)
    return best[-1, -1] / (2 * steps)


def test_all_alignments_at_once_are_those_of_the_textbook():
    random = np.random.default_rng(1)
    a, b = random.normal(size=(3, 9, 4)).astype(np.float32), random.normal(size=(2, 9, 4)).astype(np.float32)
    found = warped_distances(a, b, 3)
    for i in range(3):
        for j in range(2):
            assert found[i, j] == pytest.approx(plain_warp(a[i], b[j], 3), rel=1e-4)


def test_the_same_movement_at_another_pace_is_near():
    path = np.cumsum(np.random.default_rng(2).normal(size=(STEPS, 6)), axis=0).astype(np.float32)
    late = path[np.clip((np.arange(STEPS) ** 1.06).astype(int), 0, STEPS - 1)]
    straight = float(np.linalg.norm(path - late, axis=1).mean())
    assert warped_distances(path[None], late[None])[0, 0] < 0.5 * straight


def test_a_clip_has_no_light_of_its_own_and_one_length():
    frames = clip(WORDS[0])
    bright = [np.clip(frame.astype(np.float32) * 1.3 + 8, 0, 255).astype(np.uint8) for frame in frames]
    one, other = mouth_movement(frames), mouth_movement(bright)
    assert one.sequence.shape == (STEPS, FEATURES)
    assert np.linalg.norm(one.sequence) == pytest.approx(6, rel=1e-4)
    assert warped_distances(one.sequence[None], other.sequence[None])[0, 0] < 0.1
    assert one.energy == pytest.approx(other.energy, rel=0.1)
    with pytest.raises(ValueError, match="two frames"):
        mouth_movement(frames[:1])


def test_the_cohort_is_made_of_the_same_moments_in_another_order():
    sequences = np.random.default_rng(3).normal(size=(2, STEPS, 5)).astype(np.float32)
    wrong = cohort(sequences)
    assert wrong.shape == (CLIPS * 2, STEPS, 5)
    for number, one in enumerate(wrong):
        own = sequences[number % 2]
        assert not np.array_equal(one, own)
        assert sorted(map(tuple, one.tolist())) == sorted(map(tuple, own.tolist()))


def test_the_own_phrase_scores_above_everything_else():
    model = phrase_model(movements(WORDS[0]))
    own = model.scores(movements(WORDS[0], takes=range(20, 26))).total()
    wrong = {
        "another phrase": movements(WORDS[1], takes=range(6)) + movements(WORDS[2], takes=range(6)),
        "another person": movements(WORDS[0], speaker=5, takes=range(6)),
        "backwards": [mouth_movement(clip(WORDS[0], take=take)[::-1]) for take in range(20, 26)],
        "a still": [mouth_movement([clip(WORDS[0], take=take)[8]] * 15) for take in range(20, 23)],
        "a trembling still": [mouth_movement([np.roll(clip(WORDS[0])[8], i % 3, 1) for i in range(15)])],
        "a silent face": movements("00000000", takes=range(3)),
    }
    for name, clips in wrong.items():
        assert model.scores(clips).total().max() < own.min() - 0.1, name


def test_the_right_mean_picture_does_not_make_up_for_another_movement():
    model = phrase_model(movements(WORDS[0]))
    right, donor = np.float32(clip(WORDS[0], take=20)), np.float32(clip(WORDS[1], take=20))
    swapped = np.clip(right.mean(0) + donor - donor.mean(0), 0, 255).astype(np.uint8)
    scores = model.scores([mouth_movement(list(swapped)), mouth_movement(list(right.astype(np.uint8)))])
    assert scores.movement[0] < scores.movement[1] - 0.3
    one = np.ones(1, np.float32)
    assert PhraseScores(movement=-one, picture=5 * one, energy=0 * one).total() == -1
    assert PhraseScores(movement=-one, picture=-5 * one, energy=0 * one).total() < -1


def test_a_model_needs_five_repetitions_and_little_time():
    enrolled = movements(WORDS[0], takes=range(10))
    with pytest.raises(ValueError, match="5 repetitions"):
        phrase_model(enrolled[:4])
    begin_s = time.process_time()
    model = phrase_model(enrolled)
    assert time.process_time() - begin_s < 2
    begin_s = time.process_time()
    model.scores(enrolled[:1])
    assert time.process_time() - begin_s < 0.5
