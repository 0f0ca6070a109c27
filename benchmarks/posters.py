"""Posters and people over three lessons of one room: whose face keeps its place?

    python -m benchmarks.posters --data LFW --json OUT [--rooms 4]

LFW has images/ and images.csv (file, identity). Each room has as many posters as people. A poster shows one photograph
at one place. People sit in the same seat in every lesson; in each capture they show another photograph, and their heads
stray by a tenth of their width, as in `benchmarks.scenarios`. The light changes from lesson to lesson and from capture
to capture. The program's own detector finds the faces. No real poster and no real class was there to try.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import command, folder, machine
from benchmarks.rates import Rate
from benchmarks.scenarios import room
from benchmarks.scenarios.cast import read_people
from edge_daemon.attendance.evidence.posters import LEAST_LESSONS, is_same_place, still_place
from edge_daemon.device import journal
from edge_daemon.types import Box, Candidate, Face, Picture
from edge_daemon.vision.pipeline import Detector, RoomDetector

CAPTURES, LESSON_S = 12, 1200.0
LAYOUT = room.Layout(1920, 1080, 4, 4, (28, 90))
_LEAST_PHOTOGRAPHS = 4
_OWN_FACE = 0.8
"""Largest distance between the centres of a face and its seat, in widths of the face."""


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.posters", "Posters over three lessons.", "images.csv, images/")
    arguments.add_argument("--rooms", type=int, default=4, help="number of rooms (default: 4)")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return how often posters and people kept their places in a lesson, and over all lessons."""
    models = command.models(arguments)
    people = {n: own for n, own in read_people(arguments.data, "report").items() if len(own) >= _LEAST_PHOTOGRAPHS}
    if len(people) < LAYOUT.seats:
        raise folder.DataError(f"has {len(people)} people with {_LEAST_PHOTOGRAPHS} photographs", str(arguments.data))
    detector = Detector(models, threads=1, embed=False)
    found: dict[str, list[tuple[list[Box | None], float]]] = defaultdict(list)
    for number in range(arguments.rooms):
        rng = np.random.default_rng(number)
        chosen = [people[str(name)] for name in rng.choice(sorted(people), LAYOUT.seats, replace=False)]
        for kind, places, stray in _room(chosen, detector, rng):
            found[kind].append((places, stray))
            command.progress(number + 1, arguments.rooms, "rooms")
    return {kind: _rates(own) for kind, own in found.items()} | {
        "rooms": arguments.rooms,
        "captures": CAPTURES,
        "measured": machine.described(models),
    }


def _rates(seats: Sequence[tuple[list[Box | None], float]]) -> dict[str, object]:
    lessons = [place for places, _ in seats for place in places]
    strays = [stray for _, stray in seats]
    return {
        "still_in_a_lesson": Rate(sum(place is not None for place in lessons), len(lessons)).json(),
        "poster_over_the_lessons": Rate(sum(_is_poster(places) for places, _ in seats), len(seats)).json(),
        "stray_of_width": {f"{q:g}": round(float(np.quantile(strays, q)), 4) for q in (0.0, 0.5, 1.0)},
    }


def _is_poster(places: Sequence[Box | None]) -> bool:
    """Return whether the face was at the same place in the last lesson as in all lessons before."""
    last = places[-1]
    return last is not None and all(one is not None and is_same_place(one, last) for one in places)


def _room(
    people: Sequence[Sequence[Path]], detector: Detector, rng: np.random.Generator
) -> Iterator[tuple[str, list[Box | None], float]]:
    """Yield each seat's kind, its place in each lesson (None: the face moved), and how far its face strayed at most."""
    empty = room.scenery(LAYOUT, rng)
    crops = [[room.as_crop(folder.picture(file)) for file in own[:_LEAST_PHOTOGRAPHS]] for own in people]
    clothes = [rng.uniform(30, 200, 3) for _ in people]
    off = rng.uniform(-0.2, 0.2, (LAYOUT.seats, 2))
    seconds_of = {slot: LESSON_S * slot / CAPTURES for slot in range(CAPTURES)}
    places: list[list[Box | None]] = [[] for _ in people]
    strays = np.zeros(LAYOUT.seats)
    for _ in range(LEAST_LESSONS):
        detect, light = RoomDetector(detector), rng.uniform(0.8, 1.15)
        faces: list[list[Candidate]] = [[] for _ in people]
        for slot in range(CAPTURES):
            scene = empty.copy()
            for seat, own in enumerate(crops):
                _put(scene, seat, own, clothes[seat], off[seat], rng)
            shot = room.captured(np.clip(scene * light, 0, 255).astype(np.uint8), 0, rng)
            for face in detect(shot):
                seat, distance = _seat_of(face, off)
                if distance < _OWN_FACE:
                    similarities = np.zeros(1, np.float32)
                    faces[seat].append(Candidate(slot, face.box, face.score, face.quality, True, similarities, None))
        for seat, own in enumerate(faces):
            places[seat].append(still_place(own, seconds_of))
            strays[seat] = max(strays[seat], _stray(own))
    for seat in range(LAYOUT.seats):
        yield "posters" if _hangs(seat) else "people", places[seat], float(strays[seat])


def _hangs(seat: int) -> bool:
    return (seat // LAYOUT.columns + seat) % 2 == 0


def _put(
    scene: Picture, seat: int, crops: Sequence[Picture], clothes: np.ndarray, off: np.ndarray, rng: np.random.Generator
) -> None:
    x, y, width_px = LAYOUT.place(seat)
    crop = crops[0]
    x, y = x + float(off[0]) * width_px, y + float(off[1]) * width_px
    if not _hangs(seat):
        crop = crops[int(rng.integers(len(crops)))]
        x, y = x + rng.normal(0, 0.1 * width_px), y + rng.normal(0, 0.1 * width_px)
        width_px *= rng.uniform(0.94, 1.06)
    room.sit(scene, crop, clothes, x, y, width_px)


def _seat_of(face: Face, off: np.ndarray) -> tuple[int, float]:
    """Return the seat nearest to a face, and its distance as a multiple of the width of faces at that seat."""
    middle = np.array([face.box.x + face.box.w / 2, face.box.y + face.box.h / 2])
    seats = np.array([LAYOUT.place(seat) for seat in range(LAYOUT.seats)])
    each = np.hypot(*(middle - seats[:, :2] - off * seats[:, 2:]).T) / seats[:, 2]
    return int(each.argmin()), float(each.min())


def _stray(faces: Sequence[Candidate]) -> float:
    """Return the median distance of the faces' centres to their median, in face widths."""
    if not faces:
        return 0.0
    boxes = np.array([(f.box.x + f.box.w / 2, f.box.y + f.box.h / 2, f.box.w) for f in faces])
    middle = np.median(boxes, axis=0)
    return float(np.median(np.hypot(*(boxes - middle)[:, :2].T)) / middle[2])


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
