"""Processes with faces or keys lock their memory, if the unit or the user allows it."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

_LOOK = """
import re
def look(pid="self"):
    maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", open(f"/proc/{pid}/smaps").read(), flags=re.M)[1:]
    def kib(key, text):
        return int(re.search(rf"^{key}: +([0-9]+)", text, re.M)[1])
    unlocked = [one for one in maps if " lo" not in re.search(r"^VmFlags:(.*)", one, re.M)[1]]
    of = lambda key, some: sum(kib(key, one) for one in some)
    return of("Anonymous", maps), of("Anonymous", unlocked), of("Locked", maps)
"""
"""Returns in kB what a process has that could be swapped, what of it is not locked, and all that is locked."""
_OWN = f"""{_LOOK}
from edge_daemon.device.memory_lock import lock_memory
before = bytearray(b"k" * 2**22)
is_locked = lock_memory()
after = bytearray(b"k" * 2**23)
reserved = __import__("mmap").mmap(-1, 2**28)
print(is_locked, *look())
"""
_CHILDREN = f"""{_LOOK}
import sys
from datetime import datetime, timezone
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.gallery.decoder_process import DecoderProcess
picture = sys.argv[1] + "/1.png"
with CameraProcess(CameraConfig(kind="files", source=sys.argv[1]), now=lambda: datetime.now(timezone.utc)) as camera:
    camera.prepare(0)
    camera.capture(0)
    print("camera", *look(camera._helper.pid))
with DecoderProcess() as decoder:
    decoder(open(picture, "rb").read())
    print("decoder", *look(decoder._process.pid))
"""
_COMMAND = f"""{_LOOK}
from edge_daemon import __main__
__main__.run = lambda arguments: print("command", *look()) or 0
__main__.main(["--help"])
"""

CAP_IPC_LOCK = 1 << 14


def may_lock() -> bool:
    """Return whether this machine lets root lock memory and shows how much is locked; some containers do not."""
    capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.M)
    smaps = Path("/proc/self/smaps")
    return bool(
        os.geteuid() == 0
        and capabilities
        and int(capabilities[1], 16) & CAP_IPC_LOCK
        and smaps.exists()
        and "VmFlags:" in smaps.read_text()
    )


needs_root = pytest.mark.skipif(not may_lock(), reason="only root may lock without leave of systemd")
WITHOUT_LEAVE = ("setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", "--")


def run(code: str, *arguments: str, without_leave: bool = False) -> list[list[str]]:
    """Run code in a process of its own, with or without leave to lock its memory; return its lines, in words."""
    line = (*(WITHOUT_LEAVE if without_leave and os.geteuid() == 0 else ()), sys.executable, "-c", code, *arguments)
    completed = subprocess.run(
        line, capture_output=True, text=True, check=False, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (2**16, 2**16)) if without_leave else None,
    )  # fmt: skip
    assert completed.returncode == 0, completed.stderr
    return [line.split() for line in completed.stdout.splitlines()]


@needs_root
def test_present_and_later_memory_is_locked_and_reserved_memory_is_not_allocated():
    ((is_locked, _, unlocked, locked),) = run(_OWN)
    assert (is_locked, unlocked) == ("True", "0")
    assert 12 * 1024 <= int(locked) < 2**17, "256 MB that are only reserved are not there"


def test_under_a_limit_nothing_is_locked_and_memory_is_had_as_before():
    ((is_locked, _, _, locked),) = run(_OWN, without_leave=True)
    assert (is_locked, locked) == ("False", "0")


@needs_root
def test_the_processes_that_see_pictures_and_photographs_are_locked(tmp_path):
    import cv2
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "1.png"), noise)
    for name, anonymous, unlocked, _ in run(_CHILDREN, str(tmp_path)):
        assert (int(anonymous) > 1000, unlocked) == (True, "0"), name


@needs_root
def test_every_command_is_locked():
    ((_, anonymous, unlocked, _),) = run(_COMMAND)
    assert (int(anonymous) > 1000, unlocked) == (True, "0")


@needs_root
def test_a_worker_is_locked(tmp_path):
    code = f"""{_LOOK}
import sys
from edge_daemon.app.service import worker
worker._run = lambda arguments, clock: print("worker", *look()) or 0
sys.argv[1:] = ["--report", "1", "check"]
worker.main()
"""
    ((_, anonymous, unlocked, _),) = run(code)
    assert (int(anonymous) > 1000, unlocked) == (True, "0")
