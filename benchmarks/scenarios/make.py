"""Make lessons for stated conditions from a folder of faces, for `benchmarks.lesson`.

    python -m benchmarks.scenarios.make --faces LFW --out DIR [--half report] [--lessons 10] [--only base,mask]

LFW has images/ (square crops of faces) and images.csv (file, identity). `--half report` takes the people left out of
the training of this program's networks, `--half tune` the others. Each lesson is a folder with frames/, photos/,
roster.csv, truth.csv, boxes.csv and scenario.json. The command does not change an existing lesson.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np

from benchmarks import covers, folder
from benchmarks.print_media import Original, Seat
from benchmarks.scenarios import room
from benchmarks.scenarios.cast import Half, Member, People, cast, read_people
from benchmarks.scenarios.plan import SCENARIOS, Scenario
from edge_daemon.errors import EdgeError
from edge_daemon.types import Picture
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.portrait import PortraitReader

PRESENT_FROM = 0.4
OUT_OF_FOCUS_PX = 1.3
"""Standard deviation of the blur after a photograph is halved."""

Cover = Callable[[Picture, np.random.Generator], Picture]


def main() -> int:
    """Run the command; return the exit code."""
    arguments = _parser().parse_args()
    cv2.setNumThreads(1)
    try:
        _make(arguments)
    except EdgeError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, metavar="LFW")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--half", choices=("tune", "report", "all"), default="report", help="which people")
    parser.add_argument("--lessons", type=int, default=10, help="number for each scenario (default: 10)")
    parser.add_argument("--only", default="", help="names of scenarios, with commas between them (default: all)")
    parser.add_argument("--captures", type=int, default=24, help="number for each lesson (default: 24)")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--size", type=int, nargs=2, default=(1920, 1080), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--face-px", type=float, nargs=2, default=(28, 80), metavar=("BACK", "FRONT"))
    return parser


def _make(arguments: argparse.Namespace) -> None:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    wanted = [name for name in arguments.only.split(",") if name] or list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise folder.DataError(f"no scenario {unknown[0]}", "--only", f"known: {', '.join(known)}")
    layout = room.Layout(*arguments.size, arguments.rows, arguments.columns, tuple(arguments.face_px))
    half: Half = arguments.half
    people = read_people(arguments.faces, half)
    for name in wanted:
        for number in range(1, arguments.lessons + 1):
            lesson = arguments.out / f"{name}-{number:02d}"
            if not (lesson / "scenario.json").exists():
                make_lesson(lesson, known[name], people, layout, arguments.captures)
                sys.stdout.write(f"{lesson}\n")
                sys.stdout.flush()


def make_lesson(lesson: Path, scenario: Scenario, people: People, layout: room.Layout, captures: int) -> None:
    """Make one lesson, with its name as the seed; an interrupted lesson there is made again."""
    shutil.rmtree(lesson, ignore_errors=True)
    (lesson / "frames").mkdir(parents=True)
    rng = np.random.default_rng(crc32(lesson.name.encode()))
    members = cast(people, scenario, layout.seats, captures, rng)
    looks = {m.who.split("#")[0]: (_tint(rng), rng.uniform(30, 200, 3)) for m in members}
    students = sorted((m for m in members if m.student_id), key=lambda m: m.student_id)
    _enrol(lesson, students, scenario, {m.who: looks[m.who.split("#")[0]][0] for m in members}, rng)
    cover = _painter(scenario) if scenario.cover else None
    _shoot(lesson, members, looks, layout, scenario, captures, cover, rng)
    _write_truth(lesson / "truth.csv", students, layout, scenario, captures)
    about = {"name": scenario.name, "expected_register_flags": list(scenario.register_flags)}
    (lesson / "scenario.json").write_text(json.dumps(about) + "\n", encoding="utf-8")


def _tint(rng: np.random.Generator) -> np.ndarray:
    tint = np.array(room.TINTS[int(rng.integers(len(room.TINTS)))]) * rng.uniform(0.97, 1.03, 3)
    return np.asarray(tint / tint.mean())


@lru_cache(maxsize=128)
def _read(file: Path) -> Picture:
    return room.as_crop(folder.picture(file))


def _crop(file: Path, tint: np.ndarray) -> Picture:
    grey = _read(file)
    return np.clip(grey * tint, 0, 255).astype(np.uint8)


def _on_paper(file: Path, tint: np.ndarray) -> Original:
    """Return a photograph to hold up. A print needs no mesh, because it does not move by itself."""
    return Original(_crop(file, tint), np.zeros((468, 3), np.float32))


def _painter(scenario: Scenario) -> Cover:
    """Return a function that paints a scenario's cover on a crop, in one of its ways."""
    reader, ways = PortraitReader(ModelSet.load(default_models_dir())), covers.COVERS[scenario.cover]

    def paint(crop: Picture, rng: np.random.Generator) -> Picture:
        faces = reader.faces(crop)
        return ways[int(rng.integers(len(ways)))](crop, faces[0].keypoints, rng) if faces else crop

    return paint


