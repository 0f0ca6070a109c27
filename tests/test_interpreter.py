"""No process that we start runs a module that somebody planted: in its folder, in PYTHONPATH, or in the user's home."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import pytest

from edge_daemon.app.service.worker_process import COMMAND, WorkerProcess
from edge_daemon.app.update.releases import Releases
from edge_daemon.app.update.service_control import ServiceControl
from edge_daemon.app.update.updater import Updater
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.home import Home
from edge_daemon.interpreter import ISOLATED, isolated
from tests.app.update.bundles import Device, bundle
from tests.camera import broken

SYSTEM_PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def planted(tmp_path, monkeypatch) -> Path:
    """Work in a folder full of modules that leave a mark when they are imported; return where the marks go."""
    folder, marks = tmp_path / "planted", tmp_path / "marks"
    marks.mkdir()
    site = subprocess.run(
        [SYSTEM_PYTHON, "-m", "site", "--user-site"],
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    for name in (
        "edge_daemon",
        "venv",
        "pip",
        "ensurepip",
        "numpy",
        "json",
        "socket",
        "sitecustomize",
        "usercustomize",
    ):
        code = f"import os\nos.close(os.open({str(marks / name)!r}, os.O_CREAT | os.O_WRONLY))\n"
        for place in (folder, Path(site)):
            (place / name).mkdir(parents=True, exist_ok=True)
            (place / name / "__init__.py").write_text(code)
            (place / name / "__main__.py").write_text(code)
    (Path(site) / "planted.pth").write_text(f"import os; os.close(os.open({str(marks / 'pth')!r}, os.O_CREAT))\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return marks


def test_planted_code_runs_in_an_interpreter_that_is_not_isolated(planted):
    subprocess.run([SYSTEM_PYTHON, "-m", "edge_daemon"], check=True)
    assert {"sitecustomize", "edge_daemon", "pth"} <= {path.name for path in planted.iterdir()}


def test_an_isolated_interpreter_of_the_system_runs_nothing_of_it(planted):
    subprocess.run([SYSTEM_PYTHON, *ISOLATED, "-c", "import json, socket"], check=True)
    assert list(planted.iterdir()) == []


def test_a_worker_is_the_programs_own(planted, tmp_path):
    worker = WorkerProcess(COMMAND, Home(tmp_path / "home"), "settle")
    try:
        assert worker.wait(120)
    finally:
        worker.kill()
        worker.close()
    assert list(planted.iterdir()) == []


def command_of(pid: int) -> list[bytes]:
    """Return the command line of a process, which is empty for a moment while the system starts the program."""
    path, patience_s = Path(f"/proc/{pid}/cmdline"), time.monotonic() + 60
    while not (line := path.read_bytes()) and time.monotonic() < patience_s:
        time.sleep(0.01)
    return line.split(b"\0")


def test_a_home_that_was_named_by_a_relative_path_is_the_same_for_a_worker(planted, tmp_path):
    # A process that has ended has neither a folder nor a command line, so this one waits for its input to be closed.
    waiting = (sys.executable, "-c", "import sys; sys.stdin.read()")
    worker = WorkerProcess(waiting, Home(Path("home")), "settle")
    try:
        assert os.fsencode(tmp_path / "planted" / "home") in command_of(worker._process.pid)
        assert Path(f"/proc/{worker._process.pid}/cwd").readlink() == Path("/")
    finally:
        worker.kill()
        worker.close()


def test_a_camera_process_is_the_programs_own(planted, tmp_path):
    mood = tmp_path / "mood"
    mood.write_text("good")
    settings = CameraConfig(kind="picamera2", source=str(mood))
    now = partial(datetime.now, timezone.utc)
    with CameraProcess(settings, now=now, deadline_s=120, factory=broken.FACTORY) as camera:
        camera.capture(0)
        assert Path(f"/proc/{camera.pid}/cwd").readlink() == Path("/")
    assert list(planted.iterdir()) == []


def test_an_update_makes_the_new_release_without_them(planted, tmp_path):
    device = Device(tmp_path)
    path = bundle(tmp_path, device.key, "2.0")
    Updater(Releases(device.root), ServiceControl(device.root, 10.0, 0.2), Home(tmp_path / "home")).take(path)
    assert device.says() == "2.0"
    assert list(planted.iterdir()) == []


def test_the_package_of_a_checkout_is_found_without_folder_and_variables(planted):
    completed = subprocess.run(
        [*isolated("edge_daemon"), "--version"], cwd="/", capture_output=True, text=True, check=True
    )
    assert completed.stdout.startswith("edge-daemon")
