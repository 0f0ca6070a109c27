"""The guide of a photo day: which pictures are wanted, and which are good enough."""

from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.errors import PhotographError
from edge_daemon.gallery.guided_capture import CaptureJudge, WantedPicture, mean_vector, wanted_pictures
from edge_daemon.types import Pose
from tests.gallery.fakes import make_face, picture

STRAIGHT, LEFT, RIGHT = wanted_pictures(glasses=False)


class Reader:
    """Finds one face that is turned as far as asked, of the person whom the picture names."""

    def __init__(self) -> None:
        self.yaw_deg: float | None = 0.0

    def faces(self, picture):
        pose = None if self.yaw_deg is None else Pose(self.yaw_deg, 0.0, 0.0)
        return [make_face(pose=pose)]

    def templates(self, picture, face):
        vector = np.eye(192, dtype=np.float32)[int(picture[0, 0, 0])]
        return vector[None], np.array([80.0], np.float32)

    def covered_templates(self, picture, face):
        return []


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def judge(reader) -> CaptureJudge:
    return CaptureJudge("S1", reader, {"S2": np.eye(192, dtype=np.float32)[2]})


def refused(judge, reader, wanted, yaw_deg, person=1) -> str:
    reader.yaw_deg = yaw_deg
    with pytest.raises(PhotographError) as caught:
        judge.judge(picture(person), wanted)
    return caught.value.line()


def accepted(judge, reader, wanted, yaw_deg, person=1) -> None:
    reader.yaw_deg = yaw_deg
    judge.judge(picture(person), wanted)


def test_the_guide_asks_for_three_pictures_and_with_glasses_for_a_fourth():
    assert [one.instruction for one in wanted_pictures(glasses=False)] == [
        "look straight into the camera",
        "turn the head a little to the left",
        "turn the head a little to the right",
    ]
    assert [one.glasses for one in wanted_pictures(glasses=True)] == [True, True, True, False]
    assert WantedPicture("straight", glasses=False).instruction.endswith(", without glasses")


@pytest.mark.parametrize(
    ("wanted", "yaw_deg", "words"),
    [
        (STRAIGHT, 14.0, "look straight into the camera"),
        (STRAIGHT, -14.0, "look straight into the camera"),
        (LEFT, 5.0, "turn it a little more"),
        (LEFT, -47.0, "turn it a little less"),
        (LEFT, None, "can't be seen"),
        (RIGHT, 3.0, "turn it a little more"),
    ],
)
def test_another_direction_than_the_wanted_one_is_refused(judge, reader, wanted, yaw_deg, words):
    assert words in refused(judge, reader, wanted, yaw_deg)
    assert judge.accepted == []


@pytest.mark.parametrize("side", [-1, 1])
def test_the_second_side_is_the_other_one_whichever_the_camera_calls_left(judge, reader, side):
    accepted(judge, reader, STRAIGHT, 2.0)
    accepted(judge, reader, LEFT, side * 25.0)
    assert "same side" in refused(judge, reader, RIGHT, side * 25.0)
    accepted(judge, reader, RIGHT, side * -25.0)
    assert [one.yaw_deg for one in judge.accepted] == [2.0, side * 25.0, side * -25.0]


def test_another_person_is_refused_whether_enrolled_or_not(judge, reader):
    assert "resembles student S2, who is already enrolled" in refused(judge, reader, STRAIGHT, 0.0, person=2)
    accepted(judge, reader, STRAIGHT, 0.0)
    assert "a different person than the earlier pictures" in refused(judge, reader, LEFT, 20.0, person=3)


def test_a_mean_has_length_one():
    vector = mean_vector([np.eye(192, dtype=np.float32)[n] for n in (0, 1)])
    assert np.isclose(np.linalg.norm(vector), 1)
