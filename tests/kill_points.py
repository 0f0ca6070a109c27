"""Kills a function before each of its writes and syncs: ptrace stops a child process at every system call.

A killed process leaves what it wrote in the kernel. For synced data, and for the order of later steps, this is the same
as a power cut. Needs Linux 5.3 or newer, on x86-64 or aarch64.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable

import pytest

_TRACEME, _SYSCALL, _SETOPTIONS, _SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_SYSGOOD, _EXITKILL = 1, 0x100000
_ENTRY = 1
_NUMBERS = {
    # write, pwrite64, fsync, fdatasync, ftruncate, rename, link, unlink, unlinkat, renameat, linkat, fallocate
    "x86_64": frozenset({1, 18, 74, 75, 77, 82, 86, 87, 263, 264, 265, 285}),
    "aarch64": frozenset({64, 68, 82, 83, 46, 38, 37, 35, 47}),
}


def killed_before(nth: int, work: Callable[[], object]) -> bool:
    """Run a function in a child, and kill the child before its nth write, sync, rename or unlink.

    Returns:
        False if the function ended before that.
    """
    numbers = _NUMBERS.get(platform.machine())
    if numbers is None or sys.platform != "linux":
        pytest.skip("system calls are not known here")
    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if not child:
        _be_traced(libc, work)
    if os.waitpid(child, 0)[1] >> 8 == 97:
        pytest.skip("a process can't be traced here")
    _ptrace(libc, _SETOPTIONS, child, 0, _SYSGOOD | _EXITKILL)
    seen, signal_to_pass = 0, 0
    while True:
        _ptrace(libc, _SYSCALL, child, 0, signal_to_pass)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "the work failed"
            return False
        assert os.WIFSTOPPED(status), "the work was ended by a signal"
        signal_to_pass = 0
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            signal_to_pass = os.WSTOPSIG(status)
        elif _entered(libc, child) in numbers:
            seen += 1
            if seen == nth:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return True


def _be_traced(libc: ctypes.CDLL, work: Callable[[], object]) -> None:
    if libc.ptrace(_TRACEME, 0, None, None):
        os._exit(97)
    os.kill(os.getpid(), signal.SIGSTOP)
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _entered(libc: ctypes.CDLL, child: int) -> int:
    """Return the number of the system call that the child enters, -1 at its exit."""
    info = ctypes.create_string_buffer(88)
    _ptrace(libc, _SYSCALL_INFO, child, len(info), ctypes.addressof(info))
    return int(struct.unpack_from("Q", info, 24)[0]) if info.raw[0] == _ENTRY else -1


def _ptrace(libc: ctypes.CDLL, request: int, child: int, address: int, data: int) -> None:
    if libc.ptrace(ctypes.c_long(request), ctypes.c_long(child), ctypes.c_void_p(address), ctypes.c_void_p(data)) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")
