"""Runs inside the guest of camera_vm.sh: reads real V4L2 devices and a real pipeline like the service.

Prints one line of JSON for each check, between markers, and never stops at a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
from v4l2_feed import open_feed

from edge_daemon.camera import v4l2_nodes
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError, EdgeError

DEADLINE_S = 120.0
"""Deadline for the cameras, because a machine in software emulation is about fifty times slower than a Pi."""
PATTERNS = {"black": 5, "white": 6, "red": 7, "green": 8, "blue": 9}
"""Entries of vivid's menu `test_pattern`."""
FEED_WIDTH_PX, FEED_HEIGHT_PX, FEED_BYTES = 4608, 2592, 8 << 20
FEED_EVERY_S = 8.0
BGR = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}


def main() -> None:
    os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = "60"
    report("versions", lambda: {"opencv": cv2.__version__, "numpy": np.__version__, "kernel": run("uname", "-r")})
    shell("modprobe vivid n_devs=2 node_types=0x1,0x1 && udevadm settle")
    report("nodes", lambda: [f"{n.path} {n.name} {n.bus}" for n in v4l2_nodes.list_nodes()])
    report("links", lambda: run("sh", "-c", "ls /dev/v4l/by-path /dev/v4l/by-id 2>&1 || true"))
    report("colours and light", colours)
    report("a camera by its path", lambda: picture_of(CameraConfig("v4l2", by_path())))
    report("two cameras of one name", lambda: missed(CameraConfig("v4l2", "vivid")))
    report("a number nobody has", lambda: missed(CameraConfig("v4l2", "7")))
    report("a camera in use", busy)
    report("unplugged and back", unplugged)
    shell("modprobe v4l2loopback video_nr=42 card_label=Feed exclusive_caps=0 max_buffers=4 && udevadm settle")
    report("jpeg of 12 megapixels", jpegs)
    pipeline = "videotestsrc pattern={} ! video/x-raw,format=BGR,width=640,height=480 ! appsink max-buffers=1 drop=true"
    report("gstreamer blue", lambda: picture_of(CameraConfig("gstreamer", pipeline.format("blue"))))
    report("gstreamer red", lambda: picture_of(CameraConfig("gstreamer", pipeline.format("red"))))
    report("gstreamer without the element", lambda: missed(CameraConfig("gstreamer", "nosuchsrc ! appsink")))


