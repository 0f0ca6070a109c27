"""Installs a release: verifies it, builds it, tries it on copies, switches, watches the service, and confirms.

The tool's journal stores the current step, synced to the disk before each step: `preparing`, `switching`, `confirmed`.
After an error or a power cut, `edge-daemon-release recover` restores the earlier release, here or at the next boot.
"""

from __future__ import annotations

import logging
import os
import platform
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from edge_daemon.app.update.bundle import Manifest, read_manifest, read_public_key, unpack
from edge_daemon.app.update.releases import Releases, is_older
from edge_daemon.app.update.service_control import ServiceControl
from edge_daemon.device.status import read_status, runs
from edge_daemon.errors import UpdateError, UpdateFailedError
from edge_daemon.home import Home
from edge_daemon.interpreter import ISOLATED, WORKING_DIRECTORY, isolated_environment

logger = logging.getLogger(__name__)

_BUILD_S = 1800.0
_TRIAL_S = 300.0
_ROOM = 4
"""Required free space as a multiple of the bundle's size: unpacked, installed and compiled files, and a reserve."""
_USER = "edge-daemon"


@dataclass(frozen=True, slots=True)
class Updater:
    """Installs releases on one device."""

    releases: Releases
    service: ServiceControl
    home: Home

    def take(self, bundle: Path, *, in_lesson: bool = False, allow_downgrade: bool = False) -> str:
        """Install the release of a bundle, let the service run it, and return its name.

        Args:
            bundle: the file.
            in_lesson: True to update even while a lesson is running, which costs it a picture or two.
            allow_downgrade: True to allow a release older than the one in effect.

        Raises:
            UpdateError: the bundle or the device does not meet the requirements.
            UpdateFailedError: the release does not work here; the earlier one is in effect.
        """
        with self.releases.one_at_a_time():
            self.releases.tool("recover")  # in case an earlier update was killed
            manifest = read_manifest(bundle, read_public_key(self.releases.public_key_path))
            old, new = self.releases.in_effect(), manifest.version
            self._check_suits(manifest, bundle)
            if not allow_downgrade and is_older(new, old):
                what = f"release {new} is older than {old}, which is in effect; nothing was changed"
                raise UpdateError(what, str(bundle), "take a newer one, or use --allow-downgrade")
            self._check_time(in_lesson=in_lesson)
            self._change(old, new, lambda: self._make(bundle, manifest))
            self.releases.renew_tools()
            for name in self.releases.others():
                if name != old:
                    shutil.rmtree(self.releases.folder(name))
            return new

    def go_back(self, *, in_lesson: bool = False) -> str:
        """Put the earlier release into effect, tried and watched like a new one, and return its name.

        Raises:
            UpdateError, UpdateFailedError: as in `take`.
        """
        with self.releases.one_at_a_time():
            self.releases.tool("recover")
            others = self.releases.others()
            if not others:
                raise UpdateError("there is no other release to go back to", str(self.releases.base))
            self._check_time(in_lesson=in_lesson)
            self._change(self.releases.in_effect(), others[0], lambda: None, step="returning")
            return others[0]

    def _change(self, old: str, new: str, make: Callable[[], None], *, step: str = "preparing") -> None:
        tool, switched, done = self.releases.tool, False, False
        try:
            tool("note", step, old, new)
            make()
            self._try(new)
            tool("note", "returning" if step == "returning" else "switching", old, new)
            switched = True
            tool("switch", new)
            tool("link")
            self.service.restart_and_watch()
            tool("note", "confirmed", old, new)
            done = True
        finally:
            tool("recover")
            if not done and switched:
                self.service.restart()

    def _check_suits(self, manifest: Manifest, bundle: Path) -> None:
        here = (platform.machine(), f"{sys.version_info.major}.{sys.version_info.minor}")
        if (manifest.machine, manifest.python) != here:
            what = f"is for {manifest.machine} with Python {manifest.python}, this is {here[0]} with {here[1]}"
            raise UpdateError(what, str(bundle), "take the bundle for this system")
        if self.releases.is_whole(manifest.version):
            raise UpdateError(f"release {manifest.version} is here already", str(bundle), "")
        free, needed = shutil.disk_usage(self.releases.base).free, _ROOM * manifest.size_bytes
        if free < needed:
            raise UpdateError(f"{free >> 20} MiB are free, {needed >> 20} are needed", str(self.releases.base))

    def _check_time(self, *, in_lesson: bool) -> None:
        status = read_status(self.home.runtime_dir)
        if in_lesson or status is None or not runs(status) or status.state not in ("lesson", "finalising"):
            return
        raise UpdateError("a lesson is running", status.detail, "wait for its end, or use --now")

    def _make(self, bundle: Path, manifest: Manifest) -> None:
        folder = self.releases.folder(manifest.version)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        unpack(bundle, manifest, folder)
        self._build(folder)
        # Everything has to be on the disk before the folder counts as a release.
        os.sync()
        with (folder / ".complete").open("x") as file:
            file.write(f"{manifest.version}\n")
            file.flush()
            os.fsync(file.fileno())
        os.sync()

    def _build(self, folder: Path) -> None:
        """Make the release's Python environment in its final place, without the network."""
        made = folder / "venv"
        environment = [_system_python(), *ISOLATED, "-m", "venv", "--system-site-packages", str(made)]
        if _has_pip_for_others():  # saves seconds on a PC, a minute on a small board
            _called([*environment, "--without-pip"], folder)
            pip = [sys.executable, *ISOLATED, "-m", "pip", "--python", str(made / "bin/python")]
        else:
            _called(environment, folder)
            pip = [str(made / "bin/python"), *ISOLATED, "-m", "pip"]
        pip += ["install", "--quiet", "--no-index"]
        pip += ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--only-binary", ":all:"]
        wheels = ["--find-links", str(folder / "wheels")]
        _called([*pip, *wheels, "--require-hashes", "--requirement", str(folder / "requirements.txt")], folder)
        # The wheel's hash is in the signed manifest.
        _called([*pip, "--no-deps", *map(str, (folder / "wheels").glob("edge_daemon-*.whl"))], folder)
        shutil.rmtree(folder / "wheels")
        # A release before 0.2.0 has none, and a release without them works.
        pages = [str(made / "bin/python"), *ISOLATED, "-m", "edge_daemon", "manual", str(folder / "share")]
        subprocess.run(pages, capture_output=True, check=False, timeout=_BUILD_S, cwd=WORKING_DIRECTORY)

    def _try(self, name: str) -> None:
        """Run the new release's check on copies, as the service's user."""
        line = [*self.releases.program(name)]
        if self.home.home_mode:
            line += ["--home", str(self.home.state_dir)]
        user = _service_user() if os.geteuid() == 0 and not self.home.home_mode else None
        try:
            result = subprocess.run(
                [*line, "update-check"], capture_output=True, text=True, check=False, timeout=_TRIAL_S,
                cwd=WORKING_DIRECTORY, errors="replace", user=user.pw_uid if user else None,
                group=user.pw_gid if user else None, extra_groups=[] if user else None,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UpdateFailedError(f"does not answer ({type(error).__name__})", f"release {name}") from error
        if result.returncode:
            words = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
            raise UpdateFailedError(f"does not work here: {words}", f"release {name}")


def _service_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        return None


def _has_pip_for_others() -> bool:
    """Return whether this release's pip can install into another environment (`--python`, pip 22.3)."""
    try:
        return tuple(int(part) for part in metadata.version("pip").split(".")[:2]) >= (22, 3)
    except (metadata.PackageNotFoundError, ValueError):
        return False


def _system_python() -> str:
    """Return the interpreter that makes environments, which is not the one of this environment."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def _called(line: list[str], folder: Path) -> None:
    temporary = folder / "tmp"  # on the disk: /tmp may be in memory
    temporary.mkdir(exist_ok=True)
    try:
        result = subprocess.run(
            line, capture_output=True, text=True, check=False, timeout=_BUILD_S, errors="replace",
            env=isolated_environment(TMPDIR=str(temporary)), cwd=WORKING_DIRECTORY,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UpdateFailedError("took too long to install", str(folder)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if result.returncode:
        words = " ".join(result.stderr.split())[-400:]
        raise UpdateFailedError(f"can't be installed: {words}", str(folder))
