"""How the Raspberry Pi's camera is driven; that its pictures are right is in test_contract.py."""

from __future__ import annotations

import logging
import sys

import numpy as np
import pytest

from edge_daemon.camera import picamera2
from edge_daemon.camera.picamera2 import FALLBACK_LENS_DIOPTRES, MAX_EXPOSURE_US, MAX_PIXELS, Picamera2Camera
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from tests.camera import fake_picamera2
from tests.camera.fake_time import FakeTime


@pytest.fixture
def world(monkeypatch):
    world = fake_picamera2.World()
    fake_picamera2.install(monkeypatch, world)
    monkeypatch.setattr(picamera2, "WARM_UP_S", 0.0)
    return world


def camera(source: str = "", lens_position: float = 0.5) -> Picamera2Camera:
    return Picamera2Camera(CameraConfig("picamera2", source, lens_position))


def test_exposure_is_never_longer_than_a_sixtieth_of_a_second_and_stays_automatic(world, caplog):
    with camera() as opened:
        opened.capture(0)
    agc = world.opened[0].find_tuning_algo(world.opened[0].tuning, "rpi.agc")
    normal = agc["channels"][0]["exposure_modes"]["normal"]
    assert max(normal["shutter"]) <= MAX_EXPOSURE_US <= 1e6 / 60
    assert len(normal["shutter"]) == len(normal["gain"])
    steps = [shutter * gain for shutter, gain in zip(normal["shutter"], normal["gain"], strict=True)]
    assert steps == sorted(steps)
    assert world.opened[0].controls["AeEnable"]
    assert not {"ExposureTime", "AnalogueGain", "FrameDurationLimits"} & set(world.opened[0].controls)
    assert not caplog.records


def test_light_is_measured_for_people_and_not_for_the_window(world):
    with camera():
        pass
    controls = world.opened[0].controls
    assert (controls["AeMeteringMode"], controls["AeConstraintMode"]) == (0, 2)  # centre-weighted, shadows


@pytest.mark.parametrize("tuning", [None, {"algorithms": []}], ids=["no file", "another make"])
def test_without_a_tuning_file_the_camera_works_and_says_so(world, caplog, tuning):
    world.tuning = tuning
    with camera() as opened:
        opened.capture(0)
    assert [r.message for r in caplog.records] == [
        "no tuning file: exposure may be longer than 1/60 s",
        "exposure longer than 1/60 s",
    ]


def test_tuning_of_the_older_form_is_limited_too(world):
    world.tuning = {"algorithms": [{"rpi.agc": {"exposure_modes": {}}}]}
    with camera():
        agc = world.opened[0].tuning["algorithms"][0]["rpi.agc"]
        assert max(agc["exposure_modes"]["normal"]["shutter"]) <= MAX_EXPOSURE_US


def test_the_lens_is_locked_where_audit_found_it(world):
    with camera(lens_position=0.62) as opened:
        opened.capture(0)
        assert opened.lens_position == 0.62
    assert world.opened[0].controls["AfMode"] == 0  # manual
    assert world.opened[0].controls["LensPosition"] == 0.62


def test_without_a_position_the_camera_focuses_once_and_locks_what_it_found(world):
    with camera(lens_position=-1.0) as opened:
        for slot in range(3):
            opened.capture(slot)
        assert opened.lens_position == 0.37
    assert world.opened[0].controls["AfMode"] == 0
    assert world.opened[0].controls["LensPosition"] == 0.37
    assert world.starts == world.stops == 4, "once to focus, once a picture"


def test_focus_that_is_not_found_is_set_so_that_a_room_is_sharp(world, caplog):
    world.focus_found = False
    with camera(lens_position=-1.0) as opened:
        opened.capture(0)
        assert opened.lens_position == FALLBACK_LENS_DIOPTRES
    assert [r.levelno for r in caplog.records] == [logging.WARNING]


def test_a_lens_without_a_motor_is_left_alone(world, caplog):
    world.has_motor = False
    with camera(lens_position=-1.0) as opened:
        opened.capture(0)
        assert opened.lens_position is None
    assert not caplog.records
    with camera(lens_position=2.0):
        pass
    assert "no motor" in caplog.text


def test_the_sensor_runs_from_prepare_to_the_picture_only(world):
    with camera() as opened:
        assert world.starts == 0
        opened.prepare()
        assert (world.starts, world.stops) == (1, 0)
        opened.capture(0)
        assert (world.starts, world.stops) == (1, 1)