def _enrol(
    lesson: Path,
    students: Sequence[Member],
    scenario: Scenario,
    tints: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> None:
    with (lesson / "roster.csv").open("w", newline="", encoding="utf-8") as handle:
        roster = csv.writer(handle)
        roster.writerow(["student_id", "name", "email", "guardian_email", "consent"])
        for student in students:
            roster.writerow([student.student_id, student.student_id, "", "", "yes"])
            own = lesson / "photos" / student.student_id
            own.mkdir(parents=True)
            for number, file in enumerate(student.photographs, 1):
                crop = _crop(file, tints[student.who])
                photograph = out_of_focus(crop) if scenario.are_out_of_focus else crop
                quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(88, 95))]
                cv2.imwrite(str(own / f"{number}.jpg"), photograph, quality)


def out_of_focus(picture: Picture) -> Picture:
    """Return a photograph as a bad camera takes it: halved, blurred and enlarged again."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), OUT_OF_FOCUS_PX), (width, height)), np.uint8)


def _shoot(
    lesson: Path,
    members: Sequence[Member],
    looks: dict[str, tuple[np.ndarray, np.ndarray]],
    layout: room.Layout,
    scenario: Scenario,
    captures: int,
    cover: Cover | None,
    rng: np.random.Generator,
) -> None:
    empty = room.scenery(layout, rng)
    there = sorted((m for m in members if m.in_room or m.is_print), key=lambda m: layout.place(m.seat)[2])
    prints = {m.who: Seat("held", [_on_paper(m.seen[0], looks[m.who][0])], rng) for m in there if m.is_print}
    painted: dict[Path, Picture] = {}
    with (lesson / "boxes.csv").open("w", newline="", encoding="utf-8") as handle:
        boxes = csv.writer(handle)
        boxes.writerow(["frame", "who", "kind", "x", "y", "w", "h", "face_px"])
        for capture in range(captures):
            scene, frame = empty.copy(), f"{capture + 1:04d}"
            for member in there:
                tint, clothes = looks[member.who.split("#")[0]]
                file = member.seen[int(rng.integers(len(member.seen)))]
                crop = _crop(file, tint)
                if cover and capture in member.covered:
                    if file not in painted:
                        painted[file] = cover(crop, rng)
                    crop = painted[file]
                if rng.random() < 0.5:
                    crop = np.ascontiguousarray(crop[:, ::-1])
                x, y, width_px = layout.place(member.seat)
                x, y = x + rng.normal(0, 0.1 * width_px), y + rng.normal(0, 0.1 * width_px)
                width_px *= rng.uniform(0.94, 1.06)
                if member.is_print:
                    box = room.sit(scene, prints[member.who].shown(), clothes, x, y, width_px)
                    boxes.writerow([frame, member.who, "photo", *box, round(width_px, 1)])
                    continue
                if capture not in member.captures:
                    room.sit(scene, room.back_of_head(crop, rng), clothes, x, y, width_px)
                    continue
                box = room.sit(scene, crop, clothes, x, y, width_px)
                kind = "student" if member.student_id else "stranger"
                boxes.writerow([frame, member.who, kind, *box, round(width_px, 1)])
            shot = room.captured(scene, scenario.motion_px, rng)
            cv2.imwrite(str(lesson / "frames" / f"{frame}.jpg"), shot, [cv2.IMWRITE_JPEG_QUALITY, 90])


_HEADS = (
    "student_id", "identity", "row", "face_px", "frames_visible", "frames", "verdict", "borderline", "at_risk",
    "expected", "hidden", "medium", "photographs", "seat_usable", "pair",
)  # fmt: skip


def _write_truth(
    path: Path, students: Sequence[Member], layout: room.Layout, scenario: Scenario, captures: int
) -> None:
    """Write truth.csv. A person enrolled twice appears under both ids."""
    seen = {s.student_id: len(s.captures) for s in students}
    if scenario.doubles == "two_ids":
        by_pair = {p: max(seen[s.student_id] for s in students if s.pair == p) for p in {s.pair for s in students}}
        seen = {s.student_id: by_pair[s.pair] if s.pair else seen[s.student_id] for s in students}
    with path.open("w", newline="", encoding="utf-8") as handle:
        truth = csv.writer(handle)
        truth.writerow(_HEADS)
        for student in students:
            visible = seen[student.student_id]
            verdict = "present" if visible >= PRESENT_FROM * captures else "absent"
            width_px = round(layout.place(student.seat)[2], 1)
            row = student.seat // layout.columns
            hidden = scenario.cover if student.covered else ""
            seen_as = (student.student_id, student.who, row, width_px, visible, captures)
            nobody = scenario.others_share == 1 or student.is_print  # nobody of the class, or only a picture
            asked = (verdict, 0, int(student.is_at_risk), "inconclusive" if nobody else verdict)
            medium = "print" if student.is_print else "living"
            truth.writerow([*seen_as, *asked, hidden, medium, len(student.photographs), 1, student.pair or ""])


if __name__ == "__main__":
    sys.exit(main())
