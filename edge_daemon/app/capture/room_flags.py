"""Sets the flags about the room on a register: captures that can't show the students, hidden seats, a changed view.

`attendance/room_faults.py` finds the faults of one capture, and `attendance/view_change.py` compares the camera's
views.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast, get_args

import numpy as np

from edge_daemon.attendance import room_faults, view_change
from edge_daemon.attendance.room_faults import Area, Fault, Faults
from edge_daemon.attendance.room_state import is_shared, is_unusual, unusual_flag
from edge_daemon.attendance.seat_map import usual_boxes
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import room_history
from edge_daemon.types import (
    VIEW_COLUMNS,
    VIEW_ROWS,
    Box,
    Candidate,
    Lesson,
    MissedCapture,
    Picture,
    RegisterFlag,
    RoomView,
    Sighting,
    Tally,
)
from edge_daemon.vision.room_view import room_view

_FACE_SCORE = 0.5
"""Minimum score of a detection that counts as a face here."""
_ENOUGH_FACES = 0.5
"""A capture counts in any light if its number of faces is at least this share of the number of known seats."""


@dataclass(frozen=True, slots=True)
class RoomFindings:
    """The findings about the room for one lesson."""

    flags: tuple[RegisterFlag, ...]
    not_seeable: frozenset[str]
    """Students whom the device could not have seen if they had been there."""
    scene: bytes | None
    """The scene for comparison with later lessons; None if this lesson shows nothing to compare with."""


@dataclass(frozen=True, slots=True)
class _StoredView:
    """The view and the faults of one capture, as they are stored."""

    width_px: int
    height_px: int
    view: RoomView
    faults: Faults


class RoomFlags:
    """Examines every capture of one lesson.

    Args:
        db: register.sqlite; the last lessons of this room and course are read, and the stored views of this lesson.
        lesson: the lesson.
    """

    def __init__(self, db: sqlite_utils.Database, lesson: Lesson) -> None:
        past = room_history.past_lessons(db, lesson)
        self._scenes = [one.scene for one in past]
        self._past = past
        self._seats = usual_boxes(sighting for one in past for sighting in one.sightings)
        stored = room_history.room_views(db, lesson.lesson_id)
        self._views = {slot: _unpacked(view) for slot, view in stored.items()}

    def look(self, picture: Picture, found: Sequence[Candidate], eighth: Picture | None = None) -> tuple[str, bytes]:
        """Return why a capture can't show the students (empty if it can), and the packed view to store with it.

        Args:
            picture: the capture.
            found: the faces in it.
            eighth: its thumbnail, if there is one already.
        """
        height_px, width_px = picture.shape[:2]
        view, boxes = room_view(picture, eighth), self._seats
        before = view_change.view_of_scene(self._scenes[0]) if self._scenes else None
        faces = [one for one in found if one.score >= _FACE_SCORE]
        widths = [box.w for box in boxes.values()] or [room_faults.SMALLEST_FACE_PX]
        faults = room_faults.faults_of(view, before, float(np.percentile(widths, 10)))
        stored = _StoredView(width_px, height_px, view, faults)
        area = room_faults.area_of(boxes.values(), width_px, height_px)
        shows_enough = len(faces) >= max(1.0, _ENOUGH_FACES * len(boxes))
        if room_faults.affected(faults, area) >= room_faults.WHOLE and not shows_enough:
            return room_faults.main_fault(faults, area), b""
        return "", _packed(stored)

    def taken(self, slot: int, packed: bytes) -> None:
        """Add the packed view of a capture that counts."""
        self._views[slot] = _unpacked(packed)

    def findings(
        self,
        tallies: Sequence[Tally],
        assessed: Collection[str],
        sightings: Sequence[Sighting],
        captures_taken: int,
        missed: Sequence[MissedCapture],
        unusual_share: Fraction,
    ) -> RoomFindings:
        """Return the findings about the room, once all captures are in.

        Args:
            tallies: counts of the lesson's students.
            assessed: ids of students with consent and template.
            sightings: everybody who was seen.
            captures_taken: captures of the lesson, including those of an earlier release that stored no views.
            missed: captures without a usable picture.
            unusual_share: `rule.unusual_share`.
        """
        ids = [t.student_id for t in tallies]
        unusual = is_unusual(tallies, assessed, captures_taken, unusual_share)
        scene = view_change.scene_of([one.view for one in self._views.values()]) if self._views else None
        faults = room_faults.usual_faults([one.faults for one in self._views.values()]) if self._views else None
        changed = scene is not None and faults is not None and self._view_changed(scene, faults == 0)
        flags: set[RegisterFlag] = {"view_changed"} if changed else set()
        if unusual and not changed:
            flags.add(unusual_flag(sightings, ids, captures_taken, unusual_share))
        elif not changed and is_shared(sightings, ids, captures_taken, unusual_share, assessed=assessed):
            flags.add("unusual_class")  # absences can be seen, but the office has to confirm that this was a lesson
        parts: tuple[Fault, ...] = ()
        hidden: frozenset[str] = frozenset()
        if scene is not None and faults is not None:
            parts, hidden = self._hidden(scene, faults, ids, sightings)
        flags |= set(parts) | set(self._missed_for(missed))
        everybody = unusual or changed
        return RoomFindings(
            tuple(flag for flag in get_args(RegisterFlag) if flag in flags),
            frozenset(ids) if everybody else hidden,
            None if unusual or parts else scene,
        )

    def places(self, sightings: Sequence[Sighting]) -> dict[str, Box]:
        """Return each student's place in the last lessons with this view, or else in this lesson.

        Args:
            sightings: sightings of this lesson.
        """
        scene = view_change.scene_of([one.view for one in self._views.values()]) if self._views else None
        here = usual_boxes(sightings)
        if scene is None:
            return here
        usable = room_faults.usual_faults([one.faults for one in self._views.values()]) == 0
        return {**here, **self._seats_seen_as(scene, usable)}

    def _view_changed(self, scene: bytes, usable: Area) -> bool:
        """Return whether the camera's view matches none of the last lessons."""
        similarity = [view_change.scene_similarity(scene, one, usable) for one in self._scenes]
        return bool(similarity) and max(similarity) < view_change.SAME_VIEW

    def _seats_seen_as(self, scene: bytes, usable: Area) -> dict[str, Box]:
        """Return the usual place of students of the course in the last lessons with this scene, by student id."""
        same = (p for p in self._past if view_change.scene_similarity(scene, p.scene, usable) >= view_change.SAME_VIEW)
        return usual_boxes(sighting for one in same for sighting in one.sightings)

    def _hidden(
        self, scene: bytes, faults: Faults, ids: Collection[str], sightings: Sequence[Sighting]
    ) -> tuple[tuple[Fault, ...], frozenset[str]]:
        """Return the faults of parts of the room, and the students whose seat may lie in a faulty part."""
        first = next(iter(self._views.values()))
        size = first.width_px, first.height_px
        seats = self._seats_seen_as(scene, faults == 0)
        here = [one.box for one in sightings]
        boxes = [*seats.values(), *here] if seats else []
        area = room_faults.area_of(boxes, *size)
        if not room_faults.is_part(faults, area, is_known=bool(seats)):
            hidden = {one for one in ids if one in seats and room_faults.is_hidden(faults, seats[one], *size)}
            return room_faults.flags_of(faults) if hidden else (), frozenset(hidden)
        hidden = {one for one in ids if one not in seats or room_faults.is_hidden(faults, seats[one], *size)}
        return room_faults.flags_of(np.where(area, faults, 0).astype(np.uint8)), frozenset(hidden)

    def _missed_for(self, missed: Sequence[MissedCapture]) -> tuple[Fault, ...]:
        """Return the reasons of missed captures, if at least as many captures were missed as were taken."""
        reasons = [one.reason for one in missed if one.reason in get_args(Fault)]
        if not reasons or len(reasons) < len(self._views):
            return ()
        return tuple(cast(Fault, fault) for fault in get_args(Fault) if fault in reasons)


def _packed(one: _StoredView) -> bytes:
    view = one.view
    head = json.dumps([one.width_px, one.height_px, round(min(view.blur_px, 999.0), 2)]).encode("ascii")
    cells = np.stack([view.luma, 255 * view.burnt, 2 * view.structure])
    return head + b"\n" + np.clip(np.rint(cells), 0, 255).astype(np.uint8).tobytes() + one.faults.tobytes()


def _unpacked(packed: bytes) -> _StoredView:
    head, _, cells = bytes(packed).partition(b"\n")
    width_px, height_px, blur_px = json.loads(head)
    numbers = np.frombuffer(cells, np.uint8).reshape(4, VIEW_ROWS, VIEW_COLUMNS)
    luma, burnt, doubled = numbers[:3].astype(np.float32)
    view = RoomView(luma, (burnt / 255).astype(np.float32), (doubled / 2).astype(np.float32), blur_px)
    return _StoredView(width_px, height_px, view, numbers[3])
