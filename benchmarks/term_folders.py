"""Terms of composed lessons: three lessons of one class, held with learned templates and without them.

A term is a folder with the lessons 01, 02 and 03. Each has frames/, truth.csv and boxes.csv; the first also has the
enrolment, photos/ and roster.csv. Students are the same people in all lessons by their identity in truth.csv. The
program enrols and finds the faces. Naming and the rule are the program's, too, but only this prototype learns.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import command, folder
from benchmarks.lesson import enrol
from benchmarks.lesson_truth import TrueStudent, read_truth
from benchmarks.matching import match
from benchmarks.term_lessons import TEMPLATES, Count, Shown, held, learned_rows, totals, with_rows
from edge_daemon.app.opening.models_and_gallery import embedder_id, open_gallery_store
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.home import Home
from edge_daemon.types import Face, StudentTemplates, Vector, Verdict
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.pipeline import Detector, RoomDetector

LESSONS = ("01", "02", "03")
_STRANGER = "stranger: "
"""Beginning of the name that a stranger gets."""
_NOBODY = "nobody"
"""Name of a found face that the truth does not list."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A lesson, with the faces that the program found in it."""

    students: Mapping[str, TrueStudent]
    """The students, by their id in the first lesson."""
    strangers: frozenset[str]
    """People with a face in a capture who are not in the class."""
    shown: tuple[Shown, ...]
    captures: int


def terms(data: Path) -> list[Path]:
    """Return the terms in a folder, in the order of their names; none if it is in the lfw form.

    Raises:
        DataError: the folder has neither form, or a term lacks a lesson.
    """
    if (data / "images.csv").is_file():
        return []
    found = sorted(path.parents[1] for path in data.glob(f"*/{LESSONS[0]}/truth.csv"))
    if not found:
        raise folder.DataError("has neither images.csv nor TERM/01/truth.csv", str(data), "name another --data folder")
    for path in found:
        for lesson in LESSONS:
            if not (path / lesson / "truth.csv").is_file():
                raise folder.DataError("no such lesson: truth.csv is missing", str(path / lesson))
    return found


def measured(
    found: Sequence[Path], models: ModelSet, models_dir: Path | None, network: MatchProbability
) -> dict[str, object]:
    """Return the false absences of the lessons after the first, with learned templates and without.

    Args:
        found: the terms.
        models: verified model files.
        models_dir: folder of these files; None: the program's own.
        network: the program's network that judges similarities.

    Raises:
        DataError: a term can't be read, or its lessons have no student in common.
    """
    detector = Detector(models, threads=1)
    by_term = {}
    for number, path in enumerate(found, 1):
        command.progress(number, len(found), "terms")
        templates = _enrolled(path / LESSONS[0], models, models_dir)
        ids = {one.identity: one.student_id for one in read_truth(path / LESSONS[0]).students}
        lessons = [_read(path / name, ids, detector) for name in LESSONS]
        by_term[path.name] = _term(lessons, templates, network)
        by_term[path.name]["pictures shared"] = _shared(path)
    together = sum(by_term.values(), Count())
    return {**totals(together), "by_term": {name: totals(count) for name, count in by_term.items()}}


def _enrolled(path: Path, models: ModelSet, models_dir: Path | None) -> list[StudentTemplates]:
    with tempfile.TemporaryDirectory(prefix="edge-daemon-term-") as temporary:
        home = Path(temporary) / "home"
        enrol(path, home, 1, models_dir)
        return open_gallery_store(Home(home)).templates(embedder_id(models))


