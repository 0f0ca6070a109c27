"""The releases on a device, and the tool that switches between them.

The tool (`provisioning/device/edge-daemon-release`) belongs to no release and needs no Python, so it works at boot even
if no release starts. This module and the boot change the installed releases only through the tool.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_daemon.errors import UpdateError, UpdateFailedError
from edge_daemon.interpreter import ISOLATED, WORKING_DIRECTORY

_TOOL_S = 120.0
_LOCK = "run/edge-daemon-install.lock"
"""File of the lock that allows one update at a time.

It is not in /run/lock, where every user may write, because any user could then hold it and block all updates.
"""
_FINAL = 1


@dataclass(frozen=True, slots=True)
class Releases:
    """The folders of releases; `root` is a prefix of every path, for tests."""

    root: Path

    @property
    def base(self) -> Path:
        """The folder that contains all releases."""
        return self.root / "opt/edge-daemon"

    @property
    def public_key_path(self) -> Path:
        """The file with the maintainer's key."""
        return self.root / "etc/edge-daemon/release.pub"

    def folder(self, name: str) -> Path:
        """Return the folder of a release."""
        return self.base / "releases" / name

    def program(self, name: str) -> tuple[str, ...]:
        """Return the command of a release, for arguments to be added."""
        return (str(self.folder(name) / "venv/bin/python"), *ISOLATED, "-m", "edge_daemon")

    def is_whole(self, name: str) -> bool:
        """Return whether a release is completely installed."""
        return (self.folder(name) / ".complete").exists()

    def in_effect(self) -> str:
        """Return the name of the release in effect.

        Raises:
            UpdateError: there is none, because install.sh did not install the program.
        """
        try:
            return (self.base / "current").readlink().name
        except OSError as error:
            raise _nothing_installed(self.base) from error

    def others(self) -> list[str]:
        """Return the complete releases that are not in effect, the newest first."""
        current = self.in_effect()
        found = [p.name for p in (self.base / "releases").iterdir() if p.name != current and self.is_whole(p.name)]
        return sorted(found, key=lambda name: (self.folder(name) / ".complete").stat().st_mtime, reverse=True)

    def tool(self, *arguments: str) -> None:
        """Call edge-daemon-release.

        Raises:
            UpdateError: the tool is missing, because this is no device.
            UpdateFailedError: the tool failed.
        """
        line = [str(self.base / "bin/edge-daemon-release"), *arguments]
        root = "" if self.root == Path("/") else str(self.root)
        environment = {**os.environ, "EDGE_DAEMON_ROOT": root}
        try:
            result = subprocess.run(
                line,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=_TOOL_S,
                errors="replace",
                cwd=WORKING_DIRECTORY,
            )
        except FileNotFoundError as error:
            raise _nothing_installed(self.base) from error
        if result.returncode:
            what = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
            raise UpdateFailedError(what, f"edge-daemon-release {arguments[0]}")

    def renew_tools(self) -> None:
        """Replace the tools that all releases share by those of the release in effect, which has proved to work."""
        source = self.folder(self.in_effect()) / "device"
        tools = (
            ("edge-daemon-release", self.base / "bin"),
            ("attendance", self.root / "usr/local/sbin"),
            ("edge-daemon", self.root / "usr/local/bin"),
        )
        for name, place in tools:
            if (source / name).exists() and place.is_dir():
                part = place / f"{name}.new"
                shutil.copyfile(source / name, part)
                part.chmod(0o755)
                os.sync()
                part.replace(place / name)

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Hold the lock, which install.sh also takes, until the block ends or the process does.

        Raises:
            UpdateError: another process has the lock, or this user may not take it.
        """
        path = self.root / _LOCK
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UpdateError(f"can't be locked: {error.strerror}", str(path), "run it with sudo") from error
        with os.fdopen(descriptor, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UpdateError("another installation or update is running", "", "wait until it is done") from error
            yield


def is_older(name: str, than: str) -> bool:
    """Return whether a release name is older than another: 0.9 < 0.10rc1 < 0.10 < 0.10.1."""
    return _order(name) < _order(than)


def _order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key for a name, word by word: letters (rc1, dev2) sort before the end, numbers after it."""
    words = re.findall(r"[0-9]+|[A-Za-z]+", name)
    parts = [(_FINAL + 1, int(word), "") if word.isdigit() else (_FINAL - 1, 0, word) for word in words]
    return (*parts, (_FINAL, 0, ""))


def _nothing_installed(base: Path) -> UpdateError:
    hint = "install with `sudo ./install.sh` first; elsewhere `make_bundle.py --check` verifies a bundle"
    return UpdateError("no release is installed here", str(base), hint)
