"""Made-up folders of the form that the benchmarks measure on, from the demo's portraits (public domain)."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np

from benchmarks import covers
from tests.vision import pictures

COLLINS, OBAMA, HOPPER, BIDEN = pictures.NAMES
OBAMA_LATER, OBAMA_AGAIN = "enrolment/S2/obama-2012", "room/obama-2010"
FACES = {COLLINS: (160, 50, 100, 122), BIDEN: (155, 80, 158, 220)}
"""x, y, w, h of the face in some of the photographs."""


def table(path: Path, heading: str, *rows: tuple[object, ...]) -> Path:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([heading.split(","), *rows])
    return path


def lfw(folder: Path) -> Path:
    """Three genuine pairs, one of which shows no face, and three of two people, in two folds."""
    images = folder / "images"
    images.mkdir(parents=True)
    for name in (COLLINS, OBAMA_AGAIN, OBAMA_LATER, HOPPER, BIDEN):
        shutil.copy(pictures.DEMO / f"{name}.jpg", images / f"{Path(name).name}.jpg")
    cv2.imwrite(str(images / "wall.jpg"), pictures.wall(224, 224))
    c, o1, o2, h, b = (f"{Path(n).name}.jpg" for n in (COLLINS, OBAMA_AGAIN, OBAMA_LATER, HOPPER, BIDEN))
    pairs = [(1, 1, o1, o2), (1, 0, o1, b), (2, 1, o2, o1), (2, 0, c, h), (1, 0, b, h), (2, 1, c, "wall.jpg")]
    table(folder / "pairs.csv", "fold,same,file1,file2", *pairs)
    return folder


def wider(folder: Path) -> Path:
    """Write a folder with two small portraits in a room, and one that the labels mark as ignored."""
    (folder / "images").mkdir(parents=True)
    scene = pictures.wall(640, 480)
    rows = []
    for name, x, width, invalid in ((COLLINS, 20, 160, 0), (BIDEN, 240, 90, 0), (COLLINS, 440, 160, 1)):
        photograph = pictures.portrait(name)
        scene = pictures.hang(scene, photograph, x, 100, width)
        left, top, w, h = (v * width / photograph.shape[1] for v in FACES[name])
        rows.append(("room.jpg", x + left, 100 + top, w, h, 0, 0, 0, invalid, 0, 0))
    cv2.imwrite(str(folder / "images" / "room.jpg"), scene)
    heading = "file,x,y,w,h,blur,expression,illumination,invalid,occlusion,pose"
    table(folder / "boxes.csv", heading, *rows)
    return folder


def masks(folder: Path) -> Path:
    """One portrait with a painted mask and one without."""
    (folder / "images").mkdir(parents=True)
    scene, rows = pictures.wall(640, 480), []
    six = np.array([(190, 105), (230, 105), (210, 128), (210, 148), (170, 115), (252, 115)], np.float32)
    for name, x, width, label in ((COLLINS, 20, 160, "with_mask"), (BIDEN, 300, 140, "without_mask")):
        photograph = pictures.portrait(name)
        if label == "with_mask":
            photograph = covers.pleated_mask(photograph, six, np.random.default_rng(0))
        scene = pictures.hang(scene, photograph, x, 100, width)
        left, top, w, h = (v * width / photograph.shape[1] for v in FACES[name])
        rows.append(("room.png", label, x + left, 100 + top, x + left + w, 100 + top + h))
    cv2.imwrite(str(folder / "images" / "room.png"), scene)
    table(folder / "boxes.csv", "file,label,xmin,ymin,xmax,ymax", *rows)
    return folder


def lesson(folder: Path, captures: int = 4) -> Path:
    """Collins in every capture, Hopper in none, Biden as a stranger."""
    (folder / "frames").mkdir(parents=True)
    boxes = []
    for number in range(1, captures + 1):
        scene, frame = pictures.wall(800, 480, seed=number), f"{number:04d}"
        for name, who, kind, x, width in (
            (COLLINS, "Eileen", "student", 60, 300),
            (BIDEN, "Joe", "stranger", 480, 200),
        ):
            photograph = pictures.portrait(name)
            x, y = x + 5 * number, 60 + 3 * number
            scene = pictures.hang(scene, photograph, x, y, width)
            left, top, w, h = (round(v * width / photograph.shape[1]) for v in FACES[name])
            boxes.append((frame, who, kind, x + left, y + top, w, h, float(w)))
        noise = np.random.default_rng(number).normal(0, 2, scene.shape)
        cv2.imwrite(str(folder / "frames" / f"{frame}.jpg"), np.clip(scene + noise, 0, 255).astype(np.uint8))
    for student_id, name in (("S001", COLLINS), ("S002", HOPPER)):
        (folder / "photos" / student_id).mkdir(parents=True)
        shutil.copy(pictures.DEMO / f"{name}.jpg", folder / "photos" / student_id / "1.jpg")
    roster = [("S001", "Eileen", "", "", "yes"), ("S002", "Grace", "", "", "yes")]
    table(folder / "roster.csv", "student_id,name,email,guardian_email,consent", *roster)
    truth = [("S001", "Eileen", 0, 62.5, captures, captures, "present", 0, 0)]
    truth.append(("S002", "Grace", 0, 62.5, 0, captures, "absent", 0, 0))
    heading = "student_id,identity,row,face_px,frames_visible,frames,verdict,borderline,at_risk"
    table(folder / "truth.csv", heading, *truth)
    table(folder / "boxes.csv", "frame,who,kind,x,y,w,h,face_px", *boxes)
    return folder
