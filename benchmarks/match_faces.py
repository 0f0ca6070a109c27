"""Makes faces as a lesson shows them from photographs, and reads the input of recognition for each, at several widths.

The program's own networks read the pictures. Each photograph gives templates, as enrolment makes them, and probes. A
probe is the face at a smaller width, in other light, with noise and blur, and in some cases with a painted cover.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks import command, covers, folder
from edge_daemon.types import Face, Picture, Vector
from edge_daemon.vision import quality, tiles
from edge_daemon.vision.face_odds import Hit
from edge_daemon.vision.face_reader import LOOK_SHARE, FaceReader, blazeface_square
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.portrait import PortraitReader

WIDTHS_PX = (26.0, 32.0, 40.0, 56.0, 80.0)
CONDITIONS = ("bare", "motion", "mask", "glasses")
MOST = 12
"""Number of photographs to read for each person."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A face in a capture."""

    condition: str
    width_px: float
    vector: Vector
    """Vector of the face, (192,)."""
    sharpness: float
    presence: float
    yaw_deg: float
    """Sideways turn of the head in the photograph; NaN if the mesh gives none."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph of a person, with templates for enrolment and probes."""

    templates: Vector
    """Vectors of the templates, (n, 192)."""
    widths_px: Vector
    """Face width in pixels that each template represents, (n,)."""
    probes: tuple[Probe, ...]


def read(data: Path, models: ModelSet, least: int) -> dict[str, list[Photograph]]:
    """Return the photographs of each person with at least `least` photographs in which a face was found."""
    files = defaultdict(list)
    for row in folder.rows(data / "images.csv", ("file", "identity")):
        files[row["identity"]].append(row["file"])
    known = {name: sorted(own)[:MOST] for name, own in sorted(files.items()) if len(own) >= least}
    reader = _Reader(models)
    result = {}
    for number, (name, own) in enumerate(known.items(), 1):
        command.progress(number, len(known), "people")
        found = [reader.photograph(folder.picture(data / "images" / file), file) for file in own]
        result[name] = [photograph for photograph in found if photograph is not None]
    return {name: own for name, own in result.items() if len(own) >= least}


class _Reader:
    def __init__(self, models: ModelSet) -> None:
        self._portraits, self._faces = PortraitReader(models), FaceReader(models)

    def photograph(self, picture: Picture, name: str) -> Photograph | None:
        """Return the templates and probes of a photograph; None if no face is found."""
        faces = self._portraits.faces(picture)
        if not faces:
            return None
        templates, widths = self._portraits.templates(picture, faces[0])
        rng = np.random.default_rng(int.from_bytes(name.encode(), "little") % 2**32)
        probes = [self._probe(picture, faces[0], width, c, rng) for c in CONDITIONS for width in WIDTHS_PX]
        return Photograph(templates, widths, tuple(probes))

    def _probe(self, picture: Picture, face: Face, width_px: float, condition: str, rng: np.random.Generator) -> Probe:
        near, hit = _surroundings(picture, face)
        if condition in covers.COVERS:
            ways = covers.COVERS[condition]
            near = ways[rng.integers(len(ways))](near, hit.points, rng)
        scale = width_px / face.quality.width_px
        small = captured(near, scale, rng, motion_px=rng.uniform(2, 6) if condition == "motion" else 0.0)
        placed = Hit(hit.box * np.float32(scale), hit.points * np.float32(scale), hit.score, hit.votes)
        looked = self._faces.second_look(small, placed)
        mesh = self._faces.mesh(small, looked)
        left, top, right, bottom = (round(float(v)) for v in looked.box)
        own = small[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
        return Probe(
            condition,
            width_px,
            self._faces.embed(small, mesh),
            quality.sharpness(own),
            mesh.presence,
            float("nan") if face.pose is None else face.pose.yaw_deg,
        )


def captured(picture: Picture, scale: float, rng: np.random.Generator, *, motion_px: float = 0.0) -> Picture:
    """Return a picture as a classroom camera takes it: smaller, in other light, blurred, with noise, compressed."""
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=method)
    if motion_px >= 1:
        length = round(motion_px)
        small = cv2.filter2D(small, -1, np.full((1, length), 1 / length, np.float32))
    light = 255 * (np.arange(256) / 255) ** rng.uniform(0.75, 1.35)
    lit = cv2.LUT(small, np.clip(light * rng.uniform(0.85, 1.1), 0, 255).astype(np.uint8))
    blurred = cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.4, 0.9)).astype(np.float32)
    noisy = np.clip(blurred + rng.normal(0, rng.uniform(2, 5), blurred.shape), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 96))])
    decoded: Picture = cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return decoded


def _surroundings(picture: Picture, face: Face) -> tuple[Picture, Hit]:
    """Return the part of a photograph around a face, and the face's detection in it."""
    box = blazeface_square(face.box)
    side = round(float(box[2] - box[0]) / LOOK_SHARE)
    corner = np.round((box[:2] + box[2:]) / 2 - side / 2).astype(np.float32)
    part = tiles.cut(picture, tiles.Tile(float(corner[0]), float(corner[1]), side), side)
    return part, Hit(box - np.tile(corner, 2), face.keypoints - corner, face.score, votes=1.0)


def names_held_back(names: Sequence[str]) -> set[str]:
    """Return a third of the people, selected by their names. No setting is tuned on them."""
    return {name for name in names if sum(name.encode()) % 3 == 0}
