"""picamera2 and libcamera without a sensor.

It returns and refuses the same as the real modules (picamera2's `request.py` and `picamera2.py`). "RGB888" is B, G, R
in memory, rows are padded to 64 bytes, and unknown controls raise an error.
"""

from __future__ import annotations

import contextlib
import copy
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

CONTROLS = {
    "AeEnable": (False, True, True),
    "AeExposureMode": (0, 3, 0),
    "AeMeteringMode": (0, 3, 0),
    "AeConstraintMode": (0, 3, 0),
    "AfMode": (0, 2, 0),
    "LensPosition": (0.0, 32.0, 1.0),
}
TUNING = {
    "version": 2.0,
    "algorithms": [
        {"rpi.black_level": {"black_level": 4096}},
        {"rpi.agc": {"channels": [{"exposure_modes": {"normal": {"shutter": [100, 66666], "gain": [1.0, 8.0]}}}]}},
    ],
}


class World:
    """The attached sensors and their pictures."""

    def __init__(self) -> None:
        self.picture = np.full((48, 64, 3), 90, np.uint8)
        self.cameras = [{"Num": 0, "Model": "imx708", "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a", "Location": 2}]
        self.attached = True
        self.has_motor = True
        self.focus_found = True
        self.tuning: dict[str, Any] | None = copy.deepcopy(TUNING)
        self.in_use = False
        self.opened: list[Any] = []
        self.starts = 0
        self.stops = 0
        self.light_us = 40_000
        """Exposure that the automatic control aims at."""


def install(monkeypatch, world: World) -> None:
    """Make `from picamera2 import Picamera2` and `from libcamera import controls` return the fakes."""
    picamera2, libcamera = ModuleType("picamera2"), ModuleType("libcamera")
    picamera2.Picamera2 = type("Picamera2", (FakePicamera2,), {"world": world})
    libcamera.controls = SimpleNamespace(
        AeExposureModeEnum=SimpleNamespace(Normal=0, Short=1, Long=2),
        AeMeteringModeEnum=SimpleNamespace(CentreWeighted=0, Spot=1, Matrix=2),
        AeConstraintModeEnum=SimpleNamespace(Normal=0, Highlight=1, Shadows=2),
        AfModeEnum=SimpleNamespace(Manual=0, Auto=1, Continuous=2),
    )
    monkeypatch.setitem(sys.modules, "picamera2", picamera2)
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)


class FakePicamera2:
    """The part of picamera2.Picamera2 that the adapter may use."""

    world: World

    def __init__(self, camera_num: int = 0, tuning: Any = None) -> None:
        if self.world.in_use:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        if not self.world.attached or camera_num >= len(self.world.cameras):
            raise IndexError("list index out of range")
        self.tuning, self.started, self.config, self.controls = tuning, False, None, {}
        height, width = self.world.picture.shape[:2]
        self.sensor_resolution = (width, height)
        self.camera_controls = {k: v for k, v in CONTROLS.items() if self.world.has_motor or k not in _LENS}
        self.world.in_use = True
        self.world.opened.append(self)

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return cls.world.cameras if cls.world.attached else []

    @classmethod
    def load_tuning_file(cls, name: str) -> dict[str, Any]:
        if cls.world.tuning is None or name != "imx708.json":
            raise RuntimeError("Tuning file not found")
        return copy.deepcopy(cls.world.tuning)

    @staticmethod
    def find_tuning_algo(tuning: dict[str, Any], name: str) -> dict[str, Any]:
        return next(algo for algo in tuning["algorithms"] if name in algo)[name]

    def create_still_configuration(
        self, *, main: dict[str, Any], raw: Any, buffer_count: int = 1, controls: dict[str, Any], queue: bool = True
    ) -> dict[str, Any]:
        return {"main": main, "raw": raw, "buffer_count": buffer_count, "controls": controls, "queue": queue}

    def configure(self, config: dict[str, Any]) -> None:
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        if config["main"]["format"] not in ("RGB888", "BGR888"):
            raise RuntimeError("Bad format in stream configuration")
        self.config = config
        self.set_controls(config["controls"])

    def set_controls(self, controls: dict[str, Any]) -> None:
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self.controls.update(controls)

    def start(self) -> None:
        if self.config is None:
            raise RuntimeError("Camera has not been configured")
        self.started = True
        self.world.starts += 1
        self._waiting = [self.world.picture.copy() for _ in range(self.config["buffer_count"])]

    def stop(self) -> None:
        self.started = False
        self.world.stops += 1

    def close(self) -> None:
        if self.started:
            self.stop()
        self.world.in_use = False

    def autofocus_cycle(self) -> bool:
        assert self.started, "would wait for ever"
        assert "AfMode" in self.camera_controls
        self.controls["LensPosition"] = 0.37 if self.world.focus_found else 10.0
        return self.world.focus_found

    def capture_metadata(self) -> dict[str, Any]:
        assert self.started, "would wait for ever"
        return self._metadata()

    @contextlib.contextmanager
    def captured_request(self, wait: Any = None, flush: Any = None):
        assert self.started, "would wait for ever"
        if not self.world.attached:
            raise RuntimeError("Camera frontend has timed out!")
        # Without flush, and with a queue, the oldest picture comes, which was exposed before the request.
        old = self._waiting.pop(0) if self.config["queue"] and not flush and self._waiting else None
        yield FakeRequest(self, self.world.picture if old is None else old)

    def _metadata(self) -> dict[str, Any]:
        modes = self.tuning and self.find_tuning_algo(self.tuning, "rpi.agc")["channels"][0]["exposure_modes"]
        longest = modes["normal"]["shutter"][-1] if modes else 66_666
        metadata = {"ExposureTime": min(self.world.light_us, longest), "AnalogueGain": 2.0}
        lens = {"LensPosition": self.controls.get("LensPosition", 1.0)} if self.world.has_motor else {}
        return {**metadata, **lens}


class FakeRequest:
    """A completed request: the buffer as the ISP wrote it."""

    def __init__(self, camera: FakePicamera2, scene_bgr: np.ndarray) -> None:
        self._camera = camera
        width, height = camera.config["main"]["size"]
        rows, columns = np.arange(height) * len(scene_bgr) // height, np.arange(width) * scene_bgr.shape[1] // width
        pixels = scene_bgr[rows][:, columns]
        if camera.config["main"]["format"] == "BGR888":
            pixels = pixels[..., ::-1]
        self._stride = -(-width * 3 // 64) * 64
        self._buffer = np.zeros((height, self._stride), np.uint8)
        self._buffer[:, : width * 3] = pixels.reshape(height, width * 3)
        self._size = width, height

    def make_array(self, name: str) -> np.ndarray:
        assert name == "main"
        width, height = self._size
        array = self._buffer.copy()
        if self._stride != width * 3:
            array = np.asarray(array[:, : width * 3], order="C")
        return array.reshape(height, width, 3)

    def get_metadata(self) -> dict[str, Any]:
        return self._camera._metadata()


_LENS = {"AfMode", "LensPosition"}
