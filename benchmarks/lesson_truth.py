"""What happened in a composed lesson, and what the program made of it."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import folder

Array = NDArray[np.float64]

_TRUTH = ("student_id", "identity", "frames_visible", "frames", "verdict", "borderline", "at_risk")
_BOXES = ("frame", "who", "kind", "x", "y", "w", "h", "face_px")


@dataclass(frozen=True, slots=True)
class TrueStudent:
    """How it was with one student."""

    student_id: str
    verdict: str
    frames_visible: int
    borderline: bool
    """Between .34 and .46 of the captures: neither verdict can be asked for, the flag can."""
    at_risk: bool
    """Absent, and somebody else takes the seat."""
    print_held_up: bool
    """Only a photograph of this student was there."""
    frames: int = 0
    """Captures of the lesson; 0: not said."""
    expected: str = ""
    """The verdict that is asked for, where it differs from what was."""
    medium: str = "living"
    """living, print or poster: what was there of the student."""
    pair: str = ""
    """The same for the two ids of one person, and for twins; empty: none."""


@dataclass(frozen=True, slots=True)
class TrueFace:
    """A face that one capture shows."""

    box: tuple[float, float, float, float]
    """x, y, w, h."""
    kind: str
    """student, stranger, poster or photo (a print that somebody holds up)."""
    student_id: str
    """Empty for everybody else."""
    width_px: float


@dataclass(frozen=True, slots=True)
class Truth:
    """One lesson as it was."""

    name: str
    students: tuple[TrueStudent, ...]
    faces: Mapping[str, tuple[TrueFace, ...]]
    """By the name of the capture's file, without suffix; every capture has its entry."""
    scenario: str = ""
    """Condition by scenario.json; empty: none is named."""
    expected_register_flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The register's line of a student."""

    verdict: str
    flags: tuple[str, ...]
    captures_seen: int


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A row of the sightings."""

    box: tuple[float, float, float, float]
    student_id: str
    """Empty: unknown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One lesson as the program has it."""

    verdicts: Mapping[str, Verdict]
    faces: Mapping[str, tuple[SeenFace, ...]]
    register_flags: frozenset[str] = frozenset()


def read_truth(path: Path) -> Truth:
    """Read truth.csv and boxes.csv of a lesson; raises DataError."""
    for part in ("frames", "photos", "roster.csv"):
        if not (path / part).exists():
            raise folder.DataError("no such file or folder", str(path / part), "the lesson is not complete")
    boxes = folder.rows(path / "boxes.csv", _BOXES)
    prints = {row["who"] for row in boxes if row["kind"] == "photo"}
    rows = folder.rows(path / "truth.csv", _TRUTH)
    ids = {row["identity"]: row["student_id"] for row in rows}
    faces: dict[str, list[TrueFace]] = {p.stem: [] for p in (path / "frames").iterdir() if not p.name.startswith(".")}
    for row in boxes:
        faces.setdefault(row["frame"], []).append(_face(row, ids, path / "boxes.csv"))
    students = tuple(_student(row, prints, path / "truth.csv") for row in rows)
    scenario, flags = read_scenario(path)
    by_frame = {frame: tuple(found) for frame, found in faces.items()}
    return Truth(path.resolve().name, students, by_frame, scenario, flags)


def read_scenario(path: Path) -> tuple[str, frozenset[str]]:
    """Return the name of a lesson's condition and the flags of its register, by scenario.json if it is there.

    Raises:
        DataError: it is no such file.
    """
    about = path / "scenario.json"
    if not about.is_file():
        return "", frozenset()
    try:
        said = json.loads(about.read_text("utf-8"))
        return str(said["name"]), frozenset(map(str, said.get("expected_register_flags", ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = 'it needs {"name": ..., "expected_register_flags": []}'
        raise folder.DataError("is no scenario", str(about), hint) from error


def _face(row: Mapping[str, str], ids: Mapping[str, str], path: Path) -> TrueFace:
    x, y, w, h, width = (folder.number(dict(row), column, path) for column in ("x", "y", "w", "h", "face_px"))
    student_id = ids.get(row["who"], "") if row["kind"] == "student" else ""
    return TrueFace((x, y, w, h), row["kind"], student_id, width)


def _student(row: Mapping[str, str], prints: set[str], path: Path) -> TrueStudent:
    visible = int(folder.number(dict(row), "frames_visible", path))
    borderline, at_risk = row["borderline"] == "1", row["at_risk"] == "1"
    medium = row.get("medium") or "living"
    return TrueStudent(
        row["student_id"],
        row["verdict"],
        visible,
        borderline,
        at_risk,
        row["identity"] in prints or medium == "print",
        frames=int(folder.number(dict(row), "frames", path)),
        expected=row.get("expected") or "",
        medium=medium,
        pair=row.get("pair") or "",
    )


def read_outcome(document: Mapping[str, Any], sightings: Path) -> Outcome:
    """Read what `rehearse --json --sightings` has given."""
    verdicts = {
        s["student_id"]: Verdict(s["verdict"], tuple(s["flags"]), int(s["frames_seen"])) for s in document["students"]
    }
    faces = defaultdict(list)
    with sightings.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            x, y, w, h = (float(row[column]) for column in "xywh")
            faces[Path(row["frame"]).stem].append(SeenFace((x, y, w, h), row["student_id"]))
    by_frame = {frame: tuple(found) for frame, found in faces.items()}
    return Outcome(verdicts, by_frame, frozenset(document.get("register_flags", ())))
