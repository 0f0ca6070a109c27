"""The documents that the rooms of a school delivered to the office's server, made by the program's own parts.

python -m tests.office_tree DIR --rooms 40 --lessons 1000 --students 30
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from edge_daemon.attendance.commitment import PlanCommitment, sign_commitment
from edge_daemon.attendance.document import sign
from edge_daemon.attendance.register import correct
from edge_daemon.delivery import document_paths
from edge_daemon.device.signing import Signer
from edge_daemon.lesson.lesson_ids import timetable_lesson_id
from edge_daemon.timestamps import written
from edge_daemon.types import Lesson, Register, Verdict
from tests.registers import START, a_register


class OfficeRoom:
    """One device, whose documents are written to the tree of the office's server."""

    def __init__(self, root: Path, device: str, *, with_key: bool = True) -> None:
        self.root, self.device = root, device
        self.signer = Signer(hashlib.sha256(device.encode()).digest())
        self._previous: str | None = None
        self._commitment: str | None = None
        if with_key:
            self.put(document_paths.key(device), {"schema": 1, "device": device, "public_key": self.signer.public_key})

    def put(self, path: str, content: object) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return target

    def lesson(self, start: datetime, course: str = "7b", minutes: int = 45) -> Lesson:
        lesson_id = timetable_lesson_id(self.device, course, start)
        return Lesson(lesson_id, self.device, course, start, start + timedelta(minutes=minutes), "timetable")

    def register(self, start: datetime, shares: dict[str, float], course: str = "7b") -> Register:
        return a_register(self.lesson(start, course), shares)[0]

    def deliver(self, register: Register, signer: Signer | None = None) -> Path:
        """Write a revision; return its path."""
        text = sign(register, self._previous, signer or self.signer)
        self._previous = hashlib.sha256(text.encode()).hexdigest()
        return self.put(document_paths.register(self.device, register.lesson.lesson_id, register.revision), text)

    def correct(self, register: Register, student: str, verdict: str) -> Register:
        """Deliver the next revision and return it."""
        end = register.lesson.end
        new = correct(register, student, verdict, by="Ms Ünal", reason="sat behind a pillar", at=end)  # type: ignore[arg-type]
        self.deliver(new)
        return new

    def promise(self, lessons: Sequence[Lesson], at: datetime, seed_sha256: str) -> Path:
        plans_committed = [PlanCommitment(one.lesson_id, one.start, one.end, 20, seed_sha256) for one in lessons]
        ref, text = sign_commitment(self.device, at, plans_committed, self._commitment, self.signer)
        self._commitment = hashlib.sha256(text.encode()).hexdigest()
        return self.put(document_paths.commitment(self.device, ref), text)

    def heartbeat(self, at: datetime, **more: object) -> Path:
        """Write a heartbeat that reports no problem, except the given values."""
        document = {
            "schema": 1,
            "device": self.device,
            "at": written(at),
            "version": "0.9.0",
            "clock": "synchronised",
            "queue": {
                "upstream": {"state": "open", "answer": "", "waiting": 0, "held": 0, "parked": 0, "oldest": None},
                "mail": {"state": "open", "answer": "", "waiting": 0, "held": 0, "parked": 0, "oldest": None},
            },
            "service": {"state": "waiting", "problems": {}},
            "computer": {"disk_free_mb": 20_000, "temperature_c": 51.0, "power_now": []},
        }
        return self.put(document_paths.status(self.device), {**document, **more})


def a_school(root: Path, rooms: int, lessons: int, students: int, prefix: str = "") -> int:
    """Write a term: five days a week, five lessons a day in each room; return the number of documents.

    Args:
        prefix: the first signs of each device's name, so that two schools have devices of different names.
    """
    chance, count = random.Random(1), 0
    template = a_register(
        OfficeRoom(root, "x", with_key=False).lesson(START), {f"S{n:05d}": 0.9 for n in range(students)}
    )
    for number in range(rooms):
        room = OfficeRoom(root, f"{prefix}room {number:03d}")
        ids = [f"S{number * students + n:05d}" for n in range(students)]
        for n in range(lessons):
            start = START + timedelta(weeks=n // 25, days=n // 5 % 5, hours=n % 5)
            lesson = room.lesson(start, f"class {number}")
            verdicts = tuple(_verdict(v, one, lesson, chance) for v, one in zip(template[0].verdicts, ids, strict=True))
            register = replace(template[0], lesson=lesson, verdicts=verdicts)
            room.deliver(register)
            count += 1
        room.heartbeat(START + timedelta(weeks=lessons // 25))
    return count


def _verdict(verdict: Verdict, student_id: str, lesson: Lesson, chance: random.Random) -> Verdict:
    seen = 0 if chance.random() < 0.07 else chance.randint(60, 100)
    late = seen > 0 and chance.random() < 0.03
    tally = replace(
        verdict.tally,
        student_id=student_id,
        captures_seen=seen,
        captures_attentive=seen,
        first_seen=lesson.start if seen else None,
        last_seen=lesson.end if seen else None,
    )
    flags = ("late",) if late else ()
    return replace(verdict, tally=tally, share=seen / 100, verdict="present" if seen else "absent", flags=flags)


def main() -> None:
    """Write a school."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--lessons", type=int, default=1000)
    parser.add_argument("--students", type=int, default=30)
    options = parser.parse_args()
    print(a_school(options.folder, options.rooms, options.lessons, options.students))  # noqa: T201


if __name__ == "__main__":
    main()
