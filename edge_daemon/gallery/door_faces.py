"""Stores faces seen at the door; each is one more template of its student until the lesson ends.

They are sealed files in a folder in memory (tmpfs), because check-in and lesson are two processes. A face that does not
agree with the student's photographs is not stored. A face with a mask or sunglasses is compared with the covered
templates, and added to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import numpy as np

from edge_daemon.errors import GalleryError
from edge_daemon.gallery import data_keys
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.types import CoveredTemplates, StudentTemplates, Vector
from edge_daemon.whole_file import replace_file

AGREES: Final = 0.50
"""A face at the door is stored only if its cosine to the mean vector of the student's photographs is at least this.

The 99.9th percentile of the cosines between photographs of different people is .50 to .58.
"""
_BARE: Final = -1
_HEAD_BYTES: Final = 9


@dataclass(frozen=True, slots=True, eq=False)
class DoorFace:
    """A face seen at the door."""

    vector: Vector
    """The face as a vector of length 1, (192,)."""
    cover: int
    """Index in `StudentTemplates.covered` of the cover that the face has; -1 for a bare face."""
    at: datetime


class DoorFaces:
    """The faces that one installation has seen at the door.

    Args:
        store: the gallery.
        embedder: identity of the embedder that computes the vectors.
        folder: folder in memory; it is created with the first face.
    """

    def __init__(self, store: GalleryStore, embedder: EmbedderId, folder: Path) -> None:
        self._store, self._embedder, self._folder = store, embedder, folder
        self._changed_ns = 0

    def keep(self, student_id: str, vector: Vector, at: datetime) -> bool:
        """Store a face in place of the student's earlier one; return False if it does not agree with the photographs.

        Raises:
            OSError: the folder can't be written.
            GalleryError: the templates are of another embedder or device key.
        """
        own = [one for one in self._store.templates(self._embedder) if one.student_id == student_id]
        cover = _cover_of(own[0], vector) if own else None
        if cover is None:
            return False
        head = cover.to_bytes(1, "little", signed=True) + int(at.timestamp()).to_bytes(8, "little")
        key = self._store.data_key(self._store.row(student_id))
        sealed = data_keys.seal(key, head + vector.astype("<f4").tobytes(), self._bound(student_id))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._path(student_id), sealed)
        return True

    def have_changed(self) -> bool:
        """Return whether a face was stored or erased since the last call."""
        try:
            changed_ns = self._folder.stat().st_mtime_ns
        except OSError:
            changed_ns = 0
        before, self._changed_ns = self._changed_ns, changed_ns
        return changed_ns != before

    def of(self, student_id: str, begin: datetime) -> DoorFace | None:
        """Return a student's face if it was seen at `begin` or later; None if there is none or it can't be opened."""
        try:
            sealed = self._path(student_id).read_bytes()
            key = self._store.data_key(self._store.row(student_id))
            plain = data_keys.open_sealed(key, sealed, self._bound(student_id))
        except (OSError, GalleryError):
            return None
        at = datetime.fromtimestamp(int.from_bytes(plain[1:_HEAD_BYTES], "little"), timezone.utc)
        vector = np.frombuffer(plain, "<f4", offset=_HEAD_BYTES).astype(np.float32)
        return DoorFace(vector, int.from_bytes(plain[:1], "little", signed=True), at) if at >= begin else None

    def erase(self, before: datetime) -> None:
        """Erase the faces that were stored before a time."""
        try:
            found = list(self._folder.iterdir())
        except OSError:
            return
        for path in found:
            with suppress(FileNotFoundError):  # the check-in has just moved it to its place
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()

    def _path(self, student_id: str) -> Path:
        return self._folder / self._store.keyed_id(student_id)

    def _bound(self, student_id: str) -> bytes:
        return data_keys.binding("door face", student_id, self._embedder.sha256, str(self._embedder.preprocessing))


def with_face(templates: StudentTemplates, face: DoorFace) -> StudentTemplates:
    """Return a student's templates with the face added as one more photograph, at every template width."""
    if face.cover == _BARE:
        vectors, widths_px = _joined(templates, face.vector)
        return replace(templates, vectors=vectors, widths_px=widths_px)
    covered = list(templates.covered)
    if face.cover < len(covered):
        covered[face.cover] = CoveredTemplates(*_joined(covered[face.cover], face.vector))
    return replace(templates, covered=tuple(covered))


def _joined(templates: StudentTemplates | CoveredTemplates, vector: Vector) -> tuple[Vector, Vector]:
    widths_px = np.unique(templates.widths_px)
    rows = np.tile(vector, (len(widths_px), 1))
    return np.concatenate([templates.vectors, rows]), np.concatenate([templates.widths_px, widths_px])


def _cover_of(templates: StudentTemplates, vector: Vector) -> int | None:
    """Return the index of the covered templates that a face agrees with best, or -1 for the bare ones.

    The result is None if the face agrees with none.
    """
    each: Sequence[StudentTemplates | CoveredTemplates] = (templates, *templates.covered)
    cosines = [float(vector @ _mean_of_widest(one)) for one in each]
    best = int(np.argmax(cosines))
    return best + _BARE if cosines[best] >= AGREES else None


def _mean_of_widest(templates: StudentTemplates | CoveredTemplates) -> Vector:
    """Return one vector (192,) of length 1: the mean of the templates whose faces are within 1 % of the widest."""
    widest = templates.vectors[templates.widths_px >= 0.99 * templates.widths_px.max()]
    mean = widest.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)
