"""The office's environment: no library of a device, nothing of `edge_daemon`, and nothing that only POSIX has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from edge_daemon.configfile import tomllib
from tests.app.collect.test_office_computer import NO_CALLS, NOT_THERE
from tests.office_tree import OfficeRoom
from tests.registers import START

ROOT = Path(__file__).parents[2]
CODE = f"""
import os, sys
class NotHere:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {("edge_daemon", "requests", "xlsxwriter", "openpyxl", *NOT_THERE)!r}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)
sys.meta_path.insert(0, NotHere())
for name in {NOT_THERE!r}:
    sys.modules.pop(name, None)
for name in {NO_CALLS!r}:
    if hasattr(os, name):
        delattr(os, name)
from edge_daemon_office.__main__ import run
sys.exit(run(sys.argv[1:]))
"""


def office(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE, "--home", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_tree_is_read_without_any_library_of_a_device_and_without_edge_daemon(tmp_path):
    room = OfficeRoom(tmp_path / "tree", "room 1")
    room.deliver(room.register(START, {"s1": 1.0}))
    result = office(tmp_path / "o", "init", "--tree", str(tmp_path / "tree"), "--time-zone", "Europe/Berlin")
    assert (result.returncode, result.stderr) == (0, "")
    result = office(tmp_path / "o", "ingest")
    assert (result.returncode, result.stderr) == (
        3,
        "left out: room 1: no key is pinned for this device; documents left out: 1\n",
    )
    assert result.stdout.endswith(" 1 left out\n")
    assert (
        "schools.school.keys: a key is not pinned, so documents are left out: room 1"
        in office(tmp_path / "o", "check").stderr
    )
    assert office(tmp_path / "o", "keys", "pin", "room 1", room.signer.public_key).returncode == 0
    result = office(tmp_path / "o", "ingest")
    assert (result.returncode, result.stderr) == (0, "")
    assert "1 register, " in result.stdout
    assert office(tmp_path / "o", "init").stderr.startswith(
        f"edge-daemon-office: {tmp_path}/o/office.toml: exists already"
    )
    result = office(tmp_path / "nowhere", "ingest")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)


def test_the_office_imports_nothing_of_the_device_and_the_device_nothing_of_the_office():
    ours = re.compile(r"^\s*(?:from|import) edge_daemon(?:\.|\s)", re.MULTILINE)
    theirs = re.compile(r"edge_daemon_office")
    for path in (ROOT / "edge_daemon_office").rglob("*.py"):
        assert not ours.search(path.read_text("utf-8")), path
    for path in (ROOT / "edge_daemon").rglob("*.py"):
        assert not theirs.search(path.read_text("utf-8")), path


def test_the_devices_requirements_know_nothing_of_the_office():
    for name in ("requirements-arm.txt", "requirements-arm.in"):
        text = (ROOT / name).read_text("utf-8").lower()
        assert not {
            word for word in ("django", "waitress", "sqlparse", "asgiref", "psycopg", "pyarrow") if word in text
        }


def test_the_office_needs_no_library_of_a_device_and_the_wheels_share_no_package():
    own = tomllib.loads((ROOT / "edge_daemon_office/pyproject.toml").read_text("utf-8"))
    needed = {re.split(r"[^\w-]", line)[0].lower() for line in own["project"]["dependencies"]}
    assert needed == {"click", "cryptography", "django", "segno", "tomli", "tzdata", "waitress"}
    device = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert device["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["edge_daemon"]
    assert own["tool"]["hatch"]["build"]["targets"]["wheel"]["sources"] == {"": "edge_daemon_office"}
    assert own["project"]["scripts"].keys().isdisjoint(device["project"]["scripts"])
