"""Counts how many shut eyes are found, and how many open ones are called shut, by the width of the face.

    python -m benchmarks.eyes --data DIR --json OUT [--half report] [--people N]

DIR has images/ and labels.csv (file, identity, condition); `sleepy` means shut eyes. If DIR has images.csv (file,
identity) instead, no condition is known, and the benchmark counts only the faces that are called shut. The pictures of
a person stand for a lesson: eyes count as shut relative to the person's own median, as in `attendance/attention.py`.
Here one picture decides; a lesson needs three in a row. A person without conditions needs at least `LEAST` pictures.
`--half tune` selects the people on whom the limits were chosen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks import command, folder, machine
from benchmarks.match_faces import captured, names_held_back
from benchmarks.rates import Rate
from edge_daemon.attendance.attention import SHUT_LEAST, SHUT_RISE
from edge_daemon.device import journal
from edge_daemon.types import Picture
from edge_daemon.vision.analysers.aligned_face import aligned_face
from edge_daemon.vision.analysers.eyes import EyesAnalyser, open_analyser
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import FaceReader, blazeface_square, rectangle
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.portrait import PortraitReader

WIDTHS_PX = (48, 64, 96)
LEAST = 5
"""Least number of pictures of a person without conditions: fewer do not show the person's usual eye closure."""
MOST = 8
_SHUT = "sleepy"
_BORDER = 0.4
"""Width of the border added around tightly cropped pictures, as a share of their side. It repeats their edge pixels."""

Closures = dict[int, float]
"""Eye closure of a face, by the width in pixels at which it was measured."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a person."""

    condition: str
    closures: Closures


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.eyes", "Shut eyes.", "labels.csv or images.csv, and images/")
    arguments.add_argument("--faces", type=Path, metavar="DIR", help="a second folder, of the form with images.csv")
    arguments.add_argument(
        "--half", choices=("tune", "report"), default="report", help="which people without conditions"
    )
    arguments.add_argument("--people", type=int, help="so many without conditions, chosen by a hash of their names")
    arguments.add_argument("--cache", type=Path, help="folder for what was measured of each picture")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the rates by width."""
    models = command.models(arguments)
    reader = _Reader(models, arguments.cache)
    second = {"faces": _measured(arguments.faces, arguments, reader)} if arguments.faces else {}
    return {**_measured(arguments.data, arguments, reader), **second, "measured": machine.described(models)}


def _measured(data: Path, arguments: argparse.Namespace, reader: _Reader) -> dict[str, object]:
    has_conditions = (data / "labels.csv").is_file()
    known = _labelled(data) if has_conditions else _unlabelled(data, arguments.half, arguments.people)
    people: dict[str, list[Shown]] = {}
    for number, (name, files) in enumerate(known.items(), 1):
        command.progress(number, len(known), "people")
        found = [(condition, reader.closures(folder.picture(file))) for file, condition in files]
        people[name] = [Shown(condition, closures) for condition, closures in found if closures]
    return {
        "by_width_px": {str(px): dict(_rates(people, px, has_conditions=has_conditions)) for px in WIDTHS_PX},
        "people": len(people),
        "pictures": sum(map(len, people.values())),
        "pictures_without_a_face": sum(map(len, known.values())) - sum(map(len, people.values())),
        "rises": {str(px): _rises(people, px) for px in WIDTHS_PX},
    }


def _labelled(data: Path) -> Mapping[str, Sequence[tuple[Path, str]]]:
    rows = folder.rows(data / "labels.csv", ("file", "identity", "condition"))
    people = defaultdict(list)
    for row in rows:
        people[row["identity"]].append((data / "images" / row["file"], row["condition"]))
    return people


def _unlabelled(data: Path, half: str, most: int | None) -> Mapping[str, Sequence[tuple[Path, str]]]:
    people = defaultdict(list)
    for row in folder.rows(data / "images.csv", ("file", "identity")):
        people[row["identity"]].append((data / "images" / row["file"], ""))
    kept = names_held_back(sorted(people))
    names = [n for n, own in people.items() if len(own) >= LEAST and (n in kept) == (half == "report")]
    chosen = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:most]
    return {name: sorted(people[name])[:MOST] for name in chosen}


class _Reader:
    def __init__(self, models: ModelSet, cache: Path | None) -> None:
        self._cache, self._networks = cache, b"".join(card.sha256.encode() for card in models.cards)
        self._portraits, self._faces = PortraitReader(models), FaceReader(models, embed=False)
        self._eyes: EyesAnalyser = open_analyser(models)

    def closures(self, picture: Picture) -> Closures:
        """Return how far the eyes are shut at each width that the picture reaches; nothing if no face is found."""
        if self._cache is None:
            return self._measured(picture)
        kept = self._cache / f"eyes-{hashlib.sha256(self._networks + picture.tobytes()).hexdigest()[:24]}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(self._measured(picture)), encoding="utf-8")
        return {int(px): float(shut) for px, shut in json.loads(kept.read_text("utf-8")).items()}

    def _measured(self, picture: Picture) -> Closures:
        rim = round(_BORDER * max(picture.shape[:2]))
        wide = np.asarray(cv2.copyMakeBorder(picture, rim, rim, rim, rim, cv2.BORDER_REPLICATE), np.uint8)
        faces = self._portraits.faces(wide)
        found: Closures = {}
        for width_px in WIDTHS_PX if faces else ():
            scale = width_px / faces[0].quality.width_px
            if scale > 1:
                continue
            small = captured(wide, scale, np.random.default_rng(width_px))
            box, points = (one * np.float32(scale) for one in (blazeface_square(faces[0].box), faces[0].keypoints))
            looked = self._faces.second_look(small, Hit(box, points, 0.9, votes=1.0))
            seen = self._eyes(aligned_face(small, rectangle(looked.box), looked.points, self._eyes.shape))
            found[width_px] = seen.both
        return found


def _rates(people: Mapping[str, Sequence[Shown]], px: int, *, has_conditions: bool) -> Iterator[tuple[str, object]]:
    shut, called = Rate(0, 0), Rate(0, 0)
    for shown in people.values():
        own = [one for one in shown if px in one.closures]
        if len(own) < LEAST:
            continue
        limit = max(median(one.closures[px] for one in own) + SHUT_RISE, SHUT_LEAST)
        for one in own:
            hit = Rate(int(one.closures[px] >= limit), 1)
            shut, called = (shut + hit, called) if one.condition == _SHUT else (shut, called + hit)
    if has_conditions:
        yield "shut_found", shut.json()
    yield "called_shut", called.json()


def _rises(people: Mapping[str, Sequence[Shown]], px: int) -> dict[str, list[float]]:
    """Return, by condition, quantiles of a picture's eye closure minus the person's median eye closure."""
    by_condition = defaultdict(list)
    for shown in people.values():
        own = [one for one in shown if px in one.closures]
        for one in own if len(own) >= LEAST else ():
            by_condition[one.condition].append(one.closures[px] - median(other.closures[px] for other in own))
    cuts = (0.0, 0.1, 0.5, 0.9, 0.98, 0.99, 1.0)
    return {name: [round(float(v), 3) for v in np.quantile(values, cuts)] for name, values in by_condition.items()}


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
