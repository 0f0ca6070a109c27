"""The similarity of a clip to the enrolled phrase: one number from distances, by fixed rules without training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PICTURE_WEIGHT = 0.3
"""Weight of the mean picture relative to the movement."""
ENERGY_WEIGHT = 1.0
ENERGY_SLACK = 0.5
"""The score falls only if log(amount of movement / usual amount) is above this, or below minus this."""
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class OwnDistances:
    """Distances between the enrolled repetitions, the unit for all other distances."""

    movement: float
    picture: float
    energy_log: float
    """Median of the natural logarithm of the energies."""


@dataclass(frozen=True, slots=True, eq=False)
class PhraseScores:
    """The parts of the score of n clips, each (n,); a larger value means more similar to the enrolled phrase."""

    movement: Array
    picture: Array
    energy: Array

    def total(self) -> Array:
        """Return the score that is compared with the threshold."""
        # A picture closer than the enrolled ones are to each other adds nothing. Otherwise the right mean picture could
        # make up for another movement.
        picture = np.minimum(self.picture, 0)
        total: Array = self.movement + PICTURE_WEIGHT * picture + ENERGY_WEIGHT * self.energy
        return total


def nearest(distances: Array) -> Array:
    """Return the mean of the smaller half of each row of `distances` (n, k), as (n,).

    The larger half is ignored, so that a bad enrolled repetition does not count.
    """
    half = (distances.shape[1] + 1) // 2
    means: Array = np.sort(distances, axis=1)[:, :half].mean(axis=1)
    return means


def own_distances(movement: Array, picture: Array, energies: Array) -> OwnDistances:
    """Return the distances between the enrolled repetitions.

    Args:
        movement: (k, k) distances between movements, k three or more.
        picture: (k, k) distances between mean pictures.
        energies: (k,) amounts of movement.
    """
    others = ~np.eye(len(movement), dtype=bool)
    shape = (len(movement), len(movement) - 1)
    return OwnDistances(
        movement=max(float(nearest(movement[others].reshape(shape)).mean()), _LEAST),
        picture=max(float(nearest(picture[others].reshape(shape)).mean()), _LEAST),
        energy_log=float(np.median(np.log(np.maximum(energies, _LEAST)))),
    )


def phrase_scores(own: OwnDistances, movement: Array, cohort: Array, picture: Array, energies: Array) -> PhraseScores:
    """Return the parts of the score of n clips.

    Args:
        own: distances of the enrolled repetitions.
        movement: (n, k) distances of movements to the enrolled ones.
        cohort: (n, c) distances of movements to the wrong movements that `cohort.cohort` made.
        picture: (n, k) distances of mean pictures to the enrolled ones.
        energies: (n,) amounts of movement.
    """
    near = np.maximum(nearest(movement), _LEAST)
    strength = np.abs(np.log(np.maximum(energies, _LEAST)) - own.energy_log)
    return PhraseScores(
        movement=np.asarray(
            -np.log(near / own.movement) - np.log(near / np.maximum(cohort.mean(1), _LEAST)), np.float32
        ),
        picture=np.asarray(-np.log(np.maximum(nearest(picture), _LEAST) / own.picture), np.float32),
        energy=np.asarray(-np.maximum(strength - ENERGY_SLACK, 0), np.float32),
    )
