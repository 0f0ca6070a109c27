"""Make bad days from good lessons: an empty room, another class, no light, blur, a turned camera, an excursion.

    python -m benchmarks.bad_lessons --data GOOD --out DIR [--captures 8] [--first]

GOOD is a folder of lesson folders. The first captures of each lesson become a usual lesson, from which seats are known,
and the captures after them a second one. The captures after these become one bad day for each scenario. The degree of
darkness and blur, and the covered side and area, differ between classes. The other class shares no person with this
lesson's class. With `--first` there are no usual lessons: each bad day is the first lesson that the device
sees in its room.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from zlib import crc32

import cv2
import numpy as np

from benchmarks import folder
from benchmarks.degrade import backlit, covered, darker, defocused, moved
from benchmarks.lesson import lessons
from benchmarks.lesson_truth import TrueFace, Truth, read_truth
from edge_daemon.errors import EdgeError
from edge_daemon.types import Picture

_HEADS = ("student_id", "identity", "frames_visible", "frames", "verdict", "borderline", "at_risk", "expected")
_PRESENT_SHARE = 0.4
_WINDOW = 2 / 3
"""Place where the bright part of the scenario `backlight` begins, as a share of the picture's width."""
_MARGIN = 0.04
"""Least distance from the edge of a dark or covered part at which a face is usable, as a share of the width."""

Draw = Callable[[str, Picture], Picture]
Usable = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class _Scenario:
    """One bad day."""

    name: str
    flags: tuple[str, ...]
    draw: Draw
    usable: Usable
    """Returns whether a face can be recognised at a place, given as a share of the picture's width."""
    there: Callable[[str], bool] = lambda _: True
    """Returns whether a student is in the room."""
    severity: float | None = None
    """Degree of darkness (share of the light), of blur (pixels) or of cover (share of the width)."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A good lesson and some of its captures."""

    path: Path
    truth: Truth
    identities: Mapping[str, str]
    frames: Sequence[str]


