"""Decides which student each face in each capture shows, by evidence over the whole lesson.

One picture of a face 28 pixels wide is weak evidence; forty are strong. The module joins the faces of a lesson to
tracks by seat and similarity (seats.py, tracks.py), and assigns the tracks to students (track_identification.py). The
evidence follows the face, not the chair. A face that contradicts its neighbours is not part of their track, and does
not count for their student.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge_daemon.attendance.attention import shut_for_long
from edge_daemon.attendance.evidence.identities import unite
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.naming import NamesByProbability, possible_students
from edge_daemon.attendance.evidence.posters import StillFace, poster_tracks, still_faces
from edge_daemon.attendance.evidence.presence import PossibleStudent
from edge_daemon.attendance.evidence.resemblance import UnnamedPerson, unnamed_persons
from edge_daemon.attendance.evidence.seats import group_by_seat
from edge_daemon.attendance.evidence.static_faces import PrintedStudent, printed_students, static_groups
from edge_daemon.attendance.evidence.student_odds import known_students
from edge_daemon.attendance.evidence.thresholds import NOBODY, Thresholds
from edge_daemon.attendance.evidence.track_identification import identify_tracks
from edge_daemon.attendance.evidence.tracks import Track, track_seat
from edge_daemon.attendance.evidence.unread_persons import UnreadPerson, unread_persons
from edge_daemon.types import Candidate, Sighting, Vector

MIN_WIDTH_PX = 18.0
"""Narrower faces are left out, because they can't be recognised: pictures on a wall, people in a corridor."""
MIN_UNKNOWN_SCORE = 0.975
"""A track without a name counts as a person if the median of its detection scores is at least this.

In two composed lessons the lowest median of a person was 0.994, and the highest of a false face 0.949. An object that
sometimes deceives the detector rarely does so in every capture.
"""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The people seen in a lesson."""

    sightings: list[Sighting]
    """One sighting for each face except false detections, ordered by slot; `student_id` is empty for unknown people.

    A student has at most one sighting in a slot.
    """
    unnamed: list[UnnamedPerson]
    """People without a name who may be students; empty if `resolve_lesson` got no `match`."""
    possible: list[PossibleStudent] = field(default_factory=list)
    """People with a name and those of `unnamed`, each with the student's probability; empty without `match`."""
    unread: list[UnreadPerson] = field(default_factory=list)
    """People without a name whose faces are mostly hidden."""
    persons: list[list[Candidate]] = field(default_factory=list)
    """The faces of each person, named or not, without false detections; empty if no analyser was on."""
    printed: list[PrintedStudent] = field(default_factory=list)
    """Students of whom pictures were in the room; empty without `match` or without capture times."""
    still: list[StillFace] = field(default_factory=list)
    """Faces with a name, and pictures of students, that kept their place; empty without `match` or capture times."""


def resolve_sightings(
    candidates: Sequence[Candidate],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]] = (),
    constants: Thresholds = Thresholds(),  # noqa: B008 - frozen
) -> list[Sighting]:
    """Return the sightings of `resolve_lesson`, with the same arguments."""
    return resolve_lesson(candidates, student_ids, look_alikes, constants).sightings


def resolve_lesson(
    candidates: Sequence[Candidate],
    student_ids: Sequence[str],
    look_alikes: Collection[tuple[str, str]] = (),
    constants: Thresholds = Thresholds(),  # noqa: B008 - frozen
    *,
    match: MatchProbability | None = None,
    photographs: Mapping[str, int] | None = None,
    expected: Collection[str] | None = None,
    seconds_of: Mapping[int, float] | None = None,
    earlier_still: Sequence[Collection[StillFace]] = (),
) -> Resolution:
    """Decide who each face of a lesson is, and which students the people without a name may be.

    A recognised picture of a student, such as a poster, gets no name, and the student can still get that name.

    Args:
        candidates: the faces of all captures; their similarities are in the order of student_ids.
        student_ids: the enrolled students.
        look_alikes: pairs of ids of students who look alike.
        constants: thresholds for names.
        match: computes the probabilities by which names are given. If None, `constants` decides.
        photographs: number of photographs with which each student was enrolled, by id.
        expected: ids of the students of the lesson's course. If None, all students are expected.
        seconds_of: time of each capture, by slot, in seconds from any instant. If None, pictures of faces are not
            looked for.
        earlier_still: the still faces of each earlier lesson in this room; they show which faces are posters.
    """
    faces = sorted((c for c in candidates if c.quality.width_px >= MIN_WIDTH_PX), key=lambda c: c.slot)
    if not faces:
        return Resolution([], [])
    tracks = _find_tracks(faces)
    if match is None or not student_ids:
        named = [NOBODY] * len(tracks)
        if student_ids:
            named = identify_tracks(tracks, faces, student_ids, look_alikes, constants)
        return Resolution(_sightings(tracks, named, faces, student_ids), [], persons=persons(tracks, named, faces))
    known = known_students(student_ids, match, photographs=photographs, look_alikes=look_alikes, expected=expected)
    naming = NamesByProbability(faces, known)
    seconds = seconds_of or {}
    prints = _pictures_of_faces(tracks, faces, seconds, earlier_still)
    static = {i for group in prints for i in group}
    living = [track for i, track in enumerate(tracks) if i not in static]
    named = identify_tracks(living, faces, student_ids, look_alikes, constants, naming) if living else []
    unnamed = unnamed_persons(living, named, faces, known, naming.share)
    possible = possible_students(living, named, faces, known, naming.share)
    possible += [_possible(person, faces) for person in unnamed]
    everything = [*living, *(tracks[i] for i in sorted(static))]
    shown = [(group, printed_students([group], tracks, faces, known, naming.share)) for group in prints]
    pictured = [(tracks[i], one.student_id) for group, found in shown for one in found for i in group]
    by_name = [(track, student_ids[name]) for track, name in zip(living, named, strict=True) if name != NOBODY]
    return Resolution(
        _sightings(everything, [*named, *[NOBODY] * len(static)], faces, student_ids),
        unnamed,
        possible,
        unread_persons(living, named, faces),
        persons(living, named, faces),
        [one for _, found in shown for one in found],
        still_faces([*by_name, *pictured], faces, seconds),
    )


