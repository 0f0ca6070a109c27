"""Computes the similarity of a face to each enrolled student."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_daemon.types import CoveredTemplates, StudentTemplates, Vector

TYPICAL_AGREEMENT = 0.65
"""Mean cosine between two photographs of one person.

It counts like one more pair of the student's own photographs, because their mean is uncertain if they are few.
"""

OWN_WEIGHT = 6
"""Class size up to which the mean vector of the class is not subtracted from vectors.

The mean of a small class consists mostly of the student's own vector. With 30 students most of the mean is subtracted.
"""

COVERED_SHARE = 0.75
"""Covered templates (with a painted mask or sunglasses) are used if at least this share of the students has them.

With a smaller share, anyone in a mask resembles those few students. Measured on 240 verdicts in lessons of 12 students
in masks (`benchmarks.scenarios.simulated`): if all students had covered templates, 5 verdicts were wrong without a flag
of doubt. If 11 students had them, 7 were wrong; with 10 students 13, with 8 students 32, with 4 students 70, with one
student 62, and with none 40.
"""

COVERED_STUDENTS = 2
"""Covered templates are used if at least this many students have them.

A single student has no other to be compared with. Measured with that student absent and two strangers in the room: in
lessons in masks, 44 of 59 registers had the student present with covered templates, and 5 without. In lessons with bare
faces, 14 of 56 registers had the student present with covered templates, and 4 without. With two students, one of them
absent, 5 of 51 registers had the absent one present with covered templates, and 1 without. But 3 of 153 present
students were not recognised with covered templates, and 30 without.
"""


class Matcher:
    """Compares faces with the templates of all students, at the size of the face.

    A face of 30 pixels resembles a portrait that was scaled to 30 pixels more than the full portrait. Each student
    therefore has a mean vector for each template width, and a face is compared with the two nearest widths, weighted by
    distance. The comparison uses bare templates and those with a mask or sunglasses, and takes the highest similarity.
    Templates with a mask, or with sunglasses, are left out if too few students have them (`COVERED_SHARE`,
    `COVERED_STUDENTS`).
    """

    def __init__(self, templates: Sequence[StudentTemplates]) -> None:
        self.student_ids = tuple(t.student_id for t in templates)
        self.photographs = {t.student_id: _photographs(t.widths_px) for t in templates}
        """Number of photographs of each student."""
        bare = _Means([CoveredTemplates(t.vectors, t.widths_px) for t in templates])
        kinds = max((len(t.covered) for t in templates), default=0)
        by_kind = [[t.covered[kind] if kind < len(t.covered) else None for t in templates] for kind in range(kinds)]
        least = max(COVERED_STUDENTS, COVERED_SHARE * len(templates))
        self._means = [bare, *(_Means(own) for own in by_kind if sum(t is not None for t in own) >= least)]

    def similarities(self, embeddings: Vector, widths_px: Vector) -> Vector:
        """Return the similarity of each face to each student: the cosine, corrected for the number of photographs.

        Args:
            embeddings: (faces, 192), rows of length 1.
            widths_px: (faces,) width of each face in its picture.

        Returns:
            (faces, students) float32.
        """
        return self.compared(embeddings, widths_px)[0]

    def compared(self, embeddings: Vector, widths_px: Vector) -> tuple[Vector, Vector]:
        """Return the similarities, and how far each is above the similarity to the student's bare photographs.

        A high similarity to a photograph with a painted cover says less than the same similarity to a bare one, because
        it is the highest of several.

        Args:
            embeddings: as in `similarities`.
            widths_px: as in `similarities`.

        Returns:
            Two arrays, (faces, students) float32. The second one has no number below 0.
        """
        if not self.student_ids or len(embeddings) == 0:
            nothing = np.zeros((len(embeddings), len(self.student_ids)), dtype=np.float32)
            return nothing, nothing
        each = np.stack([means.similarities(embeddings, widths_px) for means in self._means])
        highest = np.asarray(each.max(axis=0), dtype=np.float32)
        return highest, np.asarray(highest - each[0], dtype=np.float32)


class _Means:
    """Mean vectors of all students at every template width.

    Args:
        templates: templates of each student, all of one kind (bare or covered). None: the student has no templates of
            this kind, and matches no face.
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
        """Return the similarity of each face to each student, (faces, students); -1 without a template."""
        found = np.full((len(embeddings), len(self._has_none)), -1.0, np.float32)
        about = np.stack([_about(embeddings, common) for common in self._commons], axis=1)  # (faces, widths, 192)
        scores = np.einsum("fwd,wsd->fws", about, self._vectors)
        found[:, ~self._has_none] = np.einsum("fws,fw->fs", scores, self._weights(widths_px))
        return found

    def _weights(self, widths_px: Vector) -> Vector:
        """Return for each face how much the templates of each face width count, (faces, widths).

        The two widths nearest to the face's own share the weight 1 (linear in the logarithm of the width).
        """
        positions = np.interp(np.log(widths_px), self._log_widths, np.arange(len(self._log_widths)))
        distance = np.abs(positions[:, None] - np.arange(len(self._log_widths))[None])
        return np.asarray(np.maximum(0.0, 1.0 - distance), dtype=np.float32)


def _photographs(widths_px: Vector) -> int:
    """Return how many photographs gave these templates. Each one is scaled to every smaller width."""
    return int(np.unique(widths_px, return_counts=True)[1].max(initial=0))


def _nearest(widths_px: Vector, width_px: float) -> Vector:
    """Return which templates have the face width nearest to `width_px`, as a mask; at least one."""
    distance = np.abs(widths_px - width_px)
    return np.asarray(distance == distance.min())


def _about(vectors: Vector, common: Vector) -> Vector:
    """Return vectors minus `common`, the part that all students share, scaled to length 1."""
    rest = vectors - common
    return np.asarray(rest / np.maximum(np.linalg.norm(rest, axis=-1, keepdims=True), 1e-9), dtype=np.float32)


def _steady_mean(vectors: Vector) -> Vector:
    """Return a vector in the direction of the mean; its length is the inverse square root of the mean's reliability."""
    count = len(vectors)
    mean = vectors.mean(axis=0)
    pairs = count * (count - 1)
    known = float(np.sum(vectors.sum(axis=0) ** 2)) - count  # the sum of cosines over all ordered pairs
    agreement = max((known + 2 * TYPICAL_AGREEMENT) / (pairs + 2), 0.2)
    reliability = agreement * count / (1 + (count - 1) * agreement)  # Spearman-Brown
    return np.asarray(mean / (max(float(np.linalg.norm(mean)), 1e-9) * np.sqrt(reliability)), dtype=np.float32)
