"""A Raspberry Pi camera through picamera2, which takes pictures of the whole sensor with a fixed focus.

Sources: The Picamera2 Library (datasheets.raspberrypi.com), chapters 4 to 6, and its example tuning_file.py. Raspberry
Pi Camera Algorithm and Tuning Guide, the chapter on AGC. picamera2 comes from apt with the system, never from PyPI.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

import numpy as np

from edge_daemon.camera.base import WARM_UP_S
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from edge_daemon.types import Frame

logger = logging.getLogger(__name__)

MAX_EXPOSURE_US = 16_666
"""Longest exposure, 1/60 s. In this time a head that turns at 30 degrees per second moves by half a degree."""
MAX_PIXELS = 16_000_000
"""Largest number of pixels of a picture.

One of 64 megapixels would need 190 MB beside the networks, and is not sharper.
"""
FALLBACK_LENS_DIOPTRES = 0.25
"""Lens position if no focus is found: 4 m, near the hyperfocal distance of Camera Module 3.

The picture is then sharp from 2 m to infinity.
"""
_EXPOSURE_MODE = {"shutter": [100, 5000, 10_000, MAX_EXPOSURE_US, MAX_EXPOSURE_US], "gain": [1.0, 2.0, 4.0, 8.0, 16.0]}
"""How exposure and gain rise together in low light. The algorithm keeps to the sensor's own gain limit."""


_MEMORY = re.compile(r"memory|allocat", re.IGNORECASE)
_MORE_MEMORY = "`grep Cma /proc/meminfo` says what is left for it; docs/CAMERA.md says how to give it more"
_NUMPY = re.compile(r"numpy|_ARRAY_API", re.IGNORECASE)
_OTHER_NUMPY = (
    "install the NumPy that the system's libraries were built for: run `sudo ./install.sh` again, or in an environment"
    " of your own `pip install` the version that `apt list --installed python3-numpy` names"
)


class Picamera2Camera:
    """A Raspberry Pi camera whose sensor runs only from `prepare` to the end of `capture`, to save power and heat."""

    def __init__(self, settings: CameraConfig) -> None:
        self._settings = settings
        self._open = ExitStack()
        self._device: Any = None  # picamera2 has no types
        self._started_s: float | None = None
        self.lens_position: float | None = None

    def __enter__(self) -> Picamera2Camera:
        library, controls = _import()
        number, model = _choose(self._settings.source, library.global_camera_info())
        try:
            self._device = library(number, tuning=_short_exposures(library, model))
            self._open.callback(self._device.close)
            self._configure(controls)
        except (RuntimeError, OSError) as error:  # picamera2 raises OSError if its buffers find no memory
            self._open.close()
            hint = _MORE_MEMORY if _MEMORY.search(str(error)) else "is another program using it?"
            raise CameraError(f"the camera can't be opened ({error})", model, hint) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started_s = None
        self._open.close()

    def prepare(self) -> None:
        """Start the sensor."""
        if self._started_s is None:
            self._device.start()
            self._started_s = time.monotonic()

    def capture(self, slot: int) -> Frame:
        """Take a picture at least `WARM_UP_S` after the sensor's start, and stop the sensor."""
        self.prepare()
        assert self._started_s is not None  # prepare has set it
        time.sleep(max(0.0, self._started_s + WARM_UP_S - time.monotonic()))
        try:
            with self._device.captured_request(flush=True) as request:
                taken_at = datetime.now(timezone.utc)
                # "RGB888" is blue, green, red in memory (Picamera2 manual, 4.2.2): OpenCV's order, without padding.
                picture = request.make_array("main")
                self._look_at(request.get_metadata())
        except RuntimeError as error:
            raise CameraError(f"the camera gives no picture ({error})") from error
        finally:
            self._started_s = None
            self._device.stop()
        return Frame(slot, str(slot + 1), picture, taken_at)

    def _configure(self, controls: Any) -> None:
        camera = self._device
        width, height = _at_most(camera.sensor_resolution, MAX_PIXELS)
        camera.configure(
            camera.create_still_configuration(
                main={"size": (width, height), "format": "RGB888"},
                raw=None,
                buffer_count=2,  # one in use while one is filled, 36 MB each: exposure settles at the full frame rate
                queue=False,  # never returns a picture that was exposed before the request
                controls={
                    "AeEnable": True,
                    # Not FrameDurationLimits: a full-sensor frame alone takes 70 ms, which would also be the longest
                    # exposure.
                    "AeExposureMode": controls.AeExposureModeEnum.Normal,
                    # Windows are at the side of a room and may be over-exposed. Exposure follows the darker half of the
                    # picture, where people sit.
                    "AeMeteringMode": controls.AeMeteringModeEnum.CentreWeighted,
                    "AeConstraintMode": controls.AeConstraintModeEnum.Shadows,
                },
            )
        )
        if "LensPosition" in camera.camera_controls:
            self._lock_lens(controls)
        elif self._settings.lens_position >= 0:
            logger.warning("camera has no motor for its lens; camera.lens_position does nothing")

    def _lock_lens(self, controls: Any) -> None:
        """Set the lens to the configured position, or focus once, and fix it there.

        A lens that searches for focus blurs all faces in some captures.
        """
        position = self._settings.lens_position
        if position < 0:
            position = self._focused()
        self._device.set_controls({"AfMode": controls.AfModeEnum.Manual, "LensPosition": position})
        self.lens_position = position

    def _focused(self) -> float:
        """Focus once and return the lens position in dioptres."""
        self.prepare()
        found = self._device.autofocus_cycle()
        position = float(self._device.capture_metadata()["LensPosition"]) if found else FALLBACK_LENS_DIOPTRES
        self._started_s = None
        self._device.stop()
        logger.log(logging.INFO if found else logging.WARNING, "camera focused", extra={"lens_position": position})
        return position

    def _look_at(self, metadata: dict[str, Any]) -> None:
        self.lens_position = metadata.get("LensPosition", self.lens_position)
        exposure_us = metadata.get("ExposureTime", 0)
        if exposure_us > MAX_EXPOSURE_US * 1.05:
            logger.warning("exposure longer than 1/60 s", extra={"exposure_us": exposure_us})


