"""Fixtures of several files of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import ext4_disk, small_disk
from tests.simulated_device import Device, prepare

__all__ = ["ext4_disk", "small_disk"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    prepare(folder)
    return folder


@pytest.fixture
def device(prepared, tmp_path) -> Iterator[Device]:
    shutil.copytree(prepared, tmp_path / "home")
    device = Device(tmp_path / "home")
    yield device
    if device.service is not None and device.service.poll() is None:
        device.cut()
