"""Writes the tree of a synthetic school: registers, commitments and heartbeats, signed like those of devices."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from edge_daemon_office import __version__
from edge_daemon_office.shared.attendance.commitment import PlanCommitment, sign_commitment
from edge_daemon_office.shared.attendance.document import sign
from edge_daemon_office.shared.delivery import document_paths
from edge_daemon_office.shared.device.signing import Signer
from edge_daemon_office.shared.timestamps import written
from edge_daemon_office.shared.types import (
    AppliedRule,
    CaptureMap,
    CapturePlan,
    Correction,
    Flag,
    Lesson,
    MissedCapture,
    Register,
    RegisterFlag,
    Resemblance,
    RoomSeat,
    Tally,
    Verdict,
    VerdictName,
)

CAPTURES: Final = 100
_SHARE: Final = 0.4
_LESSON: Final = timedelta(minutes=45)
_STARTS: Final = (time(8), time(8, 50), time(9, 55), time(10, 45), time(11, 40))
_ROOMS: Final = {"room 101": ("7a", "8a"), "room 102": ("7b", "8b"), "room 204": ("9a", "9b")}
_FIRST: Final = (
    *("Amira", "Ben", "Chiara", "Dmitri", "Elif", "Finn", "Greta", "Hassan", "Ines", "Jakub", "Kofi", "Lena"),
    *("Mateo", "Noor", "Oskar", "Priya", "Quirin", "Rosa", "Samir", "Tuana", "Uma", "Viktor", "Wanda", "Yusuf"),
)
_LAST: Final = (
    *("Adeyemi", "Becker", "Costa", "Demir", "Eriksson", "Fischer", "García", "Haddad", "Ivanova", "Jansen"),
    *("Kaya", "Lehmann", "Moreau", "Nagy", "Okafor", "Petrov", "Rossi", "Schmidt", "Tanaka", "Unger"),
)
STUDENTS_A_COURSE: Final = 24


@dataclass(slots=True)
class DemoRoom:
    """A room and the state that links its documents."""

    tree: Path
    device: str
    signer: Signer = field(default_factory=lambda: Signer(secrets.token_bytes(32)))
    previous: str | None = None
    promised: str | None = None
    count: int = 0
    newest: tuple[str, int, str] = ("", 0, "")

    def put(self, path: str, text: str) -> None:
        """Write a document to the tree."""
        target = self.tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def deliver(self, register: Register) -> None:
        """Sign a revision and write it."""
        text = sign(register, self.previous, self.signer)
        self.previous = hashlib.sha256(text.encode("utf-8")).hexdigest()
        self.count += 1
        self.newest = (register.lesson.lesson_id, register.revision, self.previous)
        self.put(document_paths.register(self.device, register.lesson.lesson_id, register.revision), text)

    def promise(self, plans: Sequence[PlanCommitment], at: datetime) -> None:
        """Sign a promise of coming lessons and write it."""
        ref, text = sign_commitment(self.device, at, plans, self.promised, self.signer)
        self.promised = hashlib.sha256(text.encode("utf-8")).hexdigest()
        self.put(document_paths.commitment(self.device, ref), text)


def write_school(tree: Path, roster: Path, zone: ZoneInfo, now: datetime, seed: int = 7) -> dict[str, str]:
    """Write the tree and the roster; return the public key of each device.

    Args:
        tree: the folder that a school's server would have.
        roster: CSV file to write.
        zone: the school's time zone.
        now: the present time; registers cover the two weeks before it, and today up to it.
        seed: seed of all random events.
    """
    chance = random.Random(seed)
    courses = [course for pair in _ROOMS.values() for course in pair]
    pupils = _pupils(courses, chance)
    with roster.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("student_id", "name", "courses"))
        writer.writerows((student_id, name, course) for course in courses for student_id, name in pupils[course])
    keys = {}
    for device, taught in _ROOMS.items():
        room = DemoRoom(tree, device)
        keys[device] = room.signer.public_key
        key = {"schema": 1, "device": device, "public_key": room.signer.public_key}
        room.put(document_paths.key(device), json.dumps(key))
        for day in _school_days(now.astimezone(zone).date()):
            _write_day(room, taught, pupils, day, zone, now, chance)
        _write_heartbeat(room, now)
    return keys


def _pupils(courses: Sequence[str], chance: random.Random) -> dict[str, list[tuple[str, str]]]:
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    chance.shuffle(names)
    each = iter(names)
    return {
        course: [(f"S{1000 + STUDENTS_A_COURSE * at + n}", next(each)) for n in range(STUDENTS_A_COURSE)]
        for at, course in enumerate(courses)
    }


def _school_days(today: date) -> list[date]:
    days = [today - timedelta(days=back) for back in range(14, -1, -1)]
    return [day for day in days if day.weekday() < 5]


def _write_day(
    room: DemoRoom,
    taught: Sequence[str],
    pupils: dict[str, list[tuple[str, str]]],
    day: date,
    zone: ZoneInfo,
    now: datetime,
    chance: random.Random,
) -> None:
    lessons = []
    for number, at in enumerate(_STARTS):
        start = datetime.combine(day, at, zone).astimezone(timezone.utc)
        course = taught[(number + day.toordinal()) % len(taught)]
        lesson_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{room.device} {start.isoformat()}"))
        lessons.append(
            (Lesson(lesson_id, room.device, course, start, start + _LESSON, "timetable"), chance.randbytes(32))
        )
    plans = [
        PlanCommitment(one.lesson_id, one.start, one.end, CAPTURES, hashlib.sha256(seed).hexdigest())
        for one, seed in lessons
    ]
    room.promise(plans, lessons[0][0].start - timedelta(hours=14))
    missing = chance.randrange(40)
    for number, (lesson, seed) in enumerate(lessons):
        if lesson.end > now or (number == missing and day != now.date()):
            continue  # not over yet; or the device was without power, and a promise is left without its register
        register = _register(lesson, seed, pupils[lesson.course], chance)
        room.deliver(register)
        if (corrected := _corrected(register, chance)) is not None:
            room.deliver(corrected)


def _register(lesson: Lesson, seed: bytes, pupils: list[tuple[str, str]], chance: random.Random) -> Register:
    is_empty = chance.random() < 0.03
    missed = sorted(chance.sample(range(CAPTURES), chance.choice((0, 0, 1, 3))))
    verdicts = [_verdict(lesson, student_id, missed, is_empty, chance) for student_id, _ in pupils]
    flags: tuple[RegisterFlag, ...] = ("room_empty",) if is_empty else ()
    return Register(
        lesson=lesson,
        revision=1,
        clock="synchronised",
        plan=CapturePlan(lesson.lesson_id, seed, hashlib.sha256(seed).hexdigest(), ()),
        captures_planned=CAPTURES,
        captures_taken=CAPTURES - len(missed),
        missed=tuple(MissedCapture(slot, "camera: no picture in time") for slot in missed),
        verdicts=tuple(sorted(verdicts, key=lambda one: one.tally.student_id)),
        guests=(),
        unknown_faces=chance.choice((0, 0, 0, 1, 2)),
        models={"embedder": "ab" * 32},
        corrections=(),
        rule=AppliedRule(_SHARE, 50, 0.5, 0.25, __version__, {"embedder": "embedder-int8"}),
        register_flags=flags,
    )


def _verdict(lesson: Lesson, student_id: str, missed: list[int], is_empty: bool, chance: random.Random) -> Verdict:
    number = int(student_id[1:])
    if number % 23 == 0:  # no consent: the device does not look for the student
        return Verdict(Tally(student_id, 0, 0, None, None), 0, "not_assessed", ())
    away = 0.45 if number % 17 == 0 else 0.05
    taken = [slot for slot in range(CAPTURES) if slot not in missed]
    flags: list[Flag] = []
    first = 0
    if is_empty or chance.random() < away:
        seen, facing = [], []
    else:
        if chance.random() < 0.04:
            first = chance.randrange(25, 45)
            flags.append("late")
        seen = [slot for slot in taken if slot >= first and chance.random() < 0.9]
        facing = [slot for slot in seen if chance.random() < (0.5 if number % 11 == 0 else 0.85)]
    share = len(facing) / len(taken)
    if abs(len(facing) - _SHARE * len(taken)) < 9 and seen:
        flags.insert(0, "borderline")
    verdict: VerdictName = "present" if share >= _SHARE else "absent"
    resembles = None
    if not seen and not is_empty and chance.random() < 0.15:
        flags.append("resembles")
        resembles = Resemblance(
            round(chance.uniform(0.3, 0.8), 4), RoomSeat(chance.randint(1, 5), chance.randint(1, 6))
        )
    at = [lesson.start + _LESSON * (slot / CAPTURES) for slot in (seen[0], seen[-1])] if seen else [None, None]
    tally = Tally(
        student_id, len(seen), len(facing), *(None if one is None else one.replace(microsecond=0) for one in at)
    )
    return Verdict(
        tally,
        share,
        "inconclusive" if is_empty else verdict,
        tuple(flags),
        captures=CaptureMap(_bits(seen), _bits(facing)),
        probability=round(min(1.0, share * 2), 4),
        resembles=resembles,
    )


def _bits(slots: Sequence[int]) -> bytes:
    bits = bytearray((CAPTURES + 7) // 8)
    for slot in slots:
        bits[slot // 8] |= 0x80 >> slot % 8
    return bytes(bits)


def _corrected(register: Register, chance: random.Random) -> Register | None:
    absent = [one for one in register.verdicts if one.verdict == "absent"]
    if not absent or register.register_flags or chance.random() > 0.15:
        return None
    student_id = chance.choice(absent).tally.student_id
    at = register.lesson.end + timedelta(minutes=chance.randint(1, 20))
    correction = Correction(student_id, "present", "Ms Weber", "not_recognised", at, "not_recognised", "teacher")
    return replace(
        register,
        revision=2,
        verdicts=tuple(
            replace(one, verdict="present", flags=(*one.flags, "corrected"))
            if one.tally.student_id == student_id
            else one
            for one in register.verdicts
        ),
        corrections=(correction,),
    )


def _write_heartbeat(room: DemoRoom, now: datetime) -> None:
    is_ill = room.device == "room 204"
    lesson_id, revision, sha256 = room.newest
    queue = {"state": "open", "answer": "", "waiting": 0, "held": 0, "parked": 0, "oldest": None}
    heartbeat = {
        "schema": 1,
        "device": room.device,
        "at": written(now.replace(microsecond=0) - timedelta(minutes=4)),
        "version": __version__,
        "clock": "synchronised",
        "queue": {"upstream": queue, "mail": queue},
        "last_register": {"lesson_id": lesson_id, "revision": revision, "sha256": sha256},
        "registers": room.count,
        "service": {"state": "waiting", "problems": {"camera": "the lens is covered"} if is_ill else {}},
        "computer": {"disk_free_mb": 640 if is_ill else 21_000, "temperature_c": 54.5, "power_now": []},
    }
    room.put(document_paths.status(room.device), json.dumps(heartbeat))