def main() -> int:
    """Compose the lessons and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bad_lessons", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of lesson folders")
    parser.add_argument("--out", type=Path, required=True, help="folder for the bad days")
    parser.add_argument("--captures", type=int, default=8, help="number for each lesson that is made (default: 8)")
    parser.add_argument("--first", action="store_true", help="no usual lessons before the bad days")
    arguments = parser.parse_args()
    try:
        _make(arguments)
    except EdgeError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    return 0


def _make(arguments: argparse.Namespace) -> None:
    paths = lessons(arguments.data)
    others = [_other_class(paths, number) for number in range(len(paths))]
    for path, other in zip(paths, others, strict=True):
        _compose(path, other, arguments.out, arguments.captures, with_usual=not arguments.first)


def _other_class(paths: Sequence[Path], number: int) -> Path:
    """Return the next lesson without anybody who is enrolled in the lesson `number`; raises DataError without one."""
    enrolled = set(_identities(paths[number]).values())
    for other in (*paths[number + 1 :], *paths[:number]):
        shown = {row["who"] for row in folder.rows(other / "boxes.csv", ("who",))}
        if enrolled.isdisjoint(shown | set(_identities(other).values())):
            return other
    what, hint = "has no lesson without its people", "make the lessons from separate folders of people"
    raise folder.DataError(what, str(paths[number]), hint)


def _identities(path: Path) -> dict[str, str]:
    rows = folder.rows(path / "truth.csv", ("student_id", "identity"))
    return {row["student_id"]: row["identity"] for row in rows}


def _compose(path: Path, other: Path, out: Path, captures: int, *, with_usual: bool) -> None:
    truth = read_truth(path)
    identities = _identities(path)
    names = sorted(truth.faces)
    parts = [_Lesson(path, truth, identities, names[at : at + captures]) for at in range(0, len(names), captures)]
    usual = _Scenario("usual", (), lambda _, picture: picture, lambda _: True)
    for number, part in enumerate(parts[:2] if with_usual else ()):
        _write(part, usual, out / f"{path.name}-{number}-usual")
    bad = [part for part in parts[:3] if len(part.frames) == captures][-1]
    for number, scenario in enumerate(_scenarios(bad, other), 2):
        _write(bad, scenario, out / f"{path.name}-{number}-{scenario.name}")
        print(path.name, scenario.name, flush=True)


def _scenarios(lesson: _Lesson, other: Path) -> Iterable[_Scenario]:
    rng = np.random.default_rng(crc32(lesson.path.name.encode()))
    others = sorted(one for one in (other / "frames").iterdir() if not one.name.startswith("."))
    away, strangers = set(sorted(lesson.identities)[::2]), read_truth(other)
    nobody, nowhere = (lambda _: False), (lambda _: False)

    def of_other_class(frame: str, picture: Picture) -> Picture:
        found = folder.picture(others[lesson.frames.index(frame) % len(others)])
        return np.asarray(cv2.resize(found, picture.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)

    def turned(frame: str, picture: Picture) -> Picture:
        width = picture.shape[1]
        strange = cv2.flip(of_other_class(frame, picture), 1)
        return np.ascontiguousarray(np.hstack([picture[:, 6 * width // 10 :], strange[:, : 6 * width // 10]]))

    def without(ids: Iterable[str]) -> Draw:
        gone = set(ids)
        return lambda frame, picture: _painted_over(picture, [f for f in lesson.truth.faces[frame] if _is(f, gone)])

    yield _Scenario("room_empty", ("room_empty",), without(["", *lesson.identities]), nowhere, nobody)

    def other_people(frame: str, picture: Picture) -> Picture:
        found, theirs = picture.copy(), others[lesson.frames.index(frame) % len(others)]
        heads = [face for face in strangers.faces[theirs.stem] if face.kind == "student"]
        for face, head in zip((f for f in lesson.truth.faces[frame] if f.kind != "poster"), itertools.cycle(heads)):
            _put_head(found, face, folder.picture(theirs), head)
        return found

    yield _Scenario("unusual_class", ("unusual_class",), other_people, nowhere, nobody)
    light, shade = float(rng.uniform(0.015, 0.05)), float(rng.uniform(0.02, 0.05))
    motion, focus, cover = float(rng.uniform(28, 45)), float(rng.uniform(8, 12)), float(rng.uniform(0.35, 0.6))
    window_side, cover_side = _side(rng), _side(rng)
    by_window = _beyond(_WINDOW, mirrored=window_side)
    beside = _beyond(cover, mirrored=cover_side)
    yield _Scenario("dark", ("too_dark",), lambda _, p: darker(p, light, rng), nowhere, severity=light)
    shaded = _mirrored(lambda p: backlit(p, shade, rng), mirrored=window_side)
    yield _Scenario("backlight", ("too_dark",), shaded, by_window, severity=shade)
    yield _Scenario("motion", ("too_blurred",), lambda _, p: moved(p, motion, rng), nowhere, severity=motion)
    yield _Scenario("defocus", ("too_blurred",), lambda _, p: defocused(p, focus, rng), nowhere, severity=focus)
    yield _Scenario("turned", ("view_changed",), turned, nowhere)
    hidden = _mirrored(lambda p: covered(p, cover, rng), mirrored=cover_side)
    yield _Scenario("half_covered", ("covered",), hidden, beside, severity=cover)
    yield _Scenario("excursion", (), without(away), lambda _: True, lambda one: one not in away)


def _side(rng: np.random.Generator) -> bool:
    return bool(rng.integers(2))


def _mirrored(draw: Callable[[Picture], Picture], *, mirrored: bool) -> Draw:
    """Return a function that draws on a picture; with `mirrored`, on the other side of it."""
    if not mirrored:
        return lambda _, picture: draw(picture)
    return lambda _, picture: np.ascontiguousarray(draw(np.ascontiguousarray(picture[:, ::-1]))[:, ::-1])


def _beyond(edge: float, *, mirrored: bool) -> Usable:
    """Return a function that checks whether a place is on the usable side of an edge at a share of the width."""
    return lambda x: (1 - x if mirrored else x) > edge + _MARGIN


def _is(face: TrueFace, ids: set[str]) -> bool:
    return face.student_id in ids if face.kind == "student" else face.kind == "stranger" and "" in ids


def _painted_over(picture: Picture, faces: Sequence[TrueFace]) -> Picture:
    """Return the picture without some people: their heads and shoulders are filled from the surroundings."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    for face in faces:
        x, y, w, h = face.box
        mask[max(0, int(y - 0.5 * h)) : int(y + 1.9 * h), max(0, int(x - 0.75 * w)) : int(x + 1.75 * w)] = 255
    small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small_mask = cv2.resize(mask, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_NEAREST)
    filled = cv2.inpaint(small, small_mask, 5, cv2.INPAINT_TELEA)
    large = cv2.resize(filled, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where(mask[..., None] > 0, large, picture).astype(np.uint8)


def _put_head(picture: Picture, place: TrueFace, of: Picture, head: TrueFace) -> None:
    """Put one person's head in the place of another's, in a picture."""
    x, y, w, h = _around(place.box, picture)
    from_x, from_y, from_w, from_h = _around(head.box, of)
    if min(w, h, from_w, from_h) < 8:
        return
    part = of[from_y : from_y + from_h, from_x : from_x + from_w]
    part = cv2.resize(part, (w, h), interpolation=cv2.INTER_AREA)
    mask = np.zeros((h, w), np.float32)
    cv2.ellipse(mask, (w // 2, h // 2), (int(0.46 * w), int(0.48 * h)), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.03 * w)[..., None]
    there = picture[y : y + h, x : x + w]
    picture[y : y + h, x : x + w] = (part * mask + there * (1 - mask)).astype(np.uint8)


def _around(box: tuple[float, float, float, float], picture: Picture) -> tuple[int, int, int, int]:
    """Return the box of a head around the box of a face, within a picture."""
    x, y, w, h = box
    left, top = max(0, int(x - 0.2 * w)), max(0, int(y - 0.25 * h))
    right, bottom = min(picture.shape[1], int(x + 1.2 * w)), min(picture.shape[0], int(y + 1.15 * h))
    return left, top, right - left, bottom - top


def _write(lesson: _Lesson, scenario: _Scenario, target: Path) -> None:
    shutil.copytree(lesson.path / "photos", target / "photos")
    shutil.copy(lesson.path / "roster.csv", target / "roster.csv")
    (target / "frames").mkdir()
    files = {one.stem: one for one in (lesson.path / "frames").iterdir()}
    width_px = 1
    for frame in lesson.frames:
        picture = folder.picture(files[frame])
        width_px = picture.shape[1]
        drawn = scenario.draw(frame, picture)
        cv2.imwrite(str(target / "frames" / f"{frame}.jpg"), drawn, [cv2.IMWRITE_JPEG_QUALITY, 90])
    about = {"name": scenario.name, "expected_register_flags": list(scenario.flags), "severity": scenario.severity}
    (target / "scenario.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    _write_truth(lesson, scenario, width_px, target)


def _write_truth(lesson: _Lesson, scenario: _Scenario, width_px: int, target: Path) -> None:
    with (target / "boxes.csv").open("w", newline="", encoding="utf-8") as handle:
        boxes = csv.writer(handle)
        boxes.writerow(("frame", "who", "kind", "x", "y", "w", "h", "face_px"))
        for frame in lesson.frames:
            for face in lesson.truth.faces[frame]:
                who = lesson.identities.get(face.student_id, face.kind)
                if face.kind == "poster" or scenario.there(face.student_id):
                    boxes.writerow((frame, who, face.kind, *face.box, face.width_px))
    with (target / "truth.csv").open("w", newline="", encoding="utf-8") as handle:
        rows = csv.writer(handle)
        rows.writerow((*_HEADS, "seat_usable"))
        for student_id, identity in lesson.identities.items():
            row = _row_of(lesson, scenario, student_id, width_px)
            rows.writerow((student_id, identity, *row))


def _row_of(lesson: _Lesson, scenario: _Scenario, student_id: str, width_px: int) -> tuple[object, ...]:
    all_boxes = [f.box for faces in lesson.truth.faces.values() for f in faces if f.student_id == student_id]
    middle = median(x + w / 2 for x, _, w, _ in all_boxes) / width_px if all_boxes else None
    usable = scenario.usable(middle) if middle is not None else scenario.name in ("usual", "excursion")
    seen = sum(any(f.student_id == student_id for f in lesson.truth.faces[frame]) for frame in lesson.frames)
    seen = seen if scenario.there(student_id) else 0
    verdict = "present" if seen >= _PRESENT_SHARE * len(lesson.frames) else "absent"
    close = abs(seen / len(lesson.frames) - _PRESENT_SHARE) < 0.15
    expected = verdict if usable else "inconclusive"
    return (seen, len(lesson.frames), verdict, int(close), 0, expected, int(usable))


if __name__ == "__main__":
    sys.exit(main())
