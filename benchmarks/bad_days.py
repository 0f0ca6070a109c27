"""Verdicts in lessons in which the device could not see: which students does the register call absent?

    python -m benchmarks.bad_days --data DIR --json OUT [--first DIR2]

DIR is a folder of lesson folders. `scenario.json` names a bad day and the expected flags of its register. Lessons of
one class (the same roster and photographs) form one school. Lessons without a scenario, or named `usual`, come first,
so that seats are known. Each bad day then follows separately. The column `seat_usable` of the truth states whether a
student could have been recognised in that place. DIR2 has bad days without usual lessons (`bad_lessons --first`), which
are measured separately.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import command, folder, machine
from benchmarks.lesson import edge_daemon, enrol, lessons
from benchmarks.rates import Rate

_USUAL = "usual"
_KNOWN_FROM = 0.3
"""Share of the captures of usual lessons that must show a student before the seat is known."""


@dataclass(frozen=True, slots=True)
class BadDay:
    """One lesson: the truth, and the register's result."""

    name: str
    scenario: str
    expected_flags: frozenset[str]
    flags: frozenset[str]
    students: tuple[tuple[Mapping[str, str], str], ...]
    """For each student, the row of truth.csv and the register's verdict."""
    missed: Counter[str]
    known: frozenset[str]
    """Students whose seat is known from the earlier usual lessons."""
    has_history: bool


def main() -> int:
    """Measure and return the exit code."""
    parser = command.parser("benchmarks.bad_days", __doc__ or "", "folder of lesson folders")
    parser.add_argument("--first", type=Path, metavar="DIR2", help="bad days that are the first lesson in their room")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the rates of benchmarks/RESULTS.md, pooled over all lessons."""
    found = _of(arguments.data, arguments.models)
    first = {"first": _of(arguments.first, arguments.models)} if arguments.first else {}
    return {"measured": machine.described(command.models(arguments)), **found, **first}


def _of(data: Path, models: Path | None) -> dict[str, object]:
    days = [day for group in classes(lessons(data)) for day in _held(group, models)]
    return {"lessons": len(days), **scored(days)}


def scored(days: Sequence[BadDay]) -> dict[str, object]:
    """Return the rates of right and wrong verdicts and flags, and each mistake.

    `absent_unseeable` is the rate of the verdict "absent" among students whom the device could not see.
    `absent_kept` and `present_kept` are the rates of right verdicts among students who were clearly absent, and among
    those who were clearly present in a lesson without expected flags.
    """
    unseeable = [v == "absent" for d in days for s, v in d.students if not _usable(s)]
    kept = [v == "absent" for d in days for s, v in d.students if _is_absent(d, s)]
    present = [v == "present" for d in days if not d.expected_flags for s, v in d.students if _is(s, "present")]
    names = sorted({d.scenario for d in days})
    flagged = {name: [d.expected_flags <= d.flags for d in days if d.scenario == name] for name in names}
    false_alarms = [bool(d.flags) for d in days if not d.expected_flags]
    return {
        "absent_unseeable": _rate(unseeable),
        "absent_kept": _rate(kept),
        "present_kept": _rate(present),
        "register_flagged": {name: _rate(found) for name, found in flagged.items()},
        "usual_flagged": _rate(false_alarms),
        "missed": dict(sum((d.missed for d in days), Counter[str]())),
        "mistakes": [one for day in days for one in _mistakes(day)],
    }


def _mistakes(day: BadDay) -> Iterator[dict[str, str]]:
    """Yield the mistakes in a lesson, by its name and student ids only."""
    for student, verdict in day.students:
        wrong = (
            (not _usable(student) and verdict == "absent")
            or (_is_absent(day, student) and verdict != "absent")
            or (not day.expected_flags and _is(student, "present") and verdict != "present")
        )
        if wrong:
            what = (
                f"{verdict}, was {student['verdict']}{'' if _usable(student) else ' in a seat that nobody could see'}"
            )
            yield {"lesson": day.name, "student_id": student["student_id"], "what": what}
    missing, more = day.expected_flags - day.flags, day.flags - day.expected_flags
    if missing or (more and not day.expected_flags):
        flags = ", ".join(sorted(day.flags)) or "no flag"
        yield {"lesson": day.name, "student_id": "", "what": f"{flags}, not {', '.join(sorted(missing)) or 'none'}"}


def _rate(found: Sequence[bool]) -> dict[str, float | int | None]:
    return Rate(sum(found), len(found)).json()


def _usable(student: Mapping[str, str]) -> bool:
    if (usable := student.get("seat_usable")) not in (None, ""):
        return usable == "1"
    return student.get("expected") != "inconclusive"


def _is(student: Mapping[str, str], verdict: str) -> bool:
    return student["verdict"] == verdict and student["borderline"] != "1" and _usable(student)


def _is_absent(day: BadDay, student: Mapping[str, str]) -> bool:
    return _is(student, "absent") and (not day.has_history or student["student_id"] in day.known)


def classes(paths: Sequence[Path]) -> list[list[Path]]:
    """Return the lessons grouped by class: the same roster, and the same photographs by content.

    Two classes may have the same ids and file names, because lesson makers number students from 1.
    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        digest = hashlib.sha256((path / "roster.csv").read_bytes())
        for photograph in sorted((path / "photos").rglob("*.*")):
            digest.update(photograph.relative_to(path).as_posix().encode())
            digest.update(hashlib.sha256(photograph.read_bytes()).digest())
        found.setdefault(digest.hexdigest(), []).append(path)
    return list(found.values())


