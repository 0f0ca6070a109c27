"""Fixtures that several files of this folder use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import ext4_disk, small_disk
from tests.simulated_device import Device

__all__ = ["ext4_disk", "small_disk"]


@pytest.fixture(scope="session")
def prepared(demo_home, demo_frames, tmp_path_factory) -> Path:
    """A device's folder to copy, with the demo's students and four of its captures."""
    folder = Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("device") / "home"))
    (folder / "frames").mkdir()
    for path in sorted(demo_frames.iterdir())[:4]:
        shutil.copy(path, folder / "frames")
    return folder


@pytest.fixture
def device(prepared, tmp_path) -> Iterator[Device]:
    shutil.copytree(prepared, tmp_path / "home")
    device = Device(tmp_path / "home")
    yield device
    if device.service is not None and device.service.poll() is None:
        device.cut()