def _pictures_of_faces(
    tracks: Sequence[Track],
    faces: Sequence[Candidate],
    seconds_of: Mapping[int, float],
    earlier_still: Sequence[Collection[StillFace]],
) -> list[list[int]]:
    """Return the tracks of each print and poster, as indices; none if the times of the captures are not known."""
    if not seconds_of:
        return []
    prints = static_groups(tracks, faces, seconds_of)
    static = {i for group in prints for i in group}
    return prints + [[i] for i in poster_tracks(tracks, faces, seconds_of, earlier_still) if i not in static]


def _possible(person: UnnamedPerson, faces: Sequence[Candidate]) -> PossibleStudent:
    facing = frozenset(faces[member].slot for member in person.members if faces[member].attentive)
    return PossibleStudent(person.student_id, person.probability, facing)


def _sightings(
    tracks: Sequence[Track], named: Sequence[int], faces: Sequence[Candidate], student_ids: Sequence[str]
) -> list[Sighting]:
    students, unconfirmed = [NOBODY] * len(faces), [False] * len(faces)
    for track, student in zip(tracks, named, strict=True):
        unsure = student == NOBODY and not _is_believed(track, faces)
        for member in track.members:
            students[member], unconfirmed[member] = student, unsure
    _keep_one_a_slot(students, faces)
    asleep = _asleep(students, faces)
    return [_sighting(face, students[m], student_ids, asleep[m]) for m, face in enumerate(faces) if not unconfirmed[m]]


def persons(tracks: Sequence[Track], named: Sequence[int], faces: Sequence[Candidate]) -> list[list[Candidate]]:
    """Return the faces of each person: those of all tracks of a student, or of all tracks of an unknown person.

    False detections are left out. The list is empty if no analyser was on, because nothing needs it then.

    Args:
        tracks: the tracks of one lesson.
        named: the index of each track's student, or NOBODY.
        faces: all faces of the lesson; tracks hold indices into this list.
    """
    if not any(face.traits.are_analysed for face in faces):
        return []
    unknown = [t for t, student in zip(tracks, named, strict=True) if student == NOBODY and _is_believed(t, faces)]
    slots = [frozenset(faces[member].slot for member in track.members) for track in unknown]
    groups = [[unknown[i] for i in group] for group in unite(unknown, slots)] if unknown else []
    for student in sorted(set(named) - {NOBODY}):
        groups.append([track for track, name in zip(tracks, named, strict=True) if name == student])
    return [[faces[member] for track in group for member in track.members] for group in groups]


def _is_believed(track: Track, faces: Sequence[Candidate]) -> bool:
    """Return whether a track without a name is a face and no false detection."""
    return bool(np.median([faces[member].score for member in track.members]) >= MIN_UNKNOWN_SCORE)


def _find_tracks(faces: Sequence[Candidate]) -> list[Track]:
    vectors = _similarity_vectors(faces)
    tracks: list[Track] = []
    for number, seat in enumerate(group_by_seat(faces)):
        tracks += track_seat(number, seat, [faces[m].slot for m in seat], vectors[seat])
    return tracks


def _similarity_vectors(faces: Sequence[Candidate]) -> Vector:
    """Return a unit vector for each face, as a row; the product of two rows is the similarity of the faces.

    The rows are the embeddings. After a restart there are none; then the similarities of a face to all students, minus
    their means over the lesson, distinguish the people at one seat. The means are subtracted because everybody
    resembles some students more than others.
    """
    if all(f.embedding is not None for f in faces):
        rows = np.stack([f.embedding for f in faces if f.embedding is not None])
    else:
        rows = np.stack([f.similarities for f in faces])
        rows = rows - rows.mean(axis=0)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _keep_one_a_slot(students: list[int], faces: Sequence[Candidate]) -> None:
    """Make the less similar face unknown if a student appears twice in one capture."""
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
    similarity = min(float(similarity), 1.0)  # the correction for poor photographs exceeds 1 on the photograph itself
    return Sighting(
        face.slot, student_ids[student] if known else "", similarity, face.attentive and not asleep, face.box
    )