def _held(group: Sequence[Path], models: Path | None) -> list[BadDay]:
    usual = [path for path in group if _scenario(path)[0] == _USUAL]
    with tempfile.TemporaryDirectory(prefix="edge-daemon-bad-days-") as temporary:
        home = Path(temporary) / "home"
        enrol(group[0], home, 1, models)
        days: list[BadDay] = []
        known: frozenset[str] = frozenset()
        for number, path in enumerate(usual):
            days.append(_rehearsed(path, home, known, has_history=number > 0))
            known |= _seen_in(path)
        for path in (one for one in group if one not in usual):
            copy = Path(temporary) / "copy"
            shutil.copytree(home, copy)
            days.append(_rehearsed(path, copy, known, has_history=bool(usual)))
            shutil.rmtree(copy)
    return days


def _rehearsed(path: Path, home: Path, known: frozenset[str], *, has_history: bool) -> BadDay:
    lesson_id = json.loads(edge_daemon(home, "rehearse", "--frames", str(path / "frames"), "--json").output)[
        "lesson_id"
    ]
    document = json.loads(edge_daemon(home, "register", "show", lesson_id, "--json").output)
    verdicts = {one["student_id"]: one["verdict"] for one in document["students"]}
    name, flags = _scenario(path)
    rows = folder.rows(path / "truth.csv", ("student_id", "verdict", "borderline"))
    missed = Counter[str](one["reason"] for one in document["missed"])
    students = tuple((row, verdicts.get(row["student_id"], "missing")) for row in rows)
    return BadDay(path.name, name, flags, frozenset(document["register_flags"]), students, missed, known, has_history)


def _scenario(path: Path) -> tuple[str, frozenset[str]]:
    about = path / "scenario.json"
    if not about.is_file():
        return _USUAL, frozenset()
    scenario = json.loads(about.read_text("utf-8"))
    return str(scenario["name"]), frozenset(scenario.get("expected_register_flags", ()))


def _seen_in(path: Path) -> frozenset[str]:
    rows = folder.rows(path / "truth.csv", ("student_id", "frames_visible", "frames"))
    return frozenset(
        row["student_id"] for row in rows if int(row["frames_visible"]) >= _KNOWN_FROM * int(row["frames"])
    )


if __name__ == "__main__":
    sys.exit(main())
