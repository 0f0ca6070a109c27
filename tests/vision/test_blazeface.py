from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.vision import blazeface
from tests.vision import pictures


@pytest.mark.parametrize(("side_px", "count"), [(192, 2304), (384, 9216), (576, 20736), (128, 896)])
def test_anchors_lie_evenly_inside_the_input(side_px, count):
    centres = blazeface.anchors(side_px, count)

    assert centres.shape == (count, 2)
    assert centres.min() > 0
    assert centres.max() < side_px
    assert np.allclose(centres.mean(0), side_px / 2)


def test_the_first_anchors_are_those_of_the_model_card():
    full, short = blazeface.anchors(192, 2304), blazeface.anchors(128, 896)

    assert full[:2].tolist() == [[2, 2], [6, 2]]
    assert short[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert short[512].tolist() == [8, 8]


def test_a_network_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="77 anchors"):
        blazeface.anchors(192, 77)


def test_decoding_puts_box_and_points_around_the_anchor():
    regressors, logits = np.zeros((2304, 16), np.float32), np.full(2304, -9.0, np.float32)
    regressors[50, :6] = [3, 4, 20, 20, -5, 1]
    logits[50] = 2.0
    centres = blazeface.anchors(192, 2304)

    found = blazeface.decode(regressors, logits, centres, 0.5)

    x, y = centres[50]
    assert len(found) == 1
    assert found.boxes[0].tolist() == [x - 7, y - 6, x + 13, y + 14]
    assert found.points[0, 0].tolist() == [x - 5, y + 1]
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-2)))


def test_extreme_logits_are_no_overflow():
    logits = np.array([-1e30, 1e30], np.float32)
    centres = np.zeros((2, 2), np.float32)

    with np.errstate(all="raise"):
        found = blazeface.decode(np.zeros((2, 16), np.float32), logits, centres, 0.3)

    assert found.scores.tolist() == [1.0]


def test_overlapping_boxes_become_their_weighted_mean():
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], np.float32)
    scores = np.array([0.75, 0.25, 0.5], np.float32)
    raw = blazeface.Detections(boxes, np.zeros((3, 6, 2), np.float32), scores, np.ones(3, np.float32))

    found = blazeface.merged(raw)

    assert found.boxes.tolist() == [[0.5, 0, 10.5, 10], [50, 50, 60, 60]]
    assert found.scores.tolist() == [0.75, 0.5]
    assert found.votes.tolist() == [2, 1]


def test_no_detection_stays_none():
    assert len(blazeface.merged(blazeface.nothing())) == 0
    assert len(blazeface.join([])) == 0


@pytest.mark.parametrize("role", ["detector_sweep", "detector_look", "detector_portrait"])
def test_each_network_finds_a_face_and_its_points(model_set, role):
    network = blazeface.BlazeFace(model_set.card(role))
    tile = np.zeros((network.side_px, network.side_px, 3), np.uint8)
    side = 96 if role != "detector_portrait" else 120
    tile = pictures.hang(tile, pictures.portrait(), 4, 4, side)

    found = network(tile, 0.5)

    assert len(found) == 1
    right_eye, left_eye, nose, mouth, right_ear, left_ear = found.points[0]
    assert right_ear[0] < right_eye[0] < nose[0] < left_eye[0] < left_ear[0]
    assert right_eye[1] < nose[1] < mouth[1]


def test_the_network_gets_red_first(model_set, monkeypatch):
    """Swapped channels hardly show in accuracy, so what reaches the network is looked at."""
    network = blazeface.BlazeFace(model_set.card("detector_look"))
    seen = []
    monkeypatch.setattr(network, "_model", lambda encoded: seen.append(encoded) or _silence(network))
    blue = np.zeros((192, 192, 3), np.uint8)
    blue[..., 0] = 255

    network(blue, 0.5)

    red_of_input, blue_of_input = seen[0][0, 0, 0, 0], seen[0][0, 0, 0, 2]
    assert blue_of_input > red_of_input


def _silence(network):
    count = len(blazeface.anchors(192, 2304))
    return [np.zeros((1, count, 16), np.float32), np.full((1, count, 1), -9, np.float32)]
