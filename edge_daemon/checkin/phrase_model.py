"""The model of one student's phrase: the enrolled repetitions as numbers, with which a new clip is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_daemon.checkin import cohort, phrase_score
from edge_daemon.checkin.mouth_features import MouthMovement
from edge_daemon.checkin.phrase_score import OwnDistances, PhraseScores
from edge_daemon.checkin.time_warp import warped_distances

Array = NDArray[np.float32]

LEAST_REPETITIONS: Final = 5
MOST_REPETITIONS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class PhraseModel:
    """The model of one student's phrase. `phrase_model` makes it in milliseconds, from this student's clips alone."""

    movements: tuple[MouthMovement, ...]
    own: OwnDistances
    sequences: Array
    """The movements of the k repetitions, then the wrong ones of `cohort`, (k + CLIPS * k, steps, features)."""

    def scores(self, clips: Sequence[MouthMovement]) -> PhraseScores:
        """Compare clips with the enrolled phrase."""
        count = len(self.movements)
        distances = warped_distances(np.stack([clip.sequence for clip in clips]), self.sequences)
        return phrase_score.phrase_scores(
            self.own,
            distances[:, :count],
            distances[:, count:],
            picture_distances(_means(clips), _means(self.movements)),
            np.array([clip.energy for clip in clips], np.float32),
        )


def phrase_model(movements: Sequence[MouthMovement]) -> PhraseModel:
    """Return the model of a student's repetitions of one phrase.

    Raises:
        ValueError: there are fewer than five repetitions.
    """
    if len(movements) < LEAST_REPETITIONS:
        raise ValueError(f"a phrase is enrolled with {LEAST_REPETITIONS} repetitions or more")
    sequences = np.stack([one.sequence for one in movements])
    means = _means(movements)
    own = phrase_score.own_distances(
        warped_distances(sequences, sequences),
        picture_distances(means, means),
        np.array([one.energy for one in movements], np.float32),
    )
    return PhraseModel(tuple(movements), own, np.concatenate([sequences, cohort.cohort(sequences)]))


def picture_distances(first: Array, second: Array) -> Array:
    """Return the Euclidean distances (m, n) of mean pictures (m, features) and (n, features)."""
    squared = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    distances: Array = np.sqrt(np.maximum(squared, 0))
    return distances


def _means(movements: Sequence[MouthMovement]) -> Array:
    return np.stack([one.mean for one in movements])
