"""Detects posters over several lessons: named faces that hang at the same place of the picture in lesson after lesson.

In one lesson a poster may pass as a student, because `static_faces` needs half an hour and a clear view. But no person
keeps the head within six millimetres for a whole lesson and then sits at exactly the same place in the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import hypot
from statistics import median
from typing import TypeAlias

from edge_daemon.attendance.evidence.tracks import Track
from edge_daemon.attendance.seat_map import median_box
from edge_daemon.types import Box, Candidate

LEAST_LESSONS = 3
"""A face is a poster in the third lesson in which it hangs at its place, and from then on."""
LEAST_CAPTURES = 10
"""Least number of captures of a lesson in which a face keeps its place. With fewer, a person may have sat still."""
LEAST_SPAN_S = 600.0
"""Least seconds between the first and the last capture in which a face keeps its place.

In a shorter time, a person may have sat still.
"""
MOST_STRAY = 0.04
"""Largest median distance of a still face to its place, in face widths.

Half of 32 composed posters had at most 0.015 (`benchmarks.posters`). People in three videos of 15 seconds had 0.05 to
0.17.
"""
SAME_PLACE = 0.85
"""Least overlap (intersection over union) of a poster's boxes in two lessons.

The overlap of 12 composed posters was 0.94 or more. It is below 1, because the width of a detection changes with the
light by up to 3 %.
"""

StillFace: TypeAlias = "tuple[str, Box]"
"""The id of a student, and the median box of a face with this student's name that kept its place for a lesson."""
Named: TypeAlias = "tuple[Track, str]"
"""A track and the id of its student."""


def still_faces(named: Iterable[Named], faces: Sequence[Candidate], seconds_of: Mapping[int, float]) -> list[StillFace]:
    """Return student id and place of each named track that kept its place, for comparison in later lessons.

    Args:
        named: tracks of the lesson, each with the id of the student whom it shows, in person or on a picture.
        faces: the faces that the tracks index.
        seconds_of: time of each capture by slot, in seconds from any instant.
    """
    places = ((student_id, still_place(_members(track, faces), seconds_of)) for track, student_id in named)
    return [(student_id, place) for student_id, place in places if place is not None]


def poster_tracks(
    tracks: Sequence[Track],
    faces: Sequence[Candidate],
    seconds_of: Mapping[int, float],
    earlier: Sequence[Collection[StillFace]],
) -> list[int]:
    """Return the indices of the tracks that are posters.

    Args:
        tracks: the tracks of one lesson.
        faces: the faces that the tracks index.
        seconds_of: as in `still_faces`.
        earlier: the still faces of each earlier lesson in this room.
    """
    if len(earlier) < LEAST_LESSONS - 1:
        return []
    places = ((i, still_place(_members(track, faces), seconds_of)) for i, track in enumerate(tracks))
    return [i for i, place in places if place is not None and _lessons_there(place, earlier) >= LEAST_LESSONS - 1]


def still_place(faces: Sequence[Candidate], seconds_of: Mapping[int, float]) -> Box | None:
    """Return the median box of the faces of one track; None if they moved, or if there is not enough evidence."""
    seconds = [seconds_of[face.slot] for face in faces if face.slot in seconds_of]
    if len(seconds) < LEAST_CAPTURES or max(seconds) - min(seconds) < LEAST_SPAN_S:
        return None
    place = median_box([face.box for face in faces])
    x, y = (median(centre) for centre in zip(*(_centre(face.box) for face in faces), strict=True))
    stray = median(hypot(_centre(face.box)[0] - x, _centre(face.box)[1] - y) for face in faces)
    return place if stray <= MOST_STRAY * place.w else None


def is_same_place(a: Box, b: Box) -> bool:
    """Return whether two boxes overlap so much that they may be the places of one poster."""
    return _overlap(a, b) >= SAME_PLACE


def _lessons_there(place: Box, earlier: Sequence[Collection[StillFace]]) -> int:
    """Return in how many earlier lessons a face of one and the same student kept this place."""
    lessons = Counter(
        student_id for lesson in earlier for student_id in {one for one, box in lesson if is_same_place(box, place)}
    )
    return max(lessons.values(), default=0)


def _members(track: Track, faces: Sequence[Candidate]) -> list[Candidate]:
    return [faces[member] for member in track.members]


def _centre(box: Box) -> tuple[float, float]:
    return box.x + box.w / 2, box.y + box.h / 2


def _overlap(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    common = max(width, 0.0) * max(height, 0.0)
    everything = a.w * a.h + b.w * b.h - common
    return common / everything if everything > 0 else 0.0
