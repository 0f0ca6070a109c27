"""Settings of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import demo_lesson

# Hundreds of tests start the program. Without its bytecode each start would compile it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

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


@pytest.fixture(scope="session")
def demo_captures(tmp_path_factory) -> Path:
    """Six captures of the demo lesson as they are composed, 1920 by 1080 pixels."""
    return demo_lesson.compose(tmp_path_factory.mktemp("demo") / "captures", *range(6))


@pytest.fixture(scope="session")
def demo_frames(demo_captures, tmp_path_factory) -> Path:
    """The same, 672 by 378 pixels: nine tiles to be searched, of 24 with half of the width.

    To be copied by a test that spoils one.
    """
    return demo_lesson.shrink(demo_captures, tmp_path_factory.mktemp("demo") / "frames", 672)


@pytest.fixture(scope="session")
def demo_room(demo_captures, tmp_path_factory) -> Path:
    """The same, 960 by 540 pixels, for what is said of seats."""
    return demo_lesson.shrink(demo_captures, tmp_path_factory.mktemp("demo") / "room", 960)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory) -> Path:
    """A folder for `--home` where the demo's students are enrolled; to be copied by a test that writes there."""
    return demo_lesson.enrol(tmp_path_factory.mktemp("demo") / "home")
