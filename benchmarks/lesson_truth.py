"""The truth about a composed lesson, and the program's result."""

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
    """The truth about one student."""

    student_id: str
    verdict: str
    frames_visible: int
    borderline: bool
    """True: visible in 0.34 to 0.46 of the captures. The flag is then expected, but no particular verdict."""
    at_risk: bool
    """The student is absent, and another person takes the seat."""
    print_held_up: bool
    """Only a photograph of this student was there."""
    frames: int = 0
    """Number of captures in the lesson; 0: unknown."""
    expected: str = ""
    """The expected verdict, if it differs from the truth."""
    medium: str = "living"
    """How the student appeared in the room: living, as a print, or as a poster."""
    pair: str = ""
    """A value that the two ids of one person, or two twins, share; empty: none."""
    identity: str = ""
    """Name of the person in the photographs."""


@dataclass(frozen=True, slots=True)
class TrueFace:
    """A face that one capture shows."""

    box: tuple[float, float, float, float]
    """x, y, w, h."""
    kind: str
    """student, stranger, poster or photo (a print that a person holds up)."""
    student_id: str
    """The person's id if the kind is `student`, otherwise empty."""
    width_px: float


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth about one lesson."""

    name: str
    students: tuple[TrueStudent, ...]
    faces: Mapping[str, tuple[TrueFace, ...]]
    """Faces by the name of the capture's file, without suffix; every capture has an entry."""
    scenario: str = ""
    """Condition from scenario.json; empty: none."""
    expected_register_flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The register's line for a student."""

    verdict: str
    flags: tuple[str, ...]
    captures_seen: int


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A row of the sightings."""

    box: tuple[float, float, float, float]
    student_id: str
    """The student's id; empty if the person is unknown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The program's result for one lesson."""

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
    """Return the name of a lesson's condition and the flags of its register, from scenario.json if it exists.

    Raises:
        DataError: the file has another form.
    """
    about = path / "scenario.json"
    if not about.is_file():
        return "", frozenset()
    try:
        scenario = json.loads(about.read_text("utf-8"))
        return str(scenario["name"]), frozenset(map(str, scenario.get("expected_register_flags", ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = 'it needs {"name": ..., "expected_register_flags": []}'
        raise folder.DataError("is not a valid scenario", str(about), hint) from error


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
        identity=row["identity"],
    )


def read_outcome(document: Mapping[str, Any], sightings: Path) -> Outcome:
    """Read the output of `rehearse --json --sightings`."""
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
