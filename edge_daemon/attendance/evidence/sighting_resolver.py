"""Evidence over the whole lesson: who each face of each capture is.

One picture of a face 28 pixels wide decides little, forty decide a lot. The faces of a lesson are linked by place and
likeness (places.py, links.py), and the links are given names (naming.py). The evidence follows the face, not the chair:
a face that contradicts its neighbours is no part of their link and counts for nobody by their merit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from edge_daemon.attendance.attention import shut_for_long
from edge_daemon.attendance.evidence.identification import name_links
from edge_daemon.attendance.evidence.seats import find_places
from edge_daemon.attendance.evidence.thresholds import NOBODY, Decision
from edge_daemon.attendance.evidence.tracks import Link, link_place
from edge_daemon.types import Candidate, Sighting, Vector

MIN_WIDTH_PX = 18.0
"""Narrower faces are nobody who could be recognised: pictures on a wall, people in a corridor."""
MIN_UNKNOWN_SCORE = 0.975
"""Somebody unknown is a face if the median of his or her scores is this high. In two composed lessons the lowest median
of a person was 0.994, the highest of a false face 0.949: what deceives the detector now and then rarely does so each
time."""


def believe(
    candidates: Sequence[Candidate],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]] = (),
    decision: Decision = Decision(),  # noqa: B008 - frozen
) -> list[Sighting]:
    """Decide for every face of a lesson who it is.

    Args:
        candidates: the faces of all captures; similarities (students,) in the order of student_ids.
        student_ids: the enrolled students.
        look_alikes: pairs of students who are told apart more strictly.
        decision: measured constants.

    Returns:
        One sighting a face that is believed in, ordered by slot; student_id is empty for somebody unknown. A student
        has at most one a slot.
    """
    faces = sorted((c for c in candidates if c.quality.width_px >= MIN_WIDTH_PX), key=lambda c: c.slot)
    if not faces:
        return []
    links = _find_links(faces)
    named = name_links(links, faces, student_ids, look_alikes, decision) if student_ids else [NOBODY] * len(links)
    students, doubtful = [NOBODY] * len(faces), [False] * len(faces)
    for link, student in zip(links, named, strict=True):
        unsure = student == NOBODY and np.median([faces[m].score for m in link.members]) < MIN_UNKNOWN_SCORE
        for member in link.members:
            students[member], doubtful[member] = student, bool(unsure)
    _keep_one_a_slot(students, faces)
    asleep = _asleep(students, faces)
    return [_sighting(face, students[m], student_ids, asleep[m]) for m, face in enumerate(faces) if not doubtful[m]]


def _find_links(faces: Sequence[Candidate]) -> list[Link]:
    vectors = _likeness_vectors(faces)
    links: list[Link] = []
    for number, place in enumerate(find_places(faces)):
        links += link_place(number, place, [faces[m].slot for m in place], vectors[place])
    return links


def _likeness_vectors(faces: Sequence[Candidate]) -> Vector:
    """Rows of length 1 whose products tell how alike two faces are.

    After a restart embeddings are gone. How similar a face is to each of thirty students is then a fingerprint in its
    place; its mean over the lesson is taken off, as everybody resembles some students more than others.
    """
    if all(f.embedding is not None for f in faces):
        rows = np.stack([f.embedding for f in faces if f.embedding is not None])
    else:
        rows = np.stack([f.similarities for f in faces])
        rows = rows - rows.mean(axis=0)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _keep_one_a_slot(students: list[int], faces: Sequence[Candidate]) -> None:
    """Where a student stands twice in one capture, the less similar face becomes unknown."""
    best: dict[tuple[int, int], int] = {}
    for member, (student, face) in enumerate(zip(students, faces, strict=True)):
        if student == NOBODY:
            continue
        rival = best.setdefault((face.slot, student), member)
        if rival == member:
            continue
        if faces[rival].similarities[student] >= face.similarities[student]:
            students[member] = NOBODY
        else:
            students[rival] = NOBODY
            best[face.slot, student] = member


def _asleep(students: Sequence[int], faces: Sequence[Candidate]) -> list[bool]:
    result = [False] * len(faces)
    for student in set(students) - {NOBODY}:
        own = [m for m, s in enumerate(students) if s == student]
        for member, shut in zip(own, shut_for_long([faces[m] for m in own]), strict=True):
            result[member] = shut
    return result


def _sighting(face: Candidate, student: int, student_ids: Sequence[str], asleep: bool) -> Sighting:
    known = student != NOBODY
    similarity = face.similarities[student] if known else max(face.similarities, default=0.0)
    similarity = min(float(similarity), 1.0)  # the correction for poor photographs overshoots on the photograph itself
    return Sighting(
        face.slot, student_ids[student] if known else "", similarity, face.attentive and not asleep, face.box
    )
