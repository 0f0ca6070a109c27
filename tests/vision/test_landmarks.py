from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_daemon.vision import align
from edge_daemon.vision.face_reader import Hit, blazeface_square
from edge_daemon.vision.landmarks import Mesh
from tests.vision import pictures


@pytest.fixture(scope="module")
def mesh_of(portraits, reader):
    def fit(picture):
        face = portraits.faces(picture)[0]
        return reader.mesh(picture, Hit(blazeface_square(face.box), face.keypoints, 1, 1, 1))

    return fit


def _turned(picture, degrees: float):
    """Turn a picture clockwise."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("name", pictures.NAMES)
def test_a_mirrored_head_turns_the_other_way(mesh_of, name):
    picture = pictures.portrait(name)

    pose, mirrored = mesh_of(picture).pose(), mesh_of(picture[:, ::-1].copy()).pose()

    assert mirrored.yaw_deg == pytest.approx(-pose.yaw_deg, abs=6)
    assert mirrored.roll_deg == pytest.approx(-pose.roll_deg, abs=4)
    assert mirrored.pitch_deg == pytest.approx(pose.pitch_deg, abs=5)


@pytest.mark.parametrize("degrees", [-25, 15])
def test_roll_is_clockwise_and_in_degrees(mesh_of, degrees):
    picture = pictures.portrait(pictures.NAMES[3])

    straight, turned = mesh_of(picture).pose(), mesh_of(_turned(picture, degrees)).pose()

    assert turned.roll_deg - straight.roll_deg == pytest.approx(degrees, abs=4)


def test_official_portraits_look_at_the_camera(mesh_of):
    for name in pictures.NAMES:
        mesh = mesh_of(pictures.portrait(name))
        assert mesh.presence > 0.95
        assert abs(mesh.pose().yaw_deg) < 35
        assert abs(mesh.pose().pitch_deg) < 20


@pytest.mark.parametrize("degrees", [-20, 20])
def test_yaw_and_pitch_follow_a_turn_of_the_points(mesh_of, degrees):
    mesh = mesh_of(pictures.portrait())
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    to_the_right = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    upwards = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])

    straight, turned = mesh.pose(), Mesh((mesh.points @ to_the_right.T).astype(np.float32), 1.0).pose()
    lifted = Mesh((mesh.points @ upwards.T).astype(np.float32), 1.0).pose()

    assert turned.yaw_deg - straight.yaw_deg == pytest.approx(degrees, abs=3)
    assert lifted.pitch_deg - straight.pitch_deg == pytest.approx(degrees, abs=3)


def test_yaw_points_to_where_the_nose_is(mesh_of):
    for name in pictures.NAMES:
        mesh = mesh_of(pictures.portrait(name))
        right_eye, left_eye, nose, *mouth = mesh.five_points()
        offset = (nose - (right_eye + left_eye + mouth[0] + mouth[1]) / 4)[0] / np.linalg.norm(left_eye - right_eye)
        if abs(mesh.pose().yaw_deg) > 6:
            assert np.sign(offset) == np.sign(mesh.pose().yaw_deg)


def test_a_wall_is_no_face(reader):
    box = np.array([50, 50, 150, 150], np.float32)
    points = np.array([[80, 80], [120, 80], [100, 100], [100, 120], [60, 90], [140, 90]], np.float32)

    assert reader.mesh(pictures.wall(200, 200), Hit(box, points, 1, 1, 1)).presence < 0.1


@pytest.mark.parametrize("name", pictures.NAMES)
def test_the_alignment_puts_eyes_nose_and_mouth_near_where_the_embedder_learned_them(mesh_of, name):
    mesh = mesh_of(pictures.portrait(name))
    matrix = mesh.alignment()

    placed = mesh.five_points() @ matrix[:, :2].T + matrix[:, 2]

    assert np.abs(placed - align.FIVE_POINTS).max() < 7
