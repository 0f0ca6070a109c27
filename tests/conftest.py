"""Settings of all tests."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import demo_lesson

# Hundreds of tests start the program. Without its bytecode each start would compile it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No test meets a public authority, and reading those of the system costs each connection 22 ms.
os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = os.devnull

# A slow or busy board is no failure, and each failure is printed so that it can be repeated. The continuous check tries
# the same examples every time and never fails by chance. A run by hand looks for new examples.
settings.register_profile(
    "boards",
    deadline=None,
    print_blob=True,
    derandomize="EDGE_DAEMON_CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("boards")


@pytest.hookimpl(hookwrapper=True)
def pytest_collection():
    """Read thousands of tests without looking for garbage, and never look through them again."""
    gc.disable()
    yield
    gc.enable()
    gc.freeze()


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first of the processes makes, and that the others wait for."""
    base = factory.getbasetemp()
    place = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = place / f"shared-{name}", place / f"shared-{name}.done"
    with (place / f"shared-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def demo_captures(tmp_path_factory) -> Path:
    """Six captures of the demo lesson as they are composed, 1920 by 1080 pixels."""
    return made_once(tmp_path_factory, "captures", lambda folder: demo_lesson.compose(folder, *range(6)))


@pytest.fixture(scope="session")
def demo_frames(demo_captures, tmp_path_factory) -> Path:
    """The same, 672 by 378 pixels: nine tiles to be searched, of 24 with half of the width.

    To be copied by a test that spoils one.
    """
    return made_once(tmp_path_factory, "frames", lambda folder: demo_lesson.shrink(demo_captures, folder, 672))


@pytest.fixture(scope="session")
def demo_room(demo_captures, tmp_path_factory) -> Path:
    """The same, 960 by 540 pixels, for what is said of seats."""
    return made_once(tmp_path_factory, "room", lambda folder: demo_lesson.shrink(demo_captures, folder, 960))


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory) -> Path:
    """A folder for `--home` where the demo's students are enrolled; to be copied by a test that writes there.

    Each process has its own copy, because reading a database makes files beside it.
    """
    home = made_once(tmp_path_factory, "home", demo_lesson.enrol)
    return Path(shutil.copytree(home, tmp_path_factory.mktemp("demo") / "home"))
