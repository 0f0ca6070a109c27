"""Fixtures that several files of this folder use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import ext4_disk, small_disk
from tests.read_once import each_input_computed_once
from tests.simulated_device import Device

__all__ = ["ext4_disk", "small_disk"]


@pytest.fixture(scope="module", autouse=True)
def networks_remember() -> Iterator[None]:
    """Several tests look at the same captures of the demo."""
    with each_input_computed_once():
        yield


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
    _off(device)


@pytest.fixture(scope="session")
def after_cut(prepared, tmp_path_factory) -> Device:
    """A device without power, which was cut in the first lesson after two pictures; to be copied."""
    device = Device(Path(shutil.copytree(prepared, tmp_path_factory.mktemp("cut") / "home")))
    try:
        device.start_and_cut(2)
    finally:
        _off(device)
    return device


@pytest.fixture
def cut_device(after_cut, tmp_path) -> Iterator[Device]:
    """A copy of the device that was cut in the first lesson after two pictures."""
    device = after_cut.copied(tmp_path / "home")
    yield device
    _off(device)


def _off(device: Device) -> None:
    if device.service is not None and device.service.poll() is None:
        device.cut()
