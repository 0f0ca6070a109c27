"""Captures of composed lessons, unchanged and degraded, with the program's result for each capture alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks import folder
from benchmarks.lesson import enrol
from benchmarks.lesson_truth import TrueFace, Truth, read_truth
from benchmarks.matching import match
from edge_daemon.app.audit.face_light import FaceLight, face_light
from edge_daemon.app.opening.models_and_gallery import embedder_id, open_gallery_store
from edge_daemon.attendance.evidence.sighting_resolver import resolve_sightings
from edge_daemon.attendance.evidence.thresholds import Thresholds
from edge_daemon.gallery.match import Matcher
from edge_daemon.home import Home
from edge_daemon.types import Candidate, Face, Picture
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.pipeline import Detector, RoomDetector

ALL, SOME, FEW = 0, 12, 4
"""How many captures of a variant are read; `ALL` stands for every capture.

With `ALL`, the detector remembers earlier captures, as in a lesson. Otherwise each capture is searched alone.
"""
WHOLE = 4
"""Number of lessons that are read with all of their captures, because only these give registers.

For the rates of faces a larger number of people is worth more than a larger number of captures, so only some
captures of the other lessons are read.
"""
NOISE = 3.0
"""Standard deviation of the sensor's noise, in levels of 255; the lesson maker uses the same value."""
Worsened = Callable[[Picture, np.random.Generator], Picture]


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to degrade a capture."""

    name: str
    frames: int = ALL
    scale: float = 1.0
    blur_px: float = 0.0
    gain: float = 1.0


AS_IS = Variant("as it is")
SHRUNK = (Variant("half the size", scale=0.5), Variant(".7 of the size", scale=0.7))
WORSE = (
    Variant("blur 1 px", FEW, blur_px=1.0),
    Variant("blur 2 px", FEW, blur_px=2.0),
    Variant("blur 4 px", FEW, blur_px=4.0),
    Variant("light x .35", FEW, gain=0.35),
    Variant("light x .15", FEW, gain=0.15),
    Variant("light x 2.2", FEW, gain=2.2),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A face that the program found, without embedding and picture."""

    face: Face
    light: FaceLight
    truth: int
    """Index of the true face; -1: none."""
    alone: str
    """Id of the student recognised from this picture alone; empty if none is."""
    counted: str
    """The student named by the evidence over all captures of the variant."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture of one variant of one lesson."""

    lesson: str
    variant: str
    frame: str
    width_px: int
    height_px: int
    true: tuple[TrueFace, ...]
    seen: tuple[Seen, ...]


def captures(path: Path, number: int, models: ModelSet, detector: Detector) -> Iterator[Capture]:
    """Yield the captures of a lesson, variant by variant.

    Every other lesson also gets blurred and darker or lighter variants.

    Args:
        path: the lesson.
        number: index of the lesson from 0; it selects the variants.
        models: verified model files.
        detector: detector with an embedder.
    """
    truth = read_truth(path)
    with tempfile.TemporaryDirectory(prefix="edge-daemon-audit-") as temporary:
        enrol(path, Path(temporary) / "home", 1, None)
        store = open_gallery_store(Home(Path(temporary) / "home"))
        matcher = Matcher(store.templates(embedder_id(models)))
    clear = [v if number < WHOLE else replace(v, frames=SOME) for v in (AS_IS, SHRUNK[number % 2])]
    for variant in (*clear, *(WORSE if number % 2 == 0 else ())):
        yield from _variant(path, truth, variant, matcher, detector)


def _variant(path: Path, truth: Truth, variant: Variant, matcher: Matcher, detector: Detector) -> Iterator[Capture]:
    names = sorted(truth.faces)
    chosen = [names[round(i)] for i in np.linspace(0, len(names) - 1, variant.frames or len(names))]
    find = detector if variant.frames else RoomDetector(detector)
    looked, candidates = [], []
    for slot, name in enumerate(chosen):
        random = np.random.default_rng([slot, len(variant.name)])
        picture = worse(folder.picture(path / "frames" / f"{name}.jpg"), variant, random)
        faces = find(picture)
        looked.append((name, picture.shape, faces, [face_light(picture, f.box) for f in faces]))
        candidates += _candidates(slot, faces, matcher)
    counted = {(s.slot, s.box): s.student_id for s in resolve_sightings(candidates, matcher.student_ids)}
    for slot, (name, shape, faces, lights) in enumerate(looked):
        own = [c for c in candidates if c.slot == slot]
        true = tuple(_scaled(face, variant.scale) for face in truth.faces[name])
        pairs = _pairs(true, faces)
        seen = tuple(
            Seen(_bare(f), light, pairs.get(i, -1), alone(c, matcher.student_ids), counted.get((slot, f.box), ""))
            for i, (f, light, c) in enumerate(zip(faces, lights, own, strict=True))
        )
        yield Capture(truth.name, variant.name, name, shape[1], shape[0], true, seen)


def worse(picture: Picture, variant: Variant, random: np.random.Generator) -> Picture:
    """Return the degraded capture with the sensor's noise; a smaller one lies in the corner of a grey picture."""
    if variant.name == AS_IS.name:
        return picture
    made = picture
    if variant.scale != 1:
        small = cv2.resize(picture, None, fx=variant.scale, fy=variant.scale, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), 0.5)
        made = np.full_like(picture, 110)
        made[: small.shape[0], : small.shape[1]] = small
    if variant.blur_px:
        made = np.asarray(cv2.GaussianBlur(made, (0, 0), variant.blur_px), np.uint8)
    noise = random.normal(0, NOISE, (made.shape[0] // 2, made.shape[1] // 2, 3)).astype(np.float32)
    grain = cv2.resize(noise, (made.shape[1], made.shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.clip(made * np.float32(variant.gain) + grain, 0, 255).astype(np.uint8)


def alone(candidate: Candidate, student_ids: Sequence[str]) -> str:
    """Return the student who is recognised from one picture by itself; empty if none is."""
    best = int(np.argmax(candidate.similarities))
    enough = candidate.similarities[best] >= Thresholds().threshold(candidate.quality.width_px, 1)
    return student_ids[best] if enough else ""


def _candidates(slot: int, faces: Sequence[Face], matcher: Matcher) -> list[Candidate]:
    if not faces:
        return []
    widths = np.array([f.quality.width_px for f in faces], np.float32)
    rows = matcher.similarities(np.stack([f.embedding for f in faces]), widths)
    return [
        Candidate(slot, f.box, f.score, f.quality, True, row, f.embedding) for f, row in zip(faces, rows, strict=True)
    ]


def _bare(face: Face) -> Face:
    return Face(face.box, face.score, face.keypoints, face.quality, face.pose, np.zeros(0, np.float32))


def _scaled(face: TrueFace, scale: float) -> TrueFace:
    x, y, w, h = (value * scale for value in face.box)
    return TrueFace((x, y, w, h), face.kind, face.student_id, face.width_px * scale)


def _pairs(true: Sequence[TrueFace], faces: Sequence[Face]) -> dict[int, int]:
    """Return a mapping of the index of the found face to the index of the true one."""
    labels = np.array([f.box for f in true], np.float64).reshape(-1, 4)
    found = np.array([(f.box.x, f.box.y, f.box.w, f.box.h) for f in faces], np.float64).reshape(-1, 4)
    return {box: label for label, box in match(labels, found).items()}
