"""Untimed captures: taken while the clock is wrong, and assigned to their lessons once it is right.

A Raspberry Pi 4 that boots without a network does not know which lesson it sees. It takes a picture at a random instant
of every span of 27 s, and stores the sealed candidates with the time since boot.

If the clock is set during the same boot, each capture gets its time. Captures within a lesson become captures of that
lesson; the others are erased. If the clock is never set, the captures become a register without a known lesson. It is
inconclusive and flagged `clock`, and a person has to look at it.
"""

from __future__ import annotations

import secrets
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from edge_daemon.app.capture.missed_reasons import UNREADABLE
from edge_daemon.app.capture.plan_recorder import begin
from edge_daemon.device.clock import Reading
from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.errors import GalleryError
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.lesson.lesson_ids import NAMESPACE
from edge_daemon.lesson.plan import make_plan
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons
from edge_daemon.store.untimed import UntimedCapture, forget_untimed, untimed_captures
from edge_daemon.types import Lesson, MissedCapture

EVERY_S = 27.0
"""Length of a span in seconds. A lesson of 45 minutes has a hundred spans."""
SESSION_CAPTURES = 100
"""Largest number of captures of one session.

A longer time makes several sessions and registers, so that none grows without limit.
"""
FREE_S = 3.0
"""Seconds at the end of each span without a picture, so that each picture can be processed before the next one."""


def lesson_place_of(device: str, boot_id: str, capture: int) -> tuple[str, int]:
    """Return the session id and the slot of a capture; `capture` is its number since this boot, from 0."""
    session, slot = divmod(capture, SESSION_CAPTURES)
    return str(uuid.uuid5(NAMESPACE, f"{device}|untimed|{boot_id}|{session}")), slot


def drawn_wait_s(boottime_s: float) -> float:
    """Return the seconds until the next picture, which is taken at a uniform random instant of the next span.

    The last three seconds of a span of 27 s get no picture.
    """
    next_span_s = EVERY_S - boottime_s % EVERY_S
    return next_span_s + secrets.randbelow(1 << 53) / (1 << 53) * (EVERY_S - FREE_S)


def give_to_lessons(
    db: sqlite_utils.Database,
    gallery: GalleryStore,
    timetable: Iterable[Lesson],
    captures_wanted: int,
    reading: Reading,
    seeds: PlanSeeds,
) -> int:
    """Assign the captures of this boot to the lessons at their times, now that the time is known.

    Args:
        db: register.sqlite.
        gallery: seals the candidates again, for their lesson.
        timetable: lessons that may have been on when the captures were taken.
        captures_wanted: the number of captures of a lesson.
        reading: the clock; it has to be trusted.
        seeds: seals the seeds of lessons that begin now.

    Returns:
        How many captures were assigned; all others of this boot are erased.
    """
    mine = [c for c in untimed_captures(db) if c.boot_id == reading.boot_id]
    times = {(c.session_id, c.slot): _time_of(c, reading) for c in mine}
    given = 0
    for lesson in timetable:
        inside = [c for c in mine if lesson.start <= times[c.session_id, c.slot] < lesson.end]
        if inside:
            given += _give(db, gallery, begin(db, lesson, captures_wanted, reading, seeds), inside, reading)
    for session in {c.session_id for c in mine}:
        candidate_rows.erase_candidates(gallery.db, session)
        forget_untimed(db, session)
    return given


def begin_without_time(db: sqlite_utils.Database, device: str, boot_id: str) -> list[str]:
    """Turn the sessions of earlier boots into lessons without a trusted time, which are finalised like any other.

    Returns:
        The ids of the sessions.
    """
    sessions: dict[str, list[UntimedCapture]] = defaultdict(list)
    for capture in untimed_captures(db):
        if capture.boot_id != boot_id:
            sessions[capture.session_id].append(capture)
    for session, captures in sessions.items():
        _begin_without_time(db, device, session, captures)
    return list(sessions)


def _begin_without_time(
    db: sqlite_utils.Database, device: str, session: str, captures: Sequence[UntimedCapture]
) -> None:
    start = min(c.believed for c in captures)
    end = max(c.believed for c in captures) + timedelta(seconds=EVERY_S)
    lesson = Lesson(session, device, "", start, end, "timetable")
    planned = max(c.slot for c in captures) + 1
    plan = make_plan(session, (end - start).total_seconds(), planned)
    known = lessons.start_lesson(db, lesson, plan, "unsynchronised", planned)
    for c in captures if known.state == "running" else ():
        at = lessons.Capture(c.slot, str(c.slot), c.believed, "unsynchronised", c.boot_id, c.boottime_s)
        lessons.add_capture(db, session, at)
    forget_untimed(db, session)


def _give(
    db: sqlite_utils.Database,
    gallery: GalleryStore,
    known: lessons.StoredLesson,
    inside: Sequence[UntimedCapture],
    reading: Reading,
) -> int:
    """Put captures into the slots of a lesson by their times; return how many captures the lesson got.

    A slot that has a picture keeps it, and the second picture is dropped.
    """
    lesson = known.lesson
    if known.state == "finalised" or not known.captures_planned:
        return 0
    width_s = (known.lesson.end - known.lesson.start).total_seconds() / known.captures_planned
    there = lessons.captures(db, lesson.lesson_id)
    filled = {capture.slot for capture in there}
    # Captures assigned before an interruption. The time is slightly different now, and the slot may differ, too.
    before = {(capture.boot_id, capture.boottime_s) for capture in there}
    given = 0
    for c in inside:
        if (c.boot_id, c.boottime_s) in before:
            continue
        at = _time_of(c, reading)
        slot = int((at - known.lesson.start).total_seconds() // width_s)
        in_lesson = 0 <= slot < known.captures_planned and slot not in filled
        if in_lesson and _move_candidates(db, gallery, c, lesson.lesson_id, slot):
            filled.add(slot)
            capture = lessons.Capture(slot, str(c.slot), at, reading.state, c.boot_id, c.boottime_s)
            lessons.add_capture(db, lesson.lesson_id, capture)
            given += 1
    return given


def _move_candidates(
    db: sqlite_utils.Database, gallery: GalleryStore, capture: UntimedCapture, lesson_id: str, slot: int
) -> bool:
    """Seal the candidates of a capture again, for a slot of a lesson; return whether the slot now has its picture.

    A capture whose candidates are erased is left out; it did not show an empty room. If the candidates can't be opened,
    the slot counts as missed. The format of candidates is checked later, when the lesson reads them.
    """
    sealed = candidate_rows.candidates(gallery.db, capture.session_id).get(capture.slot)
    if sealed is None:
        return False
    try:
        plain = gallery.open_candidates(capture.session_id, capture.slot, sealed)
    except GalleryError:
        lessons.add_missed(db, lesson_id, MissedCapture(slot, UNREADABLE))
        return False
    candidate_rows.put_candidates(gallery.db, lesson_id, slot, gallery.seal_candidates(lesson_id, slot, plain))
    return True


def _time_of(capture: UntimedCapture, reading: Reading) -> datetime:
    return reading.utc - timedelta(seconds=reading.boottime_s - capture.boottime_s)
