from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from edge_daemon.vision import file_pages
from edge_daemon.vision.models import ModelSet, default_models_dir

PAGES = 64


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(range(256)) * (PAGES * mmap.PAGESIZE // 256))
    return path


def _resident_kib(path: Path) -> int:
    """Return how much of a file is in this process's memory."""
    total, is_file = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if "-" in fields[0]:
            is_file = len(fields) == 6 and fields[5] == str(path)
        elif is_file and fields[0] == "Rss:":
            total += int(fields[1])
    return total


def _mapped(path: Path, access: int) -> mmap.mmap:
    with path.open("r+b") as handle:
        return mmap.mmap(handle.fileno(), 0, access=access)


def test_pages_that_were_read_leave_memory_and_can_be_read_again(file):
    with _mapped(file, mmap.ACCESS_READ) as seen:
        before = bytes(seen)
        assert _resident_kib(file) == PAGES * mmap.PAGESIZE // 1024

        assert file_pages.release(file) == PAGES * mmap.PAGESIZE

        assert _resident_kib(file) == 0
        assert bytes(seen) == before


def test_a_mapping_that_can_be_written_keeps_its_changes(file):
    with _mapped(file, mmap.ACCESS_COPY) as changed:
        changed[0] = 99

        assert file_pages.release(file) == 0

        assert changed[0] == 99


def test_a_file_that_is_not_mapped_is_no_error(file):
    assert file_pages.release(file) == file_pages.release(file.with_name("none")) == 0


def test_a_loaded_network_leaves_little_of_its_file_in_memory():
    card = ModelSet.load(default_models_dir()).card("mesh")
    network = card.open()

    assert network.input_shape == card.input_shape
    assert _resident_kib(card.path) < card.path.stat().st_size / 1024 / 2
