"""`collect` on the office's computer: with Windows, and without any camera software."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_daemon.delivery.folder_listing import is_kept_by_windows
from tests.office_server import OfficeServer
from tests.office_tree import OfficeRoom
from tests.registers import START

ROOT = Path(__file__).parents[3]
NOT_THERE = (
    *("pwd", "grp", "fcntl", "resource", "termios", "tty", "pty", "syslog"),
    *("cv2", "numpy", "ai_edge_litert", "tflite_runtime", "tensorflow", "picamera2", "libcamera"),
    *("icalendar", "recurring_ical_events", "dateutil", "sqlite_utils"),
)
"""Modules of POSIX only, and libraries of the device. `posix` is missing here because this interpreter needs it."""
NO_CALLS = (
    *("getuid", "geteuid", "getgid", "chown", "fchown", "lchown", "fork", "mkfifo", "mknod", "O_CLOEXEC"),
    *("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "statvfs", "fstatvfs", "ST_RDONLY", "fchmod"),
    *("pread", "pwrite", "sync", "sysconf", "uname", "getloadavg", "memfd_create", "sched_getaffinity", "nice"),
    *("posix_fadvise", "sendfile", "setsid", "killpg", "getpgid", "getpriority", "getxattr", "listxattr", "getgroups"),
)
"""Names of `os` that Windows lacks."""
CODE = f"""
import os, sys
class NotHere:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {NOT_THERE!r}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)
sys.meta_path.insert(0, NotHere())
for name in {NOT_THERE!r}:
    sys.modules.pop(name, None)
for name in {NO_CALLS!r}:
    if hasattr(os, name):
        delattr(os, name)
from edge_daemon.__main__ import run
sys.exit(run(sys.argv[1:]))
"""


def office(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE, "collect", *arguments, "--time-zone", "Europe/Berlin"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture
def root(tmp_path) -> Path:
    room = OfficeRoom(tmp_path / "server", "room 1")
    room.deliver(room.register(START, {"s1": 1.0}))
    return tmp_path / "server"


@pytest.mark.parametrize("output", ["term.xlsx", "term.csv"])
def test_a_folder_needs_no_module_of_posix_and_no_library_of_the_device(root, tmp_path, output):
    keys, names = tmp_path / "keys.csv", tmp_path / "names.csv"
    keys.write_text(f"device,public_key\nroom 1,{OfficeRoom(tmp_path / 'x', 'room 1').signer.public_key}\n")
    names.write_text("student_id,name\ns1,Zoë\n", "utf-8")
    options = ("--keys", str(keys), "--names", str(names), "--keep", str(tmp_path / "kept"))
    for expected_message in ("written to", "nothing is new"):
        result = office(str(root), "--output", str(tmp_path / output), *options)
        assert (result.returncode, result.stderr) == (0, "")
        assert expected_message in result.stdout


@pytest.mark.parametrize("kind", ["api", "webdav"])
def test_a_server_needs_none_either(root, tmp_path, kind):
    with OfficeServer(root, kind=kind, certificates=tmp_path / "ca", token="") as server:
        options = ("--ca-file", str(server.ca_file), "--keep", str(tmp_path / "kept"))
        result = office(server.url, "--output", str(tmp_path / "term.xlsx"), *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert "1 register of 1 room written" in result.stdout


def test_no_text_is_made_with_a_format_of_time_that_windows_lacks():
    """`%-d` is an extension of glibc; on Windows it raises a ValueError."""
    found = [path.name for path in (ROOT / "edge_daemon").rglob("*.py") if "%-d" in path.read_text("utf-8")]
    assert found == []


@pytest.mark.parametrize(
    ("path", "is_kept"),
    [
        ("v1/devices/room 1/registers/a/1.json", True),
        ("v1/devices/Aula (Süd)/key.json", True),
        ("v1/devices/console/key.json", True),
        ("v1/devices/CON/key.json", False),
        ("v1/devices/com1.old/key.json", False),
        ("v1/devices/R:1/key.json", False),
        ("v1/devices/R?/key.json", False),
        ("v1/devices/R. /key.json", False),
        ("v1/devices/R./key.json", False),
    ],
)
def test_names_that_windows_takes_for_something_else_are_known(path, is_kept):
    assert is_kept_by_windows(path) == is_kept
