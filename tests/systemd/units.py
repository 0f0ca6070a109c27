"""The unit files as systemd would find them, and as lists of settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"
INTERPRETER = "/opt/edge-daemon/venv/bin/python"
PROGRAM = f"{INTERPRETER} -I -u -X faulthandler -m edge_daemon"
"""Isolated: no module of a folder that somebody else may write, none of the user's own."""
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))
TIMERS = sorted(path.name for path in FOLDER.glob("*.timer"))
DROP_INS = sorted(path.name for path in (FOLDER / "drop-ins").glob("*.conf"))

Setting = tuple[str, str, str]
"""Section, key, value."""


def tool(name: str) -> str:
    """Return where a program of the package `systemd` is; without it a developer's test is skipped, the check fails."""
    found = shutil.which(name)
    if found is None and os.environ.get("EDGE_DAEMON_CI"):
        pytest.fail(f"{name} is missing: apt-get install systemd")
    if found is None:
        pytest.skip(f"needs {name}: apt-get install systemd")
    return found


def run(name: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program of systemd."""
    return subprocess.run(
        [tool(name), *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, env={**os.environ, "LANG": "C"}
    )


def settings(path: Path) -> list[Setting]:
    """Return what a unit file sets, in its order."""
    section, found = "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


def values(unit: str, key: str) -> list[str]:
    """Return every value that a unit gives a key."""
    return [value for _, name, value in settings(FOLDER / unit) if name == key]


def words(unit: str, key: str) -> set[str]:
    """Return the words of a key that takes a list."""
    return {word for value in values(unit, key) for word in value.split()}


def laid_out(folder: Path, drop_in: str = "") -> Path:
    """Put all units into a folder, with a program that is there, and one of the drop-ins over the service."""
    program = folder / "edge-daemon"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in (*SERVICES, *TIMERS):
        text = (FOLDER / unit).read_text(encoding="utf-8")
        (folder / unit).write_text(text.replace(INTERPRETER, str(program)), encoding="utf-8")
    if drop_in:
        over = folder / "edge-daemon.service.d"
        over.mkdir()
        shutil.copy(FOLDER / "drop-ins" / drop_in, over)
    return folder
