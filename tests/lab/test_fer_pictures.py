"""FER2013 in its three formats, duplicates between splits, and one line for each kind of error."""

from __future__ import annotations

import csv
import zipfile

import cv2
import numpy as np
import pytest

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_classes import CLASSES
from edge_daemon.lab.fer_pictures import has_split, read_split

PICTURES = {label: np.full((48, 48), 20 + 30 * k, np.uint8) for k, label in enumerate(CLASSES)}


def png(picture) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def zipped(path, labels=CLASSES):
    with zipfile.ZipFile(path, "w") as archive:
        for label in labels:
            archive.writestr(f"{label}/Training_1.png", png(PICTURES[label]))


def unzipped(folder):
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
        (folder / label / "1.png").write_bytes(png(PICTURES[label]))


def listed(folder, split=None):
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", *(["split"] if split else [])])
        for label in CLASSES:
            (folder / "images" / f"{label}.png").write_bytes(png(PICTURES[label]))
            writer.writerow([f"{label}.png", label, *([split] if split else [])])


@pytest.mark.parametrize("form", ["zip", "folder", "list", "one list"])
def test_every_form_gives_the_same_pictures(tmp_path, form):
    if form == "zip":
        zipped(tmp_path / "Training.zip")
    elif form == "folder":
        unzipped(tmp_path / "Training")
    else:
        listed(tmp_path / "Training" if form == "list" else tmp_path, None if form == "list" else "Training")
    assert has_split(tmp_path, "Training")
    assert not has_split(tmp_path, "PrivateTest")
    found = read_split(tmp_path, "Training")
    assert found.pictures.shape == (7, 48, 48)
    assert {CLASSES[k]: int(p[0, 0]) for k, p in zip(found.labels, found.pictures, strict=True)} == {
        label: int(picture[0, 0]) for label, picture in PICTURES.items()
    }


def test_pictures_that_another_split_has_are_left_out_and_counted(tmp_path):
    zipped(tmp_path / "Training.zip")
    zipped(tmp_path / "PublicTest.zip", ("happy", "sad"))
    left = read_split(tmp_path, "Training").without(read_split(tmp_path, "PublicTest"))
    assert (len(left.labels), left.doubles) == (5, 2)
    assert {CLASSES[k] for k in left.labels} == set(CLASSES) - {"happy", "sad"}


def broken_zip(folder):
    (folder / "Training.zip").write_bytes(b"PK no zip")


def other_label(folder):
    with zipfile.ZipFile(folder / "Training.zip", "w") as archive:
        archive.writestr("bored/1.png", png(PICTURES["sad"]))


def no_picture(folder):
    with zipfile.ZipFile(folder / "Training.zip", "w") as archive:
        archive.writestr("sad/1.png", b"x")


def huge_picture(folder):
    with zipfile.ZipFile(folder / "Training.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sad/1.png", bytes(2 << 20))


def outside(folder):
    listed(folder / "Training")
    text = (folder / "Training" / "labels.csv").read_text().replace("sad.png", "../../secret.png")
    (folder / "Training" / "labels.csv").write_text(text)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder.rmdir(), "there is no such folder; give a folder with Training.zip"),
        (lambda folder: None, "has no Training; give a folder with Training.zip"),
        (broken_zip, "can't be read as a zip file"),
        (other_label, "has the label 'bored'; labels are angry, disgust"),
        (no_picture, "is damaged, or is not a picture"),
        (huge_picture, "is too large for a picture of a face"),
        (outside, "names the file '../../secret.png'"),
        (lambda folder: zipped(folder / "Training.zip", ()), "has no pictures of Training"),
    ],
)
def test_each_invalid_file_is_one_line(tmp_path, make, words):
    make(tmp_path)
    with pytest.raises(LabError) as refused:
        read_split(tmp_path, "Training")
    assert words in refused.value.line()