def _read(path: Path, ids: Mapping[str, str], detector: Detector) -> _Lesson:
    """Return a lesson; students who are not in `ids` (student id by identity) count as strangers."""
    truth = read_truth(path)
    students = {ids[one.identity]: one for one in truth.students if one.identity in ids}
    if not students:
        hint = "a term is three lessons of one class"
        raise folder.DataError(f"has no student of lesson {LESSONS[0]}", str(path / "truth.csv"), hint)
    boxes = defaultdict(list)
    for row in folder.rows(path / "boxes.csv", ("frame", "who", "kind", *"xywh")):
        place = [folder.number(row, side, path / "boxes.csv") for side in "xywh"]
        boxes[row["frame"]].append((_name(row["kind"], row["who"], ids), place))
    detect, shown = RoomDetector(detector), []
    for slot, frame in enumerate(sorted(truth.faces)):
        faces, own = detect(folder.picture(_file(path, frame))), boxes.get(frame, [])
        names = _names(own, faces)
        shown += [
            Shown(who, slot, f.box, f.quality, f.embedding, f.traits) for who, f in zip(names, faces, strict=True)
        ]
    strangers = {name for own in boxes.values() for name, _ in own if name.startswith(_STRANGER)}
    return _Lesson(students, frozenset(strangers), tuple(shown), len(truth.faces))


def _file(path: Path, frame: str) -> Path:
    return next(one for one in (path / "frames").iterdir() if one.stem == frame)


def _name(kind: str, who: str, ids: Mapping[str, str]) -> str:
    """Return the student id of a student of the class, else a name that no student id equals."""
    if kind == "student":
        return ids.get(who, _STRANGER + who)
    return (_STRANGER if kind == "stranger" else f"{kind}: ") + who


def _names(own: Sequence[tuple[str, Sequence[float]]], faces: Sequence[Face]) -> list[str]:
    """Return the name of each found face; `_NOBODY` for a face that the truth does not list."""
    labels = np.array([place for _, place in own], np.float64).reshape(-1, 4)
    found = np.array([(f.box.x, f.box.y, f.box.w, f.box.h) for f in faces], np.float64).reshape(-1, 4)
    names = [_NOBODY] * len(faces)
    for label, box in match(labels, found).items():
        names[box] = own[label][0]
    return names


def _term(lessons: Sequence[_Lesson], enrolled: Sequence[StudentTemplates], network: MatchProbability) -> Count:
    """Return the counts of a term; its first lesson only gives templates."""
    count: Count = Counter()
    learned: dict[str, list[Vector]] = {}
    for number, lesson in enumerate(lessons):
        verdicts, sightings = held(lesson.shown, enrolled, network, lesson.captures)
        if number > 0:
            _add(count, "without", lesson, verdicts)
            more = [with_rows(one, learned.get(one.student_id, [])) for one in enrolled]
            verdicts, sightings = held(lesson.shown, more, network, lesson.captures)
            _add(count, "with", lesson, verdicts)
        new = {one.student_id: list(learned_rows(one, verdicts, sightings, lesson.shown)) for one in enrolled}
        sources = [(name, found) for name, rows in new.items() for _, found in rows]
        in_templates = {who for _, found in sources for who in found}
        count["templates"] += len(sources)
        count["templates of others"] += sum(found != {name} for name, found in sources)
        count["stranger trials"] += len(lesson.strangers)
        count["strangers learned"] += len(lesson.strangers & in_templates)
        for name, rows in new.items():
            learned[name] = [*learned.get(name, []), *(row for row, _ in rows)][-TEMPLATES:]
    return count


def _add(count: Count, how: str, lesson: _Lesson, verdicts: Mapping[str, Verdict]) -> None:
    """Count the verdicts of a lesson without those near the rule's limit."""
    for student_id, true in lesson.students.items():
        if true.borderline or student_id not in verdicts:
            continue
        is_there, decided = true.verdict == "present", verdicts[student_id].verdict
        count["present" if is_there else "absent"] += how == "with"
        count["false_absent", how] += is_there and decided == "absent"
        count["false_present", how] += not is_there and decided == "present"


def _shared(path: Path) -> int:
    """Return how many files the enrolment and the lessons of a term have in common, by their content.

    A folder does not show from which photographs its captures were composed.
    """
    parts = [path / LESSONS[0] / "photos", *(path / lesson / "frames" for lesson in LESSONS)]
    contents = [
        {hashlib.sha256(file.read_bytes()).digest() for file in part.rglob("*") if file.is_file()} for part in parts
    ]
    return sum(number > 1 for number in Counter(one for own in contents for one in own).values())
