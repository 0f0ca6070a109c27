"""Reads seats with living people and with prints by the program's own networks, capture by capture.

No whole picture is composed: a seat is drawn alone, and the detector begins with its second look. Everything after that
is the program's own code. The seats are stored in a folder, because reading one face takes 10 ms.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import command, folder, match_faces, print_media
from benchmarks.match_faces import captured
from benchmarks.print_media import MEDIA, Medium, Original, Seat
from benchmarks.scenarios import room
from edge_daemon.types import Box, Face, Picture, StudentTemplates
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import FaceReader, blazeface_square
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.portrait import PortraitReader

BANDS: Mapping[str, tuple[float, float]] = {"32": (28.0, 38.0), "48+": (48.0, 90.0)}
"""Least and largest face width in pixels, by the name of the group. The logarithms of the widths are spread evenly."""
CAPTURES = 24
ENROLLED = 3
"""Largest number of photographs for enrolment; at least `SHOWN` further ones are left for the room."""
SHOWN = 2
LEAST_PROBABILITY = 0.5
"""A face counts as found if its detection alone gives it at least this probability."""
REPEATS: Mapping[Medium, int] = {"living": 2, "sitter": 3, "pinned": 1, "held": 2, "bent": 2}
"""Number of seats by medium, for each person and group of widths.

Each sitter and each print shows another photograph if there are enough.
"""


@dataclass(frozen=True, slots=True)
class SeatFaces:
    """The faces that the program found at one seat."""

    medium: Medium
    band: str
    faces: tuple[tuple[int, Face], ...]
    """Number of the capture, and the face; a capture without a found face is left out."""


@dataclass(frozen=True, slots=True)
class PersonFaces:
    """A person's templates, and the seats with the person or a print."""

    templates: StudentTemplates
    seats: tuple[SeatFaces, ...]


def read(
    people: Mapping[str, Sequence[Path]],
    models: ModelSet,
    cache: Path | None,
    *,
    most: int | None = None,
    limit: int | None = None,
) -> dict[str, PersonFaces]:
    """Return the seats of everybody who has enough photographs.

    Args:
        people: photographs by name, each a square crop of a face as in the lfw form.
        models: verified model files.
        cache: folder that stores the seats; None: nothing is stored.
        limit: largest number of people, in the order of a hash of their names; None: all.
        most: largest number of people who are not yet in the cache; another run must read the others. None: all.
    """
    reader = _Reader(models)
    names = sorted((name for name, own in people.items() if len(own) >= SHOWN + 2), key=_place)[:limit]
    found, anew = {}, 0
    for number, name in enumerate(names, 1):
        command.progress(number, len(names), "people")
        kept = None if cache is None else cache / f"prints-{_key(name, people[name], models)}.pickle"
        if kept is not None and kept.exists():
            found[name] = pickle.loads(kept.read_bytes())
        elif most is None or anew < most:
            anew += 1
            found[name] = reader.person(name, people[name])
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(pickle.dumps(found[name]))
    return {name: person for name, person in found.items() if person is not None}


def _place(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _key(name: str, files: Sequence[Path], models: ModelSet) -> str:
    code = [Path(module.__file__ or "").read_bytes() for module in (print_media, match_faces)]
    settings = f"{name}{BANDS}{CAPTURES}{ENROLLED}{REPEATS}".encode()
    networks = [card.sha256.encode() for card in models.cards]
    return hashlib.sha256(b"".join([settings, *code, *networks, *(f.name.encode() for f in files)])).hexdigest()[:20]


class _Reader:
    def __init__(self, models: ModelSet) -> None:
        self._portraits, self._faces = PortraitReader(models), FaceReader(models)

    def person(self, name: str, files: Sequence[Path]) -> PersonFaces | None:
        """Return one person; None if too few photographs show a face."""
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little"))
        pictures = [folder.picture(file) for file in files]
        portraits = [(room.as_crop(p), self._portraits.faces(room.as_crop(p))) for p in pictures]
        usable = [(crop, faces[0]) for crop, faces in portraits if faces]
        if len(usable) < SHOWN + 2:
            return None
        usable = [usable[i] for i in rng.permutation(len(usable))]
        enrolled = min(ENROLLED, len(usable) - SHOWN)
        templates = [self._portraits.templates(crop, face) for crop, face in usable[:enrolled]]
        vectors, widths = (np.concatenate([one[k] for one in templates]) for k in (0, 1))
        shown = [self._original(crop, face) for crop, face in usable[enrolled:]]
        seats = [
            self._seat(medium, band, shown[repeat % len(shown) :] + shown[: repeat % len(shown)], rng)
            for band in BANDS
            for medium in MEDIA
            for repeat in range(REPEATS[medium])
        ]
        return PersonFaces(StudentTemplates(name, vectors, widths), tuple(seats))

    def _original(self, crop: Picture, face: Face) -> Original:
        hit = Hit(blazeface_square(face.box), face.keypoints, face.score, votes=1.0)
        return Original(crop, self._faces.mesh(crop, hit).points)

    def _seat(self, medium: Medium, band: str, shown: Sequence[Original], rng: np.random.Generator) -> SeatFaces:
        low, high = BANDS[band]
        width_px = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        seat, clothes = Seat(medium, shown, rng), rng.uniform(30, 200, 3)
        wall = rng.uniform(60, 200, 3)
        found = []
        for capture in range(CAPTURES):
            face = self._face(seat.shown(), width_px * rng.uniform(0.97, 1.03), clothes, wall, rng)
            if face is not None:
                found.append((capture, face))
        return SeatFaces(medium, band, tuple(found))

    def _face(
        self, crop: Picture, width_px: float, clothes: np.ndarray, wall: np.ndarray, rng: np.random.Generator
    ) -> Face | None:
        side = round(3.2 * width_px)
        scene = np.empty((side, side, 3), np.uint8)
        scene[:] = wall
        middle = side / 2 + rng.normal(0, 0.05 * width_px, 2)
        x, y, w, h = room.sit(scene, crop, clothes, float(middle[0]), float(middle[1]), width_px)
        picture = captured(scene, 1.0, rng)
        off = rng.normal(0, 0.03 * width_px, 2)
        square = blazeface_square(Box(x + float(off[0]), y + float(off[1]), w, h))
        looked = self._faces.second_look(picture, Hit(square, np.zeros((6, 2), np.float32), 0.9, votes=1.0))
        if not looked.look_score:
            return None
        return self._faces.read(picture, looked, LEAST_PROBABILITY)