def colours() -> dict[str, object]:
    """Change the colour of the picture just before each capture, because a stale buffer would show the last one."""
    seen: dict[str, object] = {}
    with process(CameraConfig("v4l2", "")) as camera:
        for name, number in PATTERNS.items():
            camera.prepare(0)
            show(number)
            begun = time.monotonic()
            try:
                picture = camera.capture(0).picture
                middle = np.median(picture[picture.shape[0] // 2 :], axis=(0, 1)).round().tolist()
                right = bool(np.abs(np.subtract(middle, BGR.get(name, (-999,) * 3))).max() < 40)
                seen[name] = {"size": picture.shape, "middle_bgr": middle, "right": right}
            except CameraError as error:
                seen[name] = {"missed": error.line()}
            seen[name]["seconds"] = round(time.monotonic() - begun, 1)  # type: ignore[index]
    show(0)
    return seen


def busy() -> str:
    """Check the message when two processes stream from one device."""
    with process(CameraConfig("v4l2", "0")) as camera:
        camera.capture(0)
        camera.prepare(1)  # it streams again, until the next capture
        time.sleep(30)
        return missed(CameraConfig("v4l2", "0"))


def unplugged() -> list[str]:
    """Pull the cable (vivid's button), then plug the device in again."""
    lines = []
    with process(CameraConfig("v4l2", "0")) as camera:
        camera.capture(0)
        camera.prepare(1)
        time.sleep(30)  # it streams
        shell("v4l2-ctl -d /dev/video0 -c disconnect=0")
        for slot in (1, 2):
            try:
                camera.capture(slot)
                lines.append("a picture")
            except CameraError as error:
                lines.append(error.line())
        shell("rmmod vivid; modprobe vivid n_devs=2 node_types=0x1,0x1 && udevadm settle")
        camera.prepare(3)
        lines.append(f"back: {camera.capture(3).picture.shape}, fault {camera.fault!r}")
    return lines


def jpegs() -> dict[str, object]:
    """Read JPEGs from v4l2loopback as a USB camera sends them; the last one is truncated."""
    seen: dict[str, object] = {}
    with Feed("/dev/video42") as feed, process(CameraConfig("v4l2", "Feed")) as camera:
        for name, colour in BGR.items():
            camera.prepare(0)
            feed.show(colour)
            begun = time.monotonic()
            picture = camera.capture(0).picture
            middle = np.median(picture, axis=(0, 1)).round().tolist()
            right = bool(np.abs(np.subtract(middle, colour)).max() < 40)
            seen[name] = {"size": picture.shape, "middle_bgr": middle, "right": right}
            seen[name]["seconds"] = round(time.monotonic() - begun, 1)  # type: ignore[index]
            del picture
        seen["camera process, MB"] = {what: round(kb / 1024) for what, kb in memory_kb(camera.pid or 0).items()}
        feed.show(BGR["red"], part=0.5)
        try:
            seen["half a jpeg"] = {"size": camera.capture(1).picture.shape}
        except CameraError as error:
            seen["half a jpeg"] = {"missed": error.line()}
    return seen


class Feed:
    """Writes JPEGs into a loopback device, all of them different.

    It writes slowly. Unlike a camera's driver, v4l2loopback writes into a buffer that the reader is still decoding, and
    in an emulated machine decoding takes seconds.
    """

    def __init__(self, path: str) -> None:
        self._fd = open_feed(path, FEED_WIDTH_PX, FEED_HEIGHT_PX, FEED_BYTES)
        self._written = 0
        self._jpegs: list[bytes] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Feed:
        self.show(BGR["green"])
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        os.close(self._fd)

    def show(self, colour: tuple[int, int, int], part: float = 1.0) -> None:
        """Show a colour, or only a part of each JPEG; return once the first such picture has been written."""
        picture = np.full((FEED_HEIGHT_PX, FEED_WIDTH_PX, 3), colour, np.uint8)
        jpegs = []
        for number in range(3):
            cv2.putText(picture, str(number), (99 + number, 99), cv2.FONT_HERSHEY_PLAIN, 5, (90, 90, 90))
            data = cv2.imencode(".jpg", picture)[1].tobytes()
            jpegs.append(data[: int(len(data) * part)])
        self._jpegs = jpegs
        if not self._thread.is_alive():
            self._thread.start()
        before = self._written
        while self._written == before:
            time.sleep(0.01)

    def _write(self) -> None:
        while not self._end.wait(FEED_EVERY_S):
            os.write(self._fd, self._jpegs[self._written % 3])
            self._written += 1


def memory_kb(pid: int) -> dict[str, int]:
    """Return PSS now and the largest resident size so far."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text() + Path(f"/proc/{pid}/status").read_text()
    fields = {line.split(":")[0]: line.split()[1] for line in lines.splitlines() if line.endswith("kB")}
    return {"pss": int(fields["Pss"]), "peak rss": int(fields["VmHWM"])}


def picture_of(settings: CameraConfig) -> dict[str, object]:
    with process(settings) as camera:
        picture = camera.capture(0).picture
    return {"size": picture.shape, "middle_bgr": np.median(picture, axis=(0, 1)).round().tolist()}


def missed(settings: CameraConfig) -> str:
    try:
        return f"not refused: {picture_of(settings)}"
    except CameraError as error:
        return error.line()


def by_path() -> str:
    return run("sh", "-c", "ls -d /dev/v4l/by-path/* | head -1")


def show(pattern: int) -> None:
    shell(f"v4l2-ctl -d /dev/video0 -c test_pattern={pattern}")


def process(settings: CameraConfig) -> CameraProcess:
    return CameraProcess(settings, now=lambda: datetime.now(timezone.utc), deadline_s=DEADLINE_S)


def report(what: str, check: Callable[[], object]) -> None:
    """Run a check, unless the command line names others."""
    if sys.argv[1:] and what not in sys.argv[1:]:
        return
    try:
        found = check()
    except (EdgeError, OSError, ValueError, LookupError, subprocess.CalledProcessError) as error:
        found = {"failed": repr(error), "trace": traceback.format_exc().splitlines()[-3:]}
    sys.stdout.write("CHECK " + json.dumps({"check": what, "found": found}) + "\n")
    sys.stdout.flush()


def shell(line: str) -> None:
    subprocess.run(line, shell=True, check=True, stdout=subprocess.DEVNULL)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
