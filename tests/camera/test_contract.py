"""The contract of every camera: each passes the same tests; only the hardware is a fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.camera import opencv, picamera2, v4l2_nodes
from edge_daemon.camera.base import Camera
from edge_daemon.camera.factory import open_camera
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from tests.camera import fake_opencv, fake_picamera2

BLUE, GREEN, RED = (250, 20, 10), (10, 240, 30), (20, 10, 245)


class Rig:
    """A camera, and what it looks at."""

    def __init__(self, settings: CameraConfig, show: Callable[[np.ndarray], None], unplug: Callable[[], None]) -> None:
        self.settings, self.show, self.unplug = settings, show, unplug

    @contextmanager
    def open(self) -> Iterator[Camera]:
        with open_camera(self.settings) as camera:
            yield camera


def patch(colour: tuple[int, int, int], height: int = 48, width: int = 100) -> np.ndarray:
    """A grey picture with a patch of one colour, (B, G, R), in its upper left quarter; rows are no whole words."""
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[: height // 2, : width // 2] = colour
    return picture


def files(tmp_path: Path, monkeypatch) -> Rig:
    path = tmp_path / "1.png"
    path.write_bytes(cv2.imencode(".png", patch(GREEN))[1].tobytes())
    return Rig(
        CameraConfig("files", str(tmp_path)),
        lambda picture: path.write_bytes(cv2.imencode(".png", picture)[1].tobytes()),
        path.unlink,
    )


def v4l2(tmp_path: Path, monkeypatch) -> Rig:
    monkeypatch.setattr(opencv, "WARM_UP_S", 0.0)
    scene = fake_opencv.Scene()
    fake_opencv.install(monkeypatch, scene, cv2.CAP_V4L2, buffers=4)
    node = v4l2_nodes.Node("/dev/video0", "HD Webcam", "usb-1.2")
    monkeypatch.setattr(v4l2_nodes, "list_nodes", lambda: [node] if scene.attached else [])
    return Rig(
        CameraConfig("v4l2", ""), lambda p: setattr(scene, "picture", p), lambda: setattr(scene, "attached", False)
    )


def gstreamer(tmp_path: Path, monkeypatch) -> Rig:
    monkeypatch.setattr(opencv, "WARM_UP_S", 0.0)
    scene = fake_opencv.Scene()
    fake_opencv.install(monkeypatch, scene, cv2.CAP_GSTREAMER, buffers=1, refills_at_once=True)
    settings = CameraConfig("gstreamer", "0")
    return Rig(settings, lambda p: setattr(scene, "picture", p), lambda: setattr(scene, "attached", False))


def raspberry(tmp_path: Path, monkeypatch) -> Rig:
    world = fake_picamera2.World()
    fake_picamera2.install(monkeypatch, world)
    monkeypatch.setattr(picamera2, "WARM_UP_S", 0.0)
    settings = CameraConfig("picamera2", lens_position=0.25)
    return Rig(settings, lambda p: setattr(world, "picture", p), lambda: setattr(world, "attached", False))


@pytest.fixture(params=[files, v4l2, gstreamer, raspberry], ids=lambda make: make.__name__)
def rig(request, tmp_path, monkeypatch) -> Rig:
    rig = request.param(tmp_path, monkeypatch)
    rig.show(patch(GREEN))
    return rig


@pytest.mark.parametrize("colour", [BLUE, GREEN, RED], ids=["blue", "green", "red"])
def test_a_patch_of_one_colour_has_that_colour_in_blue_green_red(rig, colour):
    rig.show(patch(colour))
    with rig.open() as camera:
        picture = camera.capture(0).picture
    assert tuple(picture[5, 5]) == colour
    assert tuple(picture[40, 90]) == (90, 90, 90)


def test_a_picture_is_whole_and_as_large_as_the_sensor(rig):
    with rig.open() as camera:
        picture = camera.capture(0).picture
    assert (picture.shape, picture.dtype) == ((48, 100, 3), np.uint8)
    assert np.array_equal(picture, patch(GREEN))


def test_a_picture_is_newer_than_the_request(rig):
    with rig.open() as camera:
        camera.prepare()
        camera.capture(0)
        for slot, colour in enumerate((BLUE, RED, GREEN, BLUE), 1):
            camera.prepare()
            rig.show(patch(colour))
            assert tuple(camera.capture(slot).picture[5, 5]) == colour


def test_a_picture_stays_as_it_is_when_the_next_is_taken(rig):
    with rig.open() as camera:
        first = camera.capture(0).picture
        rig.show(patch(RED))
        second = camera.capture(1).picture
        assert tuple(first[5, 5]) == GREEN
        second[:] = 0  # and its owner may write into it
        assert tuple(first[5, 5]) == GREEN


def test_a_frame_has_its_slot_and_its_time(rig):
    with rig.open() as camera:
        before = datetime.now(timezone.utc)
        frame = camera.capture(17)
        assert frame.slot == 17
        assert before <= frame.taken_at <= datetime.now(timezone.utc)


def test_prepare_may_be_left_out_or_come_twice(rig):
    with rig.open() as camera:
        camera.capture(0)
        camera.prepare()
        camera.prepare()
        camera.capture(1)
        camera.capture(2)


def test_a_camera_can_be_opened_again(rig):
    for _ in range(3):
        with rig.open() as camera:
            camera.capture(0)


def test_a_cable_that_is_pulled_out_is_a_missed_capture(rig):
    with rig.open() as camera:
        camera.capture(0)
        rig.unplug()
        with pytest.raises(CameraError) as missed:
            camera.capture(1)
    assert "\n" not in missed.value.line()


def test_a_camera_that_is_not_there_is_refused_in_one_line(rig):
    rig.unplug()
    with pytest.raises(CameraError) as refused, rig.open() as camera:
        camera.capture(0)
    assert "\n" not in refused.value.line()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (CameraConfig("files", ""), "camera.source is empty"),
        (CameraConfig("picamera2", "/dev/video0"), 'set camera.kind to "v4l2"'),
        (CameraConfig("picamera2", "videotestsrc ! appsink"), 'set camera.kind to "gstreamer"'),
        (CameraConfig("v4l2", "v4l2src ! appsink"), 'set camera.kind to "gstreamer"'),
        (CameraConfig("gstreamer", "/dev/video0"), "neither a number nor a pipeline"),
        (CameraConfig("gstreamer", "videotestsrc ! fakesink"), "neither a number nor a pipeline"),
    ],
    ids=lambda value: f"{value.kind} {value.source}" if isinstance(value, CameraConfig) else "",
)
def test_a_source_of_another_kind_is_refused_with_what_to_do(settings, says):
    with pytest.raises(CameraError) as refused:
        open_camera(settings)
    assert says in refused.value.line()
    assert "\n" not in refused.value.line()
