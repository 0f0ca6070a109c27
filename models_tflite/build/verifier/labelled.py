"""Crops of pictures with labelled faces: the faces, other detections, and backgrounds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import covers, folder
from benchmarks.matching import intersections, ious
from edge_daemon.types import Picture
from edge_daemon.vision.blazeface import Detections
from edge_daemon.vision.face_reader import rectangle
from edge_daemon.vision.landmarks import FaceMesh, Mesh
from edge_daemon.vision.models import ModelSet
from models_tflite.build.verifier import samples
from models_tflite.build.verifier.candidates import Finder
from models_tflite.build.verifier.samples import Array, Sample

LEAST_PX = 10.0
"""Least height of a label. A smaller one counts neither as a face nor as background."""
FACE_IOU = 0.3
"""A candidate is a face if its intersection over union with a label is at least this."""
OTHER_IOU = 0.1
"""A candidate is no face if its intersection over union with every label is below this, and `OTHER_COVER` holds."""
OTHER_COVER = 0.3
"""A label that is not used may cover at most this share of a candidate that counts as no face."""
SURE = 0.6
"""Detections without a label and with a higher score are often unlabelled faces; they have less weight."""
UNSURE_WEIGHT = 0.3
RANDOM_CROPS = 8
MOST_OTHERS = 40
"""Number of false detections to use from a picture, the highest scores first. Half as many of the rest are added."""
MESH_PRESENCE, BARE_YAW_DEG, PROFILE_YAW_DEG = 0.9, 35.0, 45.0


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and its labels."""

    path: Path
    labels: NDArray[np.float64]
    """(n, 4): x, y, w, h."""
    ignored: NDArray[np.bool_]
    visible: NDArray[np.int8]
    """Visible part from the labels; UNKNOWN: the mesh decides."""


def wider(data: Path) -> list[LabelledPicture]:
    """Return the pictures of a folder that was cut from WIDER FACE."""
    rows = defaultdict(list)
    columns = ("file", "x", "y", "w", "h", "invalid", "occlusion", "pose")
    for row in folder.rows(data / "boxes.csv", columns):
        rows[row["file"]].append([float(row[c]) for c in columns[1:]])
    found = []
    for file, values in sorted(rows.items()):
        table = np.array(values)
        hidden, turned = table[:, 5] > 0, table[:, 6] > 0
        visible = np.where(turned & ~hidden, samples.PROFILE, np.where(hidden, _NOT_BARE, samples.UNKNOWN))
        found.append(LabelledPicture(data / "images" / file, table[:, :4], table[:, 4] > 0, visible.astype(np.int8)))
    return found


_NOT_BARE = -2
"""Value for a partly hidden face: its visible part has no class, and the mesh is not used."""


def masks(data: Path) -> list[LabelledPicture]:
    """Return the pictures of a folder with labelled masks."""
    rows = defaultdict(list)
    for row in folder.rows(data / "boxes.csv", ("file", "label", "xmin", "ymin", "xmax", "ymax")):
        x, y, right, bottom = (float(row[c]) for c in ("xmin", "ymin", "xmax", "ymax"))
        masked = row["label"] != "without_mask"
        rows[row["file"]].append([x, y, right - x, bottom - y, samples.LOWER_HIDDEN if masked else samples.UNKNOWN])
    return [
        LabelledPicture(
            data / "images" / file,
            np.array(own)[:, :4],
            np.zeros(len(own), np.bool_),
            np.array(own)[:, 4].astype(np.int8),
        )
        for file, own in sorted(rows.items())
    ]