def test_the_sensor_stops_after_a_picture_that_failed(world):
    with camera() as opened:
        opened.prepare()
        world.attached = False
        with pytest.raises(CameraError, match="timed out"):
            opened.capture(0)
        assert (world.starts, world.stops) == (1, 1)


def test_a_picture_waits_for_the_warm_up_and_for_no_more(world, monkeypatch):
    clock = FakeTime()
    monkeypatch.setattr(picamera2, "WARM_UP_S", 0.5)
    monkeypatch.setattr(picamera2, "time", clock)
    with camera() as opened:
        opened.capture(0)
        for slot, prepared_s in ((1, 0.125), (2, 0.5), (3, 9.0)):
            opened.prepare()
            clock.now_s += prepared_s
            opened.capture(slot)
    assert clock.slept_s == [0.5, 0.375, 0.0, 0.0]


def test_the_whole_sensor_is_read_and_a_huge_one_is_halved(world):
    with camera() as opened:
        assert opened.capture(0).picture.shape == (48, 64, 3)
    world.picture = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (6944, 9152, 3), (0, 0, 0))
    with camera():
        width, height = world.opened[1].config["main"]["size"]
    assert (width, height) == (4576, 3472)
    assert width * height <= MAX_PIXELS


def test_few_buffers_are_held(world):
    with camera():
        config = world.opened[0].config
    assert config["buffer_count"] <= 2
    assert config["raw"] is None


@pytest.mark.parametrize("source", ["1", "imx477", "/base/soc/i2c0mux/i2c@0/imx477@1a"])
def test_one_of_two_cameras_is_named_by_number_model_or_id(world, source):
    world.cameras.append({"Num": 1, "Model": "imx477", "Id": "/base/soc/i2c0mux/i2c@0/imx477@1a"})
    world.tuning = None
    assert picamera2._choose(source, world.cameras) == (1, "imx477")
    with camera(source) as opened:
        opened.capture(0)


def test_a_model_that_two_cameras_have_is_refused_with_both_named(world):
    world.cameras.append({"Num": 1, "Model": "imx708", "Id": "/base/soc/i2c0mux/i2c@0/imx708@1a"})
    with pytest.raises(CameraError) as refused, camera("imx708"):
        pass
    assert "2 cameras fit imx708" in refused.value.line()
    assert "i2c@0" in refused.value.line()
    assert "i2c@1" in refused.value.line()


def test_a_camera_that_is_not_attached_is_refused_with_those_that_are(world):
    with pytest.raises(CameraError, match=r"no camera 3; attached: 0 \(imx708"), camera("3"):
        pass
    world.attached = False
    with pytest.raises(CameraError, match="there is no camera; is its cable in"), camera():
        pass


def test_a_camera_in_use_is_refused(world):
    with camera() as _, pytest.raises(CameraError, match="another program"), camera():
        pass


def test_a_camera_that_cannot_be_set_up_is_given_back(world, monkeypatch):
    def refuse(self: object, config: object) -> None:
        raise RuntimeError("no memory for buffers")

    monkeypatch.setattr(fake_picamera2.FakePicamera2, "configure", refuse)
    with pytest.raises(CameraError, match="no memory for buffers"), camera():
        pass
    assert not world.in_use


def test_without_picamera2_the_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "libcamera", None)
    with pytest.raises(CameraError, match="apt install python3-picamera2"), camera():
        pass


@pytest.mark.parametrize(
    "error",
    [
        ValueError("numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88"),
        ImportError("numpy.core.multiarray failed to import"),
        AttributeError("_ARRAY_API not found"),
    ],
)
def test_a_picamera2_that_was_built_for_another_numpy_names_it(monkeypatch, error):
    class Refusing:
        def find_spec(self, name, path=None, target=None):
            if name == "picamera2":
                raise error

    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    monkeypatch.setitem(sys.modules, "libcamera", type(sys)("libcamera"))
    sys.modules["libcamera"].controls = object()
    with pytest.raises(CameraError) as refused, camera():
        pass
    assert f"NumPy {np.__version__} does not fit the system's picamera2" in refused.value.what
    assert "python3-numpy" in refused.value.hint
    assert "apt install python3-picamera2" not in refused.value.line()


def test_buffers_that_find_no_memory_are_no_other_program(world, monkeypatch):
    def refuse(self, configuration):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(fake_picamera2.FakePicamera2, "configure", refuse)
    with pytest.raises(CameraError, match="Cma /proc/meminfo"), camera():
        pass
    assert not world.in_use
