"""Small real disks: a tmpfs that gets full, an ext4 that becomes read-only. Tests skip if nothing may be mounted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from benchmarks.loop_disk import loop_disk


@contextmanager
def filled(folder: Path, leave_bytes: int = 0) -> Iterator[None]:
    """Fill a disk with a file, except for some bytes."""
    path = folder / "fill"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(path, max(0, path.stat().st_size - leave_bytes))
    yield
    path.unlink()


@pytest.fixture
def small_disk(tmp_path):
    """Yield the folder of a disk of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def ext4_disk(tmp_path):
    """Yield an ext4 disk of 16 MB that the kernel makes read-only when a fault is injected."""
    try:
        with loop_disk(tmp_path, 16) as disk:
            if not Path(f"/sys/fs/ext4/{disk.device}/trigger_fs_error").exists():
                pytest.skip("faults can't be injected here: /sys is not mounted")
            yield disk
    except OSError as error:
        pytest.skip(str(error))