def _import() -> tuple[Any, Any]:
    """Return the class Picamera2 and libcamera's controls; raises CameraError."""
    try:
        from libcamera import controls
        from picamera2 import Picamera2
    except (ImportError, ValueError, AttributeError) as error:
        if _NUMPY.search(str(error)):  # a system library such as simplejpeg was built for another NumPy
            found = f"NumPy {np.__version__} does not fit the system's picamera2 ({str(error).splitlines()[0]})"
            raise CameraError(found, "camera.kind", _OTHER_NUMPY) from error
        raise CameraError(
            f"picamera2 can't be imported ({error})",
            "camera.kind",
            "install it with apt install python3-picamera2, and make the environment with --system-site-packages",
        ) from error
    return Picamera2, controls


def _choose(source: str, cameras: list[dict[str, Any]]) -> tuple[int, str]:
    """Return number and model of the camera that `source` names by a number, a model or an id; empty: the first one."""
    attached = ", ".join(f"{c['Num']} ({c['Model']}, {c['Id']})" for c in cameras)
    meant = [c for c in cameras if source in ("", str(c["Num"]), c["Model"], c["Id"])]
    if not meant:
        what = f"there is no camera {source}" if source else "there is no camera"
        raise CameraError(what, "camera.source", f"attached: {attached}" if cameras else "is its cable in, both ends?")
    if source and len(meant) > 1:
        raise CameraError(f"{len(meant)} cameras fit {source}", "camera.source", f"name one: {attached}")
    return int(meant[0]["Num"]), str(meant[0]["Model"])


def _short_exposures(library: Any, model: str) -> Any:
    """Return the sensor's tuning with exposures of at most 1/60 s; if the sensor has no tuning, log it and return None.

    With a limit in the tuning, exposure and gain are still controlled automatically. A fixed ExposureTime would
    over-expose a sunny room.
    """
    try:
        tuning = library.load_tuning_file(f"{model}.json")
        agc = library.find_tuning_algo(tuning, "rpi.agc")
    except (RuntimeError, StopIteration, KeyError):
        agc = None
    if agc is None:
        logger.warning("no tuning file: exposure may be longer than 1/60 s", extra={"model": model})
        return None
    for channel in agc.get("channels", [agc]):
        channel.setdefault("exposure_modes", {})["normal"] = _EXPOSURE_MODE
    return tuning


def _at_most(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Return a size, halved until it has at most this number of pixels, with both sides even."""
    width, height = size
    while width * height > pixels:
        width, height = width // 2, height // 2
    return width // 2 * 2, height // 2 * 2
