"""The camera in its own process: real processes, real signals."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from edge_daemon.camera import helper, process
from edge_daemon.camera.process import CameraProcess
from edge_daemon.camera.recovery import FIRST_GAP_S
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from tests.camera import broken

WAIT_S = 30.0
"""Time limit for expected answers: a slow board needs seconds to start a process."""
SHORT_S = 0.5
"""Time limit for an answer that is not expected to come."""
PROMPT_S = 20.0
"""Longer than a call without a wait takes on a busy computer, shorter than any wait of these tests."""


class Rig:
    """A camera process around a camera whose mood the test sets."""

    def __init__(self, folder: Path) -> None:
        self.mood_file = folder / "mood"
        self.be("good")
        settings = CameraConfig("v4l2", str(self.mood_file))
        self.camera = CameraProcess(settings, now=now, deadline_s=WAIT_S, factory=broken.FACTORY)

    def be(self, mood: str) -> None:
        self.mood_file.write_text(mood)

    def events(self) -> list[str]:
        lines = self.mood_file.with_suffix(".log").read_text().split("\n")
        return [line.split()[0] for line in lines if line]

    def miss(self, slot: int, deadline_s: float = WAIT_S) -> str:
        """Take a capture that must be missed; return why, and hold the deadline."""
        self.camera._deadline_s = deadline_s
        begun = time.monotonic()
        with pytest.raises(CameraError) as missed:
            self.camera.capture(slot)
        assert time.monotonic() - begun < deadline_s + PROMPT_S
        self.camera._deadline_s = WAIT_S
        assert self.camera.fault
        return missed.value.line()

    def succeed(self, slot: int) -> None:
        frame = self.camera.capture(slot)
        assert frame.picture.shape == (broken.HEIGHT_PX, broken.WIDTH_PX, 3)
        assert (frame.slot, frame.name, self.camera.fault) == (slot, str(slot + 1), "")
        assert self.camera.answers


def now() -> datetime:
    return datetime.now(timezone.utc)


def wait_until(condition, what: str) -> None:
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Lengthen the time limits for ending a process and closing a camera, for a busy computer."""
    monkeypatch.setattr(helper, "_KILL_WAIT_S", WAIT_S)


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    with rig.camera:
        yield rig


def test_pictures_come_through_whole_and_belong_to_the_caller(rig):
    rig.be("frozen")
    frame = rig.camera.capture(4)
    assert np.array_equal(frame.picture[..., 0], np.tile(np.arange(broken.WIDTH_PX), (broken.HEIGHT_PX, 1)))
    rig.be("good")
    copy = frame.picture.copy()
    rig.succeed(5)
    assert np.array_equal(frame.picture, copy), "the next picture wrote into this one"
    frame.picture[:] = 7  # and its owner may write into it


def test_a_frame_has_the_time_when_it_was_taken(rig):
    before = now()
    assert before <= rig.camera.capture(0).taken_at + timedelta(milliseconds=5)
    assert rig.camera.capture(1).taken_at <= now()


def test_the_clock_of_the_caller_counts_not_the_childs(tmp_path):
    rig = Rig(tmp_path)
    noon = datetime(2040, 2, 29, 12, tzinfo=timezone.utc)
    with CameraProcess(
        CameraConfig("v4l2", str(rig.mood_file)), now=lambda: noon, deadline_s=WAIT_S, factory=broken.FACTORY
    ) as camera:
        assert timedelta(0) <= noon - camera.capture(0).taken_at < timedelta(seconds=WAIT_S)


def test_a_frame_has_the_position_of_the_lens(rig):
    rig.succeed(0)
    assert rig.camera.lens_position == 0.5


def test_prepare_opens_the_camera_and_wakes_it_without_waiting(rig):
    begun = time.monotonic()
    rig.camera.prepare(0)
    assert time.monotonic() - begun < PROMPT_S
    wait_until(lambda: rig.mood_file.with_suffix(".log").exists() and "prepare" in rig.events(), "nobody prepared")
    rig.succeed(0)
    assert rig.events().count("open") == 1


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("black", "the picture is black"),
        ("white", "the picture is over-exposed"),
        ("refuse", "/dev/video0: the camera gives no pictures; is its cable in?"),
        ("raise", "the camera failed: buffer went away"),
        ("die", "the camera process was ended by SIGSEGV"),
    ],
)
def test_a_capture_that_fails_is_missed_with_its_reason_and_the_next_is_taken(rig, mood, reason):
    rig.succeed(0)
    rig.be(mood)
    assert rig.miss(1) == reason
    assert rig.camera.fault == reason
    assert rig.camera.answers == (mood in ("black", "white"))
    rig.be("good")
    rig.camera.prepare(2)
    rig.succeed(2)


def test_a_frozen_picture_is_missed_even_after_the_camera_was_opened_again(rig):
    rig.be("frozen")
    rig.camera.capture(0)
    assert "frozen" in rig.miss(1)
    assert "frozen" in rig.miss(2), "a camera that was opened again gave the same picture"
    rig.be("good")
    rig.succeed(3)


