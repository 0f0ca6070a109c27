"""Which device is opened and how. That pictures are right: test_contract.py; a real driver: tests/slow/camera_vm.sh."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.camera import opencv, v4l2_nodes
from edge_daemon.camera.v4l2 import v4l2_camera
from edge_daemon.camera.v4l2_nodes import Node, find_node
from edge_daemon.errors import CameraError
from tests.camera import fake_opencv
from tests.camera.fake_time import FakeTime

FRONT = Node("/dev/video0", "HD Webcam C525", "usb-0000:01:00.0-1.1")
BACK = Node("/dev/video2", "HD Webcam C525", "usb-0000:01:00.0-1.2")
OTHER = Node("/dev/video4", "Brio 100", "usb-0000:01:00.0-1.3")


@pytest.fixture
def scene(monkeypatch):
    scene = fake_opencv.Scene()
    fake_opencv.install(monkeypatch, scene, cv2.CAP_V4L2, buffers=4)
    monkeypatch.setattr(v4l2_nodes, "list_nodes", lambda: [FRONT])
    monkeypatch.setattr(opencv, "WARM_UP_S", 0.0)
    return scene


def test_an_empty_source_is_the_first_camera():
    assert find_node("", [FRONT, BACK]) == "/dev/video0"


def test_a_camera_is_found_by_its_name():
    assert find_node("Brio 100", [FRONT, BACK, OTHER]) == "/dev/video4"


def test_two_cameras_of_one_name_are_refused_with_the_places_of_both():
    with pytest.raises(CameraError) as refused:
        find_node("HD Webcam C525", [FRONT, BACK, OTHER])
    line = refused.value.line()
    assert "2 cameras have the name HD Webcam C525" in line
    assert "/dev/video0 (HD Webcam C525, usb-0000:01:00.0-1.1)" in line
    assert "usb-0000:01:00.0-1.2" in line
    assert "by-path" in line


def test_no_camera_at_all_and_no_camera_of_the_name_have_different_errors():
    with pytest.raises(CameraError, match="there is no camera; is its cable in"):
        find_node("", [])
    with pytest.raises(CameraError, match="no camera with the name Brio 100; attached: /dev/video0"):
        find_node("Brio 100", [FRONT])


@pytest.mark.parametrize("source", ["99", "/dev/video99", "/dev/v4l/by-id/usb-Nobody-video-index0"])
def test_a_device_that_does_not_exist_is_refused(source):
    with pytest.raises(CameraError, match="there is no such camera; attached:"):
        find_node(source)


def test_a_file_and_another_device_are_no_cameras(tmp_path):
    (tmp_path / "picture.jpg").write_bytes(b"")
    for path in (tmp_path, tmp_path / "picture.jpg", Path("/dev/null")):
        with pytest.raises(CameraError, match="is not a video device"):
            find_node(str(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a device node")
def test_a_node_that_gives_no_pictures_is_refused(tmp_path):
    path = tmp_path / "video0"
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(81, 250))
    except PermissionError:
        pytest.skip("may not make device nodes")
    with pytest.raises(CameraError, match="no camera for v4l2"):
        find_node(str(path))


def test_the_largest_picture_is_asked_for_as_jpeg(scene):
    with v4l2_camera("") as camera:
        camera.capture(0)
    asked = list(scene.properties)
    assert asked.index(cv2.CAP_PROP_FOURCC) < asked.index(cv2.CAP_PROP_FRAME_WIDTH), "sizes are those of a format"
    assert scene.properties[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert scene.properties[cv2.CAP_PROP_FRAME_WIDTH] > 10_000 < scene.properties[cv2.CAP_PROP_FRAME_HEIGHT]


def test_a_camera_without_jpeg_keeps_its_format(scene):
    scene.refused_properties.add(cv2.CAP_PROP_FOURCC)
    with v4l2_camera("") as camera:
        assert camera.capture(0).picture.shape == (48, 64, 3)


def test_a_grey_sensor_gives_three_channels(scene):
    scene.picture = np.full((48, 64), 77, np.uint8)
    with v4l2_camera("") as camera:
        picture = camera.capture(0).picture
    assert picture.shape == (48, 64, 3)
    assert set(np.unique(picture)) == {77}


def test_a_jpeg_that_is_damaged_on_the_way_is_a_missed_capture(scene):
    with v4l2_camera("") as camera:
        scene.spoilt = True
        with pytest.raises(CameraError, match="can't be decoded"):
            camera.capture(0)
        scene.spoilt = False
        camera.capture(1)


def test_a_camera_in_use_is_refused(scene):
    with v4l2_camera("") as _, pytest.raises(CameraError, match="in use by another program"), v4l2_camera(""):
        pass


def test_a_camera_that_is_plugged_in_again_is_found_under_its_new_number(scene, monkeypatch):
    opened = []
    real = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda path, api: opened.append(path) or real(path, api))
    with v4l2_camera("HD Webcam C525") as camera:
        camera.capture(0)
        monkeypatch.setattr(v4l2_nodes, "list_nodes", lambda: [BACK])
        camera.capture(1)
    assert opened == ["/dev/video0", "/dev/video2"]


def test_the_device_is_free_between_captures_and_holds_few_buffers(scene):
    with v4l2_camera("") as camera:
        assert scene.opened_by is not None
        camera.capture(0)
        assert scene.opened_by is None
        camera.prepare()
        assert scene.opened_by is not None
        scene.spoilt = True
        with pytest.raises(CameraError):
            camera.capture(1)
        assert scene.opened_by is None
    assert scene.properties[cv2.CAP_PROP_BUFFERSIZE] == 2


def test_a_picture_waits_for_the_warm_up_and_for_no_more(scene, monkeypatch):
    clock = FakeTime()
    monkeypatch.setattr(opencv, "WARM_UP_S", 0.5)
    monkeypatch.setattr(opencv, "time", clock)
    with v4l2_camera("") as camera:
        camera.capture(0)
        for slot, prepared_s in ((1, 0.125), (2, 0.5), (3, 9.0)):
            camera.prepare()
            clock.now_s += prepared_s
            camera.capture(slot)
    assert clock.slept_s == [0.5, 0.375, 0.0, 0.0]
