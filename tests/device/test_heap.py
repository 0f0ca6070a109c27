"""Large blocks go back to the system when they are released."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_RELEASE = """
import ctypes
from edge_daemon.device.heap import return_large_blocks
if {on}:
    print(return_large_blocks())
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
libc.free(libc.malloc(20 << 20))
block = libc.malloc(8 << 20)
heap = next(line for line in open("/proc/self/maps") if line.endswith("[heap]\\n"))
first, last = (int(one, 16) for one in heap.split()[0].split("-"))
print(first <= block < last)
"""

_GAPS = """
import ctypes
from pathlib import Path
from edge_daemon.device.heap import return_free_pages
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])
blocks = [libc.malloc(64 << 10) for _ in range(200)]
for block in blocks:
    ctypes.memset(block, 1, 64 << 10)
for block in blocks[:-1]:
    libc.free(block)
before = resident()
if {on}:
    print(return_free_pages())
print(before - resident() > 2000)
"""


def _printed(program: str, *, on: bool) -> list[str]:
    command = [sys.executable, "-c", program.format(on=on)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_a_large_block_stays_out_of_the_heap_after_another_was_released():
    assert _printed(_RELEASE, on=False) == ["True"], "glibc no longer raises its threshold: the setting is not needed"
    assert _printed(_RELEASE, on=True) == ["True", "False"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc keeps them")
def test_released_blocks_below_one_that_stays_leave_memory():
    assert _printed(_GAPS, on=False) == ["False"], "glibc returns them by itself"
    assert _printed(_GAPS, on=True) == ["True", "True"]