def test_a_camera_that_hangs_costs_its_deadline_and_its_process(rig):
    rig.succeed(0)
    pid = rig.camera.pid
    rig.be("hang")
    assert rig.miss(1, SHORT_S) == "the camera did not answer within 0.5 s"
    wait_until(lambda: not alive(pid), "it lives")
    rig.be("good")
    rig.camera.prepare(2)
    rig.succeed(2)


def test_a_camera_that_hangs_while_it_opens_does_not_hang_the_daemon(rig):
    rig.be("hang-open")
    begun = time.monotonic()
    rig.camera.prepare(0)
    assert time.monotonic() - begun < PROMPT_S
    rig.miss(0, SHORT_S)
    rig.be("good")
    rig.succeed(1)


def test_a_stopped_process_is_a_missed_capture(rig):
    rig.succeed(0)
    os.kill(rig.camera.pid, signal.SIGSTOP)
    rig.camera.prepare(1)
    assert "did not answer" in rig.miss(1, SHORT_S)
    rig.succeed(2)


def test_many_requests_to_a_stopped_process_do_not_block(rig):
    rig.succeed(0)
    os.kill(rig.camera.pid, signal.SIGSTOP)
    begun = time.monotonic()
    for slot in range(5000):  # more than the socket takes
        rig.camera.prepare(slot)
    assert time.monotonic() - begun < PROMPT_S
    rig.miss(1, SHORT_S)
    rig.succeed(2)


def test_a_process_killed_between_captures_costs_none(rig):
    rig.succeed(0)
    pid = rig.camera.pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: rig.camera._helper.ended, "it lives")
    rig.camera.prepare(1)
    rig.succeed(1)
    assert rig.camera.pid != pid


def test_a_process_killed_without_a_word_is_one_missed_capture(rig):
    rig.succeed(0)
    os.kill(rig.camera.pid, signal.SIGKILL)
    assert rig.miss(1) == "the camera process was ended by SIGKILL"
    rig.succeed(2)


def test_recovery_reopens_then_restarts_then_reports_once_and_goes_on(rig, caplog):
    caplog.set_level(logging.INFO)
    rig.succeed(0)
    first = rig.camera.pid
    rig.be("refuse")
    rig.miss(1)
    assert rig.camera.pid == first
    rig.miss(2)
    assert rig.events().count("close") == 1, "the first rung is to open the camera again"
    assert rig.camera.pid is None, "the second is to start the process again"
    for slot in range(3, 7):
        rig.miss(slot)
    assert rig.camera.pid not in (first, None), "a process that answers is kept and asked at every capture"
    reports = [r for r in caplog.records if r.levelno >= logging.WARNING and r.message == "camera keeps failing"]
    assert [r.slot for r in reports] == [3]
    rig.be("good")
    rig.succeed(7)
    assert any(r.message == "camera answers again" and r.missed == 6 for r in caplog.records)


def test_starts_that_do_not_help_come_at_growing_gaps_and_captures_between_are_missed_at_once(rig):
    rig.be("hang")
    for slot in range(3):
        rig.miss(slot, SHORT_S)
    begun = time.monotonic()
    reason = rig.miss(3)
    assert time.monotonic() - begun < PROMPT_S
    assert reason.startswith("the camera did not answer within 0.5 s (next attempt in ")
    rest_s = rig.camera._recovery.rest_s(time.monotonic())
    assert 0 < rest_s <= FIRST_GAP_S
    rig.be("good")
    rig.camera._recovery._next_start_s = 0.0  # the gap passes
    rig.succeed(4)


