"""Makes all trials of a set of clips. A trial compares a clip with some enrolled repetitions and has a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import phrase_clips
from benchmarks.phrase_clips import Clip
from edge_daemon.checkin import cohort, phrase_score
from edge_daemon.checkin.mouth_features import MouthMovement
from edge_daemon.checkin.phrase_model import picture_distances
from edge_daemon.checkin.phrase_score import PhraseScores
from edge_daemon.checkin.time_warp import warped_distances

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

RIGHT, SAME_OTHER, OTHER_SAME, OTHER_OTHER = range(4)
STILL, REVERSED, MEAN_SWAPPED = range(4, 7)
KINDS: Final = ("right", "same_other", "other_same", "other_other", "still", "reversed", "mean_swapped")


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Scores of trials, each array (n,)."""

    kind: Ints
    """Index in KINDS."""
    speaker: Ints
    """Index of the speaker whose phrase was enrolled."""
    scores: PhraseScores

    def take(self, chosen: NDArray[np.bool_]) -> Trials:
        """Return a selection of the trials."""
        s = self.scores
        return Trials(
            self.kind[chosen],
            self.speaker[chosen],
            PhraseScores(s.movement[chosen], s.picture[chosen], s.energy[chosen]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """Distances from n clips to m clips that may be enrolled."""

    movement: Floats
    cohort: Floats
    """(n, m): mean distance of a clip's movement from the wrong movements that `cohort` makes of an enrolled clip."""
    picture: Floats
    energies: Floats


class ClipSet:
    """The clips of one set (phrases or words), with all pairs compared."""

    def __init__(self, clips: Sequence[Clip], seed: int = 0) -> None:
        self._clips = clips
        self.speakers = sorted({clip.speaker for clip in clips})
        self._speaker = np.array([self.speakers.index(clip.speaker) for clip in clips])
        names = sorted({clip.phrase for clip in clips})
        self._phrase = np.array([names.index(clip.phrase) for clip in clips])
        movements = [phrase_clips.movement(clip.frames) for clip in clips]
        self._own = _measured(movements, movements)
        self._attacks = self._measured_attacks(movements, np.random.default_rng(seed))

    def trials(self, enrolled: int) -> Trials:
        """Return all trials with a number of enrolled repetitions: each run of repetitions is enrolled once."""
        found = list(self._each(enrolled))
        scores = [one.scores for one in found]
        return Trials(
            np.concatenate([one.kind for one in found]),
            np.concatenate([one.speaker for one in found]),
            PhraseScores(
                np.concatenate([one.movement for one in scores]),
                np.concatenate([one.picture for one in scores]),
                np.concatenate([one.energy for one in scores]),
            ),
        )

    def _each(self, enrolled: int) -> Iterator[Trials]:
        for speaker in range(len(self.speakers)):
            for phrase in np.unique(self._phrase[self._speaker == speaker]):
                mine = np.flatnonzero((self._speaker == speaker) & (self._phrase == phrase))
                mine = mine[np.argsort([self._clips[i].repetition for i in mine])]
                if len(mine) <= enrolled:
                    continue
                for first in range(len(mine)):
                    template = mine[(first + np.arange(enrolled)) % len(mine)]
                    yield self._trials_of(speaker, phrase, template, np.setdiff1d(mine, template))

    def _trials_of(self, speaker: int, phrase: int, template: Ints, others: Ints) -> Trials:
        all_ = self._own
        square = np.ix_(template, template)
        own = phrase_score.own_distances(all_.movement[square], all_.picture[square], all_.energies[template])
        tried = np.setdiff1d(np.arange(len(self._clips)), template)
        is_mine, is_same = self._speaker[tried] == speaker, self._phrase[tried] == phrase
        kind = np.where(is_mine, np.where(is_same, RIGHT, SAME_OTHER), np.where(is_same, OTHER_SAME, OTHER_OTHER))
        parts = [(kind, _scores(own, all_, tried, template))]
        for which, attack in self._attacks.items():
            parts.append((np.full(len(others), which), _scores(own, attack, others, template)))
        kinds = np.concatenate([one for one, _ in parts])
        return Trials(
            kinds,
            np.full(len(kinds), speaker),
            PhraseScores(
                np.concatenate([scores.movement for _, scores in parts]),
                np.concatenate([scores.picture for _, scores in parts]),
                np.concatenate([scores.energy for _, scores in parts]),
            ),
        )

    def _measured_attacks(
        self, movements: Sequence[MouthMovement], random: np.random.Generator
    ) -> dict[int, _Measured]:
        clips = self._clips
        frames = {
            STILL: [phrase_clips.still(clip, random) for clip in clips],
            REVERSED: [phrase_clips.backwards(clip) for clip in clips],
            MEAN_SWAPPED: [
                phrase_clips.mean_swapped(clip, clips[self._donor(i, random)]) for i, clip in enumerate(clips)
            ],
        }
        return {k: _measured([phrase_clips.movement(f) for f in each], movements) for k, each in frames.items()}

    def _donor(self, clip: int, random: np.random.Generator) -> int:
        """Choose the clip whose movement is combined with a clip's mean picture; half are of the same speaker."""
        own = (self._speaker == self._speaker[clip]) & (self._phrase != self._phrase[clip])
        wanted = own if random.random() < 0.5 and own.any() else self._speaker != self._speaker[clip]
        return int(random.choice(np.flatnonzero(wanted)))


def _scores(own: phrase_score.OwnDistances, all_: _Measured, tried: Ints, template: Ints) -> PhraseScores:
    square = np.ix_(tried, template)
    return phrase_score.phrase_scores(
        own, all_.movement[square], all_.cohort[square], all_.picture[square], all_.energies[tried]
    )


def _measured(clips: Sequence[MouthMovement], enrolled: Sequence[MouthMovement]) -> _Measured:
    sequences, templates = (np.stack([one.sequence for one in each]) for each in (clips, enrolled))
    means, template_means = (np.stack([one.mean for one in each]) for each in (clips, enrolled))
    wrong = warped_distances(sequences, cohort.cohort(templates)).reshape(len(clips), cohort.CLIPS, len(enrolled))
    return _Measured(
        warped_distances(sequences, templates),
        wrong.mean(1),
        picture_distances(means, template_means),
        np.array([one.energy for one in clips], np.float32),
    )
