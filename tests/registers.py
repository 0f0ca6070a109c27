"""Lessons and registers for tests, made by the program's own parts."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import sqlite_utils

from edge_daemon.attendance.capture_map import with_capture_maps
from edge_daemon.attendance.document import sign
from edge_daemon.attendance.rule import LessonSummary, Rule, decide, share_of
from edge_daemon.attendance.tally import guests, tally, unknown_faces
from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer
from edge_daemon.lesson.lesson_ids import timetable_lesson_id
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.store.lessons import Capture
from edge_daemon.store.registers import OutboxWriter
from edge_daemon.types import AppliedRule, Box, Lesson, MissedCapture, Origin, Register, Sighting

START = datetime(2026, 11, 16, 7, 0, tzinfo=timezone.utc)
MODELS = {"embedder": "ab" * 32}
RULE = Rule(share_of(0.4))
APPLIED = AppliedRule(0.4, 50, 0.5, 0.25, "0.1.0", {"embedder": "embedder-int8"})
SIGNER = Signer(bytes(range(32)))
SEEDS = PlanSeeds(bytes(range(32)))


def a_lesson(start: datetime = START, course: str = "7b", origin: Origin = "timetable", minutes: int = 45) -> Lesson:
    lesson_id = timetable_lesson_id("room 204", course, start)
    return Lesson(lesson_id, "room 204", course, start, start + timedelta(minutes=minutes), origin)


def sightings_of(shares: dict[str, float], slots: Sequence[int], seed: int = 1) -> list[Sighting]:
    """Return sightings of each student in a given share of the captures, at random; '' is an unknown person."""
    chance = random.Random(seed)
    return [
        Sighting(slot, student_id, 0.61, True, Box(100.0 * number, 50.0, 40.0, 44.0))
        for number, (student_id, share) in enumerate(shares.items())
        for slot in sorted(chance.sample(list(slots), round(share * len(slots))))
    ]


def a_register(
    lesson: Lesson,
    shares: dict[str, float],
    *,
    captures: int = 20,
    missed: Sequence[MissedCapture] = (),
    not_assessed: Sequence[str] = (),
    strangers: float = 0.0,
    visitors: dict[str, float] | None = None,
) -> tuple[Register, list[Sighting]]:
    """Return the register of a lesson and the sightings behind it."""
    plan = make_plan(lesson.lesson_id, (lesson.end - lesson.start).total_seconds(), captures, bytes(32))
    taken_at = {
        slot: lesson.start + timedelta(seconds=round(offset_s, 3))
        for slot, offset_s in enumerate(plan.offsets_s)
        if slot not in {one.slot for one in missed}
    }
    sightings = sightings_of({**shares, **(visitors or {}), "": strangers}, list(taken_at))
    verdicts = decide(
        tally(sorted(shares), sightings, taken_at),
        RULE,
        LessonSummary(lesson.start, lesson.end, tuple(taken_at.values()), captures, time_trusted=True),
        not_assessed=not_assessed,
    )
    register = Register(
        lesson=lesson,
        revision=1,
        clock="synchronised",
        plan=plan,
        captures_planned=captures,
        captures_taken=len(taken_at),
        missed=tuple(missed),
        verdicts=with_capture_maps(verdicts, sightings, captures),
        guests=guests(shares, sightings),
        unknown_faces=unknown_faces(sightings),
        models=MODELS,
        corrections=(),
        rule=APPLIED,
    )
    return register, sightings


def keep(
    db: sqlite_utils.Database,
    register: Register,
    sightings: Sequence[Sighting],
    signer: Signer = SIGNER,
    also: OutboxWriter | None = None,
    at: datetime | None = None,
) -> str:
    """Put a lesson through the database, from start to finalised; return the document.

    Nothing waits for the disk but the register at the end: each capture has a commit of its own.
    `at` is the time when the register is made; None: the lesson's end.
    """
    lesson_id = register.lesson.lesson_id
    db.conn.execute("PRAGMA synchronous = OFF")
    lessons.start_lesson(db, register.lesson, register.plan, "synchronised")
    gone = {one.slot: one for one in register.missed}
    for slot, offset_s in enumerate(register.plan.offsets_s):
        if slot in gone:
            lessons.add_missed(db, lesson_id, gone[slot])
        else:
            taken_at = register.lesson.start + timedelta(seconds=round(offset_s, 3))
            lessons.add_capture(db, lesson_id, Capture(slot, f"{slot + 1}.jpg", taken_at))

    def render(previous_sha256: str | None) -> str:
        return sign(register, previous_sha256, signer)

    db.conn.execute("PRAGMA synchronous = FULL")
    return lessons.finalise(db, lesson_id, sightings, render, at or register.lesson.end, also).document


def a_home(folder: Path, registers: Sequence[tuple[Register, list[Sighting]]]) -> Path:
    """Return a folder for `--home` in which these registers are kept."""
    db = open_register(folder / "register.sqlite")
    signer = Signer(device_key(folder / "device.key"))
    for register, sightings in registers:
        keep(db, register, sightings, signer)
    db.conn.close()
    return folder


def register_document(students: int) -> bytes:
    """Return a signed register of a whole lesson, as it goes to the office; digests as in real life."""
    chance = random.Random(4)
    shares = {
        f"2024{n:04d}": chance.uniform(0.5, 1) if chance.random() < 0.9 else chance.uniform(0, 0.5)
        for n in range(students)
    }
    register, _ = a_register(a_lesson(), shares, captures=100, missed=[MissedCapture(3, "camera: no picture in time")])
    roles = ("detector_full", "detector_short", "mesh", "embedder", "iris")
    models = {role: hashlib.sha256(role.encode()).hexdigest() for role in roles}
    register = dataclasses.replace(register, models=models)
    return sign(register, hashlib.sha256(b"the one before").hexdigest(), SIGNER).encode("utf-8")