def test_leaving_ends_the_process_and_closes_the_camera(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_STOP_WAIT_S", WAIT_S)
    rig = Rig(tmp_path)
    with rig.camera:
        rig.succeed(0)
        pid = rig.camera.pid
    wait_until(lambda: not alive(pid), "it lives")
    assert rig.events()[-1] == "close"


def test_leaving_does_not_wait_for_a_camera_that_hangs(tmp_path):
    rig = Rig(tmp_path)
    with rig.camera:
        rig.succeed(0)
        pid = rig.camera.pid
        os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
    assert time.monotonic() - begun < PROMPT_S
    wait_until(lambda: not alive(pid), "it lives")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_does_not_cost_the_picture_in_hand(rig, number):
    rig.succeed(0)
    os.kill(rig.camera.pid, number)
    rig.succeed(1)


@pytest.mark.parametrize("stopped", [False, True], ids=["waiting", "stopped"])
def test_the_camera_process_dies_with_a_daemon_that_is_killed(tmp_path, stopped):
    rig = Rig(tmp_path)
    program = (
        "import sys; from tests.camera.test_process import *;"
        "rig = Rig(Path(sys.argv[1])); rig.camera.__enter__(); rig.succeed(0); print(rig.camera.pid, flush=True);"
        "time.sleep(3600)"
    )
    daemon = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    pid = int(daemon.stdout.readline())
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    wait_until(lambda: not alive(pid), "the camera process outlived its daemon")
    assert rig.mood_file.exists()


def test_no_descriptor_and_no_memory_is_left_by_captures_or_failures(rig):
    def open_descriptors() -> tuple[int, int]:
        gc.collect()
        maps = Path("/proc/self/maps").read_text()
        return len(list(Path("/proc/self/fd").iterdir())), maps.count("memfd:edge-daemon")

    rig.succeed(0)
    before, mapped = open_descriptors()
    assert mapped == 0
    frame = rig.camera.capture(1)
    assert open_descriptors() == (before + 1, 1), "the picture in hand is shared memory"
    del frame
    for slot in range(2, 20):
        rig.succeed(slot)
    os.kill(rig.camera.pid, signal.SIGKILL)
    rig.miss(20)
    rig.succeed(21)
    rig.be("black")
    rig.miss(22)
    rig.be("good")
    rig.succeed(23)
    assert open_descriptors() == (before, 0)


def test_nothing_is_left_in_shared_memory_when_both_sides_are_killed(tmp_path):
    program = (
        "import sys; from tests.camera.test_process import *;"
        "rig = Rig(Path(sys.argv[1])); rig.camera.__enter__(); frame = rig.camera.capture(0);"
        "print(rig.camera.pid, flush=True); time.sleep(3600)"
    )
    before = {path.name for path in Path("/dev/shm").iterdir()}
    daemon = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    pid = int(daemon.stdout.readline())
    os.kill(pid, signal.SIGKILL)
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    left = {path.name for path in Path("/dev/shm").iterdir()} - before
    assert not [name for name in left if "edge" in name or "psm" in name], left


def test_the_camera_process_gets_no_credentials_and_no_vision(rig, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/edge-daemon.service")
    os.kill(rig.camera.pid, signal.SIGKILL)
    rig.miss(0)
    rig.succeed(1)
    environment = Path(f"/proc/{rig.camera.pid}/environ").read_bytes()
    assert b"CREDENTIALS_DIRECTORY" not in environment
    maps = Path(f"/proc/{rig.camera.pid}/maps").read_text()
    assert "litert" not in maps
    assert "tflite" not in maps


def test_a_replay_begins_again_when_the_lesson_has_more_captures_than_pictures(tmp_path):
    import cv2

    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 30, 3), number * 50, np.uint8))
    settings = CameraConfig("files", str(tmp_path))
    with CameraProcess(settings, now=now, deadline_s=WAIT_S) as camera:
        frames = [camera.capture(slot) for slot in range(5)]
    assert [(f.slot, f.name) for f in frames] == [(0, "1.png"), (1, "2.png"), (2, "1.png"), (3, "2.png"), (4, "1.png")]
    assert [int(f.picture[0, 0, 0]) for f in frames] == [50, 100, 50, 100, 50]


def test_a_replay_may_show_one_picture_again_and_again(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "1.png"), np.full((20, 30, 3), 90, np.uint8))
    with CameraProcess(CameraConfig("files", str(tmp_path)), now=now, deadline_s=WAIT_S) as camera:
        assert [camera.capture(slot).name for slot in range(3)] == ["1.png"] * 3


def test_a_camera_on_its_head_is_turned(tmp_path):
    import cv2

    picture = np.random.default_rng(1).integers(50, 200, (20, 30, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "1.png"), picture)
    settings = CameraConfig("files", str(tmp_path), upside_down=True)
    with CameraProcess(settings, now=now, deadline_s=WAIT_S) as camera:
        assert np.array_equal(camera.capture(0).picture, picture[::-1, ::-1])


@pytest.mark.parametrize("source", ["", "/nowhere/at/all"])
def test_a_source_that_is_none_is_one_line_at_every_capture(source):
    with CameraProcess(CameraConfig("files", source), now=now, deadline_s=WAIT_S) as camera:
        camera.prepare(0)
        for slot in range(2):
            with pytest.raises(CameraError, match=r"camera\.source|no such folder"):
                camera.capture(slot)


def test_a_process_that_cannot_be_started_is_a_missed_capture(rig, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    rig.succeed(0)
    os.kill(rig.camera.pid, signal.SIGKILL)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    rig.miss(1)
    assert "can't be started" in rig.miss(2)
    monkeypatch.undo()
    rig.succeed(3)


def test_a_process_that_ends_at_every_start_is_reported_once(monkeypatch, caplog):
    monkeypatch.setattr(helper, "_CHILD", "edge_daemon.camera.nowhere")
    with CameraProcess(CameraConfig("v4l2"), now=now, deadline_s=WAIT_S) as camera:
        for slot in range(4):
            wait_until(lambda: camera._helper is None or camera._helper.ended, "it runs")
            camera.prepare(slot)
            with pytest.raises(CameraError, match="the camera process ended with code 1"):
                camera.capture(slot)
    assert [r.message for r in caplog.records] == ["camera keeps failing"]