class Scenes:
    """Makes the crops. The random ones depend only on the picture.

    Args:
        models: verified model files.
        finder: the detectors.
    """

    def __init__(self, models: ModelSet, finder: Finder) -> None:
        self._mesh, self._find = FaceMesh(models.card("mesh")), finder

    def samples(self, known: LabelledPicture) -> list[Sample]:
        """Return the crops of one picture."""
        picture = folder.picture(known.path)
        found = self._find(picture, known.path.name)
        rng = np.random.default_rng(int.from_bytes(known.path.name.encode(), "little") % 2**32)
        boxes = _rectangles(found.boxes)
        overlap = ious(boxes, known.labels)
        result: list[Sample] = []
        for index, label in enumerate(known.labels):
            if not known.ignored[index] and label[3] >= LEAST_PX:
                result += self._of_label(picture, known, index, found, overlap[:, index], rng)
        result += self._of_others(picture, known, found, boxes, overlap)
        return result + _random(picture, known, rng)

    def _of_label(
        self,
        picture: Picture,
        known: LabelledPicture,
        index: int,
        found: Detections,
        overlap: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> list[Sample]:
        """Return the crops of one labelled face: around its label, around each detection, and with a painted cover."""
        square = samples.label_square(known.labels[index].astype(np.float32))
        near = np.flatnonzero(overlap >= FACE_IOU)
        mesh, six = None, None
        if len(near):
            best = int(near[np.argmax(overlap[near])])
            six = found.points[best]
            if known.labels[index][3] >= 24:
                mesh = self._mesh(picture, found.boxes[best], six)
        visible = _visible(int(known.visible[index]), mesh)
        points = mesh.five_points() if mesh is not None and mesh.presence > MESH_PRESENCE else samples.NO_POINTS
        width = float(known.labels[index][2])
        name = known.path.name

        def sample(around: Array, score: float = 0.0, votes: float = 0.0, weight: float = 1.0) -> Sample:
            crop, matrix = samples.cut(picture, around)
            return Sample(
                crop,
                True,
                visible,
                samples.moved_square(square, matrix),
                samples.moved(points, matrix),
                weight,
                name,
                width,
                score,
                votes,
            )

        result = [sample(square)]
        result += [sample(found.boxes[i], float(found.scores[i]), float(found.votes[i])) for i in near]
        if visible == samples.BARE and six is not None:
            result += [painted(result[0], samples.moved(six, samples.crop_matrix(square)), rng)]
        return result

    def _of_others(
        self,
        picture: Picture,
        known: LabelledPicture,
        found: Detections,
        boxes: NDArray[np.float64],
        overlap: NDArray[np.float64],
    ) -> list[Sample]:
        """Return the crops of a picture's false detections."""
        cover = intersections(boxes, known.labels) / np.maximum(boxes[:, 2] * boxes[:, 3], 1e-9)[:, None]
        unusable = known.ignored | (known.labels[:, 3] < LEAST_PX)
        near_unusable = (cover * unusable).max(axis=1, initial=0) > OTHER_COVER
        others = (overlap.max(axis=1, initial=0) < OTHER_IOU) & ~near_unusable
        indices = np.flatnonzero(others)  # best first
        spread = np.linspace(MOST_OTHERS, max(len(indices) - 1, MOST_OTHERS), MOST_OTHERS // 2).astype(int)
        chosen = [*indices[:MOST_OTHERS], *indices[np.unique(spread[spread < len(indices)])]]
        result = []
        for i in chosen:
            weight = UNSURE_WEIGHT if found.scores[i] > SURE else 1.0
            crop, _ = samples.cut(picture, found.boxes[i])
            width = float(boxes[i, 2])
            score, votes = float(found.scores[i]), float(found.votes[i])
            result.append(
                Sample(crop, False, weight=weight, file=known.path.name, width_px=width, score=score, votes=votes)
            )
        return result


def _visible(said: int, mesh: Mesh | None) -> int:
    """Return the visible part: from the label, otherwise from the mesh if it is certain."""
    if said == _NOT_BARE or said == samples.LOWER_HIDDEN:
        return samples.UNKNOWN if said == _NOT_BARE else said
    if mesh is None or mesh.presence < MESH_PRESENCE:
        return said
    yaw = abs(mesh.pose().yaw_deg)
    if yaw >= PROFILE_YAW_DEG:
        return samples.PROFILE
    return samples.BARE if yaw < BARE_YAW_DEG else samples.UNKNOWN


def painted(sample: Sample, six: Array, rng: np.random.Generator) -> Sample:
    """Return a bare face with a mask, glasses, or another cover of its upper or lower half."""
    what = ("mask", "glasses", "below", "above")[rng.integers(4)]
    if what in covers.COVERS:
        ways = covers.COVERS[what]
        crop = ways[rng.integers(len(ways))](sample.crop, six, rng)
    else:
        crop = _hidden_half(sample.crop, six, rng, below=what == "below")
    visible = samples.LOWER_HIDDEN if what in ("mask", "below") else samples.UPPER_HIDDEN
    return replace(sample, crop=crop, visible=visible, score=0.0, votes=0.0)


def _hidden_half(crop: Picture, six: Array, rng: np.random.Generator, *, below: bool) -> Picture:
    """Cover a half of a face with a part of the same crop, or one colour, as a hand, book, scarf, hood or hat would."""
    eyes, mouth = six[:2].mean(axis=0), six[3]
    height = max(float(mouth[1] - eyes[1]), 4.0)
    rows = np.arange(crop.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(crop.shape[1], dtype=np.float32)[None]
    slope = float(rng.normal(0, 0.15))
    edge = eyes[1] + height * rng.uniform(0.25, 0.65) + slope * (columns - eyes[0])
    inside = np.abs(columns - eyes[0]) < height * rng.uniform(0.9, 2.2)
    reach = height * rng.uniform(1.0, 2.5)
    hidden = inside & ((rows > edge) & (rows < edge + reach) if below else (rows < edge) & (rows > edge - reach))
    if rng.random() < 0.5:
        fill = np.roll(crop[::-1], int(rng.integers(20, 70)), axis=int(rng.integers(2)))
    else:
        fill = np.clip(rng.integers(10, 245, 3) + rng.normal(0, 6, crop.shape), 0, 255).astype(np.uint8)
    return np.where(hidden[..., None], fill, crop).astype(np.uint8)


def _random(picture: Picture, known: LabelledPicture, rng: np.random.Generator) -> list[Sample]:
    """Return random crops without a face, and parts of faces."""
    height, width = picture.shape[:2]
    result = []
    squares = []
    for _ in range(RANDOM_CROPS):
        side = float(np.exp(rng.uniform(np.log(16), np.log(max(min(height, width) * 0.6, 20)))))
        squares.append((rng.uniform(0, max(width - side, 1)), rng.uniform(0, max(height - side, 1)), side))
    for label in known.labels[rng.random(len(known.labels)) < 0.5]:
        if label[3] >= 36:
            side = label[2] * rng.uniform(0.25, 0.42)
            x, y = label[:2] + label[2:] * rng.uniform(0.1, 0.9, 2)
            squares.append((x - side / 2, y - side / 2, side))
        side = label[2] * rng.uniform(3.2, 5)
        x, y = label[:2] + label[2:] / 2 + rng.uniform(-0.3, 0.3, 2) * side
        squares.append((x - side / 2, y - side / 2, side))
    for x, y, side in squares:
        square = np.array([x, y, x + side, y + side], np.float32)
        if ious(_rectangles(square[None]), known.labels).max(initial=0) < OTHER_IOU:
            crop, _ = samples.cut(picture, square)
            result.append(Sample(crop, False, file=known.path.name, width_px=side))
    return result


def _rectangles(squares: Array) -> NDArray[np.float64]:
    found = [rectangle(square) for square in squares]
    return np.array([(b.x, b.y, b.w, b.h) for b in found], np.float64).reshape(-1, 4)
