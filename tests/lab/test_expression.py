"""Faces, tracks and output files: every output contains the notice with the law."""

from __future__ import annotations

import csv
import json
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from benchmarks.expression import shown
from edge_daemon import __main__
from edge_daemon.errors import LabError
from edge_daemon.lab import expression_output, expression_plots
from edge_daemon.lab.expression_augmentation import varied
from edge_daemon.lab.expression_classes import CLASSES, HEADS
from edge_daemon.lab.expression_faces import ExpressionFace, ExpressionReader, Tracker, over_tracks, read_input, word
from edge_daemon.lab.expression_figures import figures, lines
from edge_daemon.lab.expression_model import ExpressionModel, as_grey, readings
from edge_daemon.lab.expression_training import class_weights
from edge_daemon.lab.fer_pictures import LabelledPictures
from edge_daemon.lab.law import NOTICE
from edge_daemon.types import Box
from edge_daemon.vision.models import default_models_dir
from tests.vision import pictures


def by_brightness(grey):
    """A network in two lines: the brighter the face, the later the label, with all heads alike."""
    best = min(int(grey.mean() / 256 * len(CLASSES)), len(CLASSES) - 1)
    return np.tile(np.eye(len(CLASSES), dtype=np.float32)[best], (len(HEADS), 1))


@pytest.fixture(scope="module")
def reader() -> ExpressionReader:
    return ExpressionReader(by_brightness)


def quiet(_done: int, _total: int) -> None:
    return


def test_a_small_picture_is_a_face_that_was_cut_out_already(reader):
    ((box, probabilities),) = reader.read(np.full((48, 48, 3), 250, np.uint8))
    assert (box, word(probabilities)) == (Box(0, 0, 48, 48), ("neutral", 1.0))
    assert word(reader.read(np.zeros((48, 48, 3), np.uint8))[0][1])[0] == "angry"


def test_in_a_larger_picture_faces_are_found(reader, tmp_path):
    cv2.imwrite(str(tmp_path / "room.png"), pictures.hang(pictures.wall(480, 360), pictures.portrait(), 60, 20, 240))
    (one,) = read_input(tmp_path / "room.png", reader, 100, quiet)
    (face,) = one.faces
    assert (face.picture, face.track) == ("room.png", 0)
    assert 60 < face.box.x < 300


def test_of_a_video_frames_are_averaged_over_each_track(reader, tmp_path):
    video = cv2.VideoWriter(str(tmp_path / "v.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
    for level in (10, 10, 250, 250):
        video.write(np.full((64, 64, 3), level, np.uint8))
    video.release()
    faces = [face for one in read_input(tmp_path / "v.avi", reader, 100, quiet) for face in one.faces]
    assert [face.track for face in faces] == [1] * 4
    (mean,) = over_tracks(faces).values()
    assert mean[0][CLASSES.index("angry")] == pytest.approx(0.5)
    assert mean[0][CLASSES.index("neutral")] == pytest.approx(0.5)


def test_a_tracker_follows_by_place_and_forgets():
    tracker, left, right = Tracker(), Box(0, 0, 50, 60), Box(200, 0, 50, 60)
    assert tracker.numbers([left, right]) == [1, 2]
    assert tracker.numbers([Box(205, 3, 50, 60), Box(4, 2, 50, 60)]) == [2, 1]
    for _ in range(6):
        assert tracker.numbers([]) == []
    assert tracker.numbers([left]) == [3]


def some_face(track: int = 0) -> ExpressionFace:
    return ExpressionFace("a.png", Box(1, 2, 30, 40), track, by_brightness(np.full((48, 48), 130)))


def test_every_table_and_the_json_say_what_they_are():
    faces = [some_face(1), some_face(1)]
    tracks = over_tracks(faces)
    for table in (expression_output.faces_table(faces), expression_output.tracks_table(tracks)):
        rows = list(csv.DictReader(table.decode("utf-8-sig").splitlines()))
        assert rows
        assert {row["notice"] for row in rows} == {NOTICE}
        assert {f"{head}_{label}" for head in HEADS for label in CLASSES} <= rows[0].keys()
    content = json.loads(json.dumps(expression_output.to_json(1, faces, tracks)))
    assert content["notice"] == NOTICE
    assert "Art. 5(1)(f)" in NOTICE
    assert content["faces"][0]["label"] == content["tracks"][0]["label"] == "happy"


def test_a_picture_gets_the_notice_beneath_it(reader, tmp_path):
    cv2.imwrite(str(tmp_path / "face.png"), np.full((48, 48, 3), 250, np.uint8))
    (one,) = read_input(tmp_path / "face.png", reader, 100, quiet)
    drawn = expression_output.annotated(one)
    height = drawn.shape[1]  # the face is square; the rest is the notice
    assert drawn.shape[0] > height
    panel = drawn[height:].reshape(-1, 3)
    assert (np.abs(panel.astype(int) - (40, 40, 200)).sum(1) < 60).sum() > 100


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.tflite", None, "there is no such model"),
        ("bad.tflite", b"no model", "can't be loaded as a model"),
        ("mask.tflite", "mask", "is not an expression model"),
    ],
)
def test_another_file_is_no_model(tmp_path, name, content, words):
    path = tmp_path / name
    if content == "mask":
        content = (default_models_dir() / "mask_int8.tflite").read_bytes()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LabError) as refused:
        ExpressionModel(path)
    assert words in refused.value.line()
    assert "edge-daemon lab train expression" in refused.value.line()


