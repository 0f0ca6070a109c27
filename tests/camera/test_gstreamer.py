"""Which pipeline is opened. test_contract.py checks the pictures, and tests/slow/camera_vm.sh a real pipeline."""

from __future__ import annotations

import re

import cv2
import pytest

from edge_daemon.camera import opencv
from edge_daemon.camera.gstreamer import gstreamer_camera
from edge_daemon.errors import CameraError
from tests.camera import fake_opencv


@pytest.fixture
def opened(monkeypatch):
    scene = fake_opencv.Scene()
    fake_opencv.install(monkeypatch, scene, cv2.CAP_GSTREAMER, buffers=1, refills_at_once=True)
    monkeypatch.setattr(opencv, "WARM_UP_S", 0.0)
    real, opened = cv2.VideoCapture, []
    monkeypatch.setattr(cv2, "VideoCapture", lambda source, api: opened.append(source) or real(source, api))
    return opened


@pytest.mark.parametrize(("source", "sensor"), [("", "0"), ("0", "0"), ("1", "1")])
def test_a_number_is_a_csi_sensor(opened, source, sensor):
    with gstreamer_camera(source) as camera:
        camera.capture(0)
    assert f"nvarguscamerasrc sensor-id={sensor} " in opened[0]
    assert opened[0].endswith("format=BGR ! appsink max-buffers=1 drop=true sync=false")


def test_the_exposure_is_at_most_a_sixtieth_of_a_second(opened):
    with gstreamer_camera(""):
        longest_ns = int(re.search(r'exposuretimerange="\d+ (\d+)"', opened[0]).group(1))
    assert longest_ns <= 1e9 / 60


def test_a_whole_pipeline_is_taken_as_it_is(opened):
    pipeline = "videotestsrc ! video/x-raw,format=BGR ! appsink"
    with gstreamer_camera(pipeline) as camera:
        camera.capture(0)
    assert opened == [pipeline]


def test_an_opencv_without_gstreamer_says_what_to_do(monkeypatch):
    monkeypatch.setattr(cv2.videoio_registry, "getBackends", lambda: [cv2.CAP_FFMPEG, cv2.CAP_V4L2])
    with pytest.raises(CameraError) as refused, gstreamer_camera(""):
        pass
    assert "built without GStreamer; use JetPack's" in refused.value.line()
    assert "\n" not in refused.value.line()


def test_a_pipeline_that_does_not_start_is_refused(monkeypatch):
    scene = fake_opencv.Scene()
    scene.attached = False
    fake_opencv.install(monkeypatch, scene, cv2.CAP_GSTREAMER, buffers=1)
    with pytest.raises(CameraError, match="CSI sensor 1: the camera can't be opened"), gstreamer_camera("1"):
        pass
