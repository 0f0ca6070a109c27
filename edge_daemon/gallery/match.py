"""How similar a face is to each enrolled student."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_daemon.types import CoveredTemplates, StudentTemplates, Vector

TYPICAL_AGREEMENT = 0.65
"""Mean cosine between two photographs of one person, where a student has too few to tell."""

OWN_WEIGHT = 6
"""The mean of a small class is mostly its students themselves: with so few or fewer nothing is taken off, with 30
most."""

COVERED_SHARE = 0.75
"""Covered templates are used where at least this share of the students has them. Where few have, whoever wears a mask
resembles those few: of 240 verdicts of lessons in masks (`benchmarks.scenarios.simulated`), of 12 students each, were
wrong without a doubt: 5 where all have them, 7 with 11, 13 with 10, 32 with 8, 70 with 4, 62 with one, 40 with none."""

COVERED_STUDENTS = 2
"""... and where at least so many do. Whoever is the only student is compared with nobody: of 59 lessons in masks with
two strangers and without the student, 44 had the student present with covered templates and 5 without; of 56 with bare
faces 14 and 4. Of two students, one there and one not, 5 and 1 of 51, but without them 30 of 153 lost their name
instead of 3."""


class Matcher:
    """Compares faces with the templates of all students, at the size of the face.

    A face of 30 pixels resembles a portrait that was brought down to 30 pixels more than the portrait itself. So each
    student has one mean vector a template width, and a face is compared with the two widths around its own, in
    proportion. It is compared with the bare templates and with those with a mask and with sunglasses; what is most
    alike counts. Where too few students have those of a kind (`COVERED_SHARE`, `COVERED_STUDENTS`), it is left out.
    """

    def __init__(self, templates: Sequence[StudentTemplates]) -> None:
        self.student_ids = tuple(t.student_id for t in templates)
        self.photographs = {t.student_id: _photographs(t.widths_px) for t in templates}
        """How many photographs each student was enrolled with."""
        bare = _Means([CoveredTemplates(t.vectors, t.widths_px) for t in templates])
        kinds = max((len(t.covered) for t in templates), default=0)
        by_kind = [[t.covered[kind] if kind < len(t.covered) else None for t in templates] for kind in range(kinds)]
        least = max(COVERED_STUDENTS, COVERED_SHARE * len(templates))
        self._means = [bare, *(_Means(own) for own in by_kind if sum(t is not None for t in own) >= least)]

    def similarities(self, embeddings: Vector, widths_px: Vector) -> Vector:
        """Return how similar each face is to each student: the cosine, corrected for what the photographs are worth.

        Args:
            embeddings: (faces, 192), rows of length 1.
            widths_px: (faces,) width of each face in its picture.

        Returns:
            (faces, students) float32.
        """
        if not self.student_ids or len(embeddings) == 0:
            return np.zeros((len(embeddings), len(self.student_ids)), dtype=np.float32)
        each = [means.similarities(embeddings, widths_px) for means in self._means]
        return np.asarray(np.max(each, axis=0), dtype=np.float32)


class _Means:
    """Mean vectors of all students at every template width.

    Args:
        templates: of each student; None: the student has none of this kind, and resembles nobody.
    """

    def __init__(self, templates: Sequence[CoveredTemplates | None]) -> None:
        known = [t for t in templates if t is not None]
        widths = sorted({float(w) for t in known for w in t.widths_px})
        self._log_widths = np.log(np.array(widths or [1.0], dtype=np.float32))
        self._has_none = np.array([t is None for t in templates], bool)
        stacks = [[t.vectors[_nearest(t.widths_px, w)] for t in known] for w in widths]
        share = max(0.0, 1.0 - OWN_WEIGHT / max(len(known), 1))
        commons = [share * np.mean([stack.mean(axis=0) for stack in row], axis=0) for row in stacks]
        means = [[_steady_mean(_about(stack, c)) for stack in row] for row, c in zip(stacks, commons, strict=True)]
        self._commons: Vector = np.array(commons, dtype=np.float32)  # (widths, 192)
        self._vectors: Vector = np.array(means, dtype=np.float32)  # (widths, students, 192)

    def similarities(self, embeddings: Vector, widths_px: Vector) -> Vector:
        """Return (faces, students); -1 for a student without a template."""
        found = np.full((len(embeddings), len(self._has_none)), -1.0, np.float32)
        about = np.stack([_about(embeddings, common) for common in self._commons], axis=1)  # (faces, widths, 192)
        scores = np.einsum("fwd,wsd->fws", about, self._vectors)
        found[:, ~self._has_none] = np.einsum("fws,fw->fs", scores, self._weights(widths_px))
        return found

    def _weights(self, widths_px: Vector) -> Vector:
        """Return (faces, widths): how much each template width counts for a face."""
        positions = np.interp(np.log(widths_px), self._log_widths, np.arange(len(self._log_widths)))
        distance = np.abs(positions[:, None] - np.arange(len(self._log_widths))[None])
        return np.asarray(np.maximum(0.0, 1.0 - distance), dtype=np.float32)


def _photographs(widths_px: Vector) -> int:
    """Return how many photographs gave these templates: each is brought down to every width that is smaller."""
    return int(np.unique(widths_px, return_counts=True)[1].max(initial=0))


def _nearest(widths_px: Vector, width_px: float) -> Vector:
    """Mask of the templates whose width is nearest to the wanted one, as photographs differ in what they can give."""
    distance = np.abs(widths_px - width_px)
    return np.asarray(distance == distance.min())


def _about(vectors: Vector, common: Vector) -> Vector:
    """Return vectors without what is common to all, brought to length 1 again."""
    rest = vectors - common
    return np.asarray(rest / np.maximum(np.linalg.norm(rest, axis=-1, keepdims=True), 1e-9), dtype=np.float32)


def _steady_mean(vectors: Vector) -> Vector:
    """Return the direction of the mean, with the inverse of its reliability's square root as its length."""
    count = len(vectors)
    mean = vectors.mean(axis=0)
    pairs = count * (count - 1)
    known = float(np.sum(vectors.sum(axis=0) ** 2)) - count  # the sum of cosines over all ordered pairs
    agreement = max((known + 2 * TYPICAL_AGREEMENT) / (pairs + 2), 0.2)
    reliability = agreement * count / (1 + (count - 1) * agreement)  # Spearman-Brown
    return np.asarray(mean / (max(float(np.linalg.norm(mean)), 1e-9) * np.sqrt(reliability)), dtype=np.float32)