@pytest.mark.parametrize(
    ("make", "words"),
    [(lambda path: None, "no such folder or video"), (lambda path: path.mkdir(), "has no pictures")],
)
def test_input_that_is_none_is_one_line(tmp_path, reader, make, words):
    make(tmp_path / "in")
    with pytest.raises(LabError) as refused:
        list(read_input(tmp_path / "in", reader, 100, quiet))
    assert words in refused.value.line()


def test_the_command_says_that_training_needs_the_extra_or_the_data(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("EDGE_DAEMON_HOME", raising=False)
    output = str(tmp_path / "m.tflite")
    code = __main__.run(["lab", "train", "expression", "--data", str(tmp_path), "--output", output])
    printed = capsys.readouterr().err.splitlines()
    assert code == 2
    assert printed[0] == NOTICE
    assert "has no PublicTest" in printed[1]
    assert len(printed) == 2


def test_annotated_pictures_do_not_go_among_the_pictures(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("EDGE_DAEMON_HOME", raising=False)
    folder = str(tmp_path)
    assert (
        __main__.run(["lab", "expression", folder, "--model", "m.tflite", "--output", f"{folder}/../{tmp_path.name}"])
        == 2
    )
    assert "is the folder of the pictures; name another" in capsys.readouterr().err


def test_rare_labels_weigh_more_and_the_average_picture_weighs_one():
    labels = np.repeat(np.arange(7), [40, 4, 40, 70, 50, 30, 50])
    weights = class_weights(labels)
    assert weights.argmax() == 1
    assert weights[labels].mean() == pytest.approx(1, abs=1e-5)


def test_variations_are_seeded_and_vary():
    grey = as_grey(pictures.portrait())
    first, again = (varied(grey, np.random.default_rng(3)) for _ in range(2))
    assert (first == again).all()
    assert (first != varied(grey, np.random.default_rng(4))).any()
    assert first.shape == (48, 48)


def test_a_face_is_read_in_place_and_shifted_and_mirrored():
    face = np.arange(48 * 48, dtype=np.int64).reshape(48, 48).astype(np.uint8)
    read = readings(face)
    assert len(read) == 10
    assert (read[0] == face).all()
    assert all((other == one[:, ::-1]).all() for one, other in zip(read[::2], read[1::2], strict=True))
    corners = [(2, 2), (-2, 2), (2, -2), (-2, -2)]  # the rim repeats the outermost pixels
    inner = {one[2:-2, 2:-2].tobytes() for one in read[2::2]}
    assert inner == {np.roll(face, corner, (0, 1))[2:-2, 2:-2].tobytes() for corner in corners}


def test_figures_of_each_class_and_their_table():
    labels = np.array([0, 0, 1, 3])
    found = figures(labels, np.array([0, 1, 1, 3]))
    assert (found.hits, found.accuracy) == (3, 0.75)
    assert found.balanced == pytest.approx((0.5 + 1 + 1) / 3, abs=1e-5)
    assert found.precision["disgust"] == 0.5
    assert found.recall["angry"] == 0.5
    assert found.f1["angry"] == pytest.approx(2 / 3, abs=1e-5)
    assert found.f1["sad"] == 0  # no picture has this label, and none got it
    assert found.confusion[0, :2].tolist() == [1, 1]
    assert [line.split() for line in lines({"cnn": found})][2] == ["angry", "1.00", "0.50", "0.67"]
    assert shown(found)["accuracy"]["hits"] == 3


def test_pictures_about_a_training_show_every_class():
    labels = np.repeat(np.arange(7), [3, 1, 2, 4, 0, 2, 2])
    faces = LabelledPictures(np.random.default_rng(1).integers(0, 256, (14, 48, 48)).astype(np.uint8), labels)
    curve = [[1, 9.0, 5.5, 0.4, 0.3, 0.4, 0.3], [2, 18.0, 5.1, 0.5, 0.3, 0.5, 0.4]]
    heads = {head: figures(labels, np.full(14, 3)) for head in HEADS}
    drawn = {
        "curve": expression_plots.curve_picture(curve),
        "confusion": expression_plots.confusion_picture(heads),
        "distribution": expression_plots.distribution_picture({"Training": faces, "PublicTest": faces}),
    }
    texts = {name: [one.text for one in ElementTree.fromstring(svg).iter() if one.text] for name, svg in drawn.items()}
    assert set(HEADS) | {"1", "2", "0.8"} <= set(texts["curve"])
    assert set(CLASSES) | {"4"} <= set(texts["confusion"])
    assert {"Training 4", "PublicTest 0"} <= set(texts["distribution"])
    sheet = expression_plots.samples_picture(faces)
    assert sheet.shape[0] > 7 * 96  # the notice is beneath the faces
    assert (sheet[:96:2, 90:186:2, 0] == faces.pictures[0]).all()
