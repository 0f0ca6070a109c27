"""What happened in a composed lesson, and what the program made of it."""

from __future__ import annotations

import csv
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
    return Truth(path.resolve().name, students, {frame: tuple(found) for frame, found in faces.items()})


def _face(row: Mapping[str, str], ids: Mapping[str, str], path: Path) -> TrueFace:
    x, y, w, h, width = (folder.number(dict(row), column, path) for column in ("x", "y", "w", "h", "face_px"))
    student_id = ids.get(row["who"], "") if row["kind"] == "student" else ""
    return TrueFace((x, y, w, h), row["kind"], student_id, width)


def _student(row: Mapping[str, str], prints: set[str], path: Path) -> TrueStudent:
    visible = int(folder.number(dict(row), "frames_visible", path))
    borderline, at_risk = row["borderline"] == "1", row["at_risk"] == "1"
    return TrueStudent(row["student_id"], row["verdict"], visible, borderline, at_risk, row["identity"] in prints)


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
    return Outcome(verdicts, {frame: tuple(found) for frame, found in faces.items()})
