"""A bare Debian in a folder with the checkout in it; all changes go to a separate layer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CHECKOUT = "/srv/checkout"
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}


class Userland:
    """The layer over a rootfs, mounted until the mount namespace of this process ends."""

    def __init__(self, rootfs: Path, work: Path) -> None:
        self.root, self.layer = work / "root", work / "layer"
        for folder in (self.layer, work / "overlay"):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (self.root, self.layer, work / "overlay"):
            folder.mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={rootfs},upperdir={self.layer},workdir={work / 'overlay'}"
        run("mount", "-t", "overlay", "overlay", "-o", options, str(self.root))
        run("mount", "-t", "proc", "proc", str(self.root / "proc"))
        run("mount", "--rbind", "/dev", str(self.root / "dev"))
        run("mount", "-t", "tmpfs", "tmpfs", str(self.root / "run"))
        for path in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f"/{path}", self.root / path)
        self.copy_checkout()

    def copy_checkout(self) -> None:
        """Copy the files of the working tree, except those that git ignores."""
        listed = run("git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            if (REPOSITORY / name).is_file():
                target = self.root / CHECKOUT.lstrip("/") / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, target)

    def call(self, *line: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the userland, in its checkout, with a minimal environment."""
        inside = ["chroot", str(self.root), "/usr/bin/env", "--chdir", CHECKOUT, *line]
        return subprocess.run(inside, capture_output=True, text=True, check=False, env=_ENVIRONMENT)

    def version(self) -> str:
        """Return the system's name and architecture."""
        lines = (self.root / "etc/os-release").read_text(encoding="utf-8").splitlines()
        name = next(line.split("=", 1)[1].strip('"') for line in lines if line.startswith("PRETTY_NAME="))
        return f"{name}, {self.call('dpkg', '--print-architecture').stdout.strip()}"


def run(*line: str) -> str:
    """Run a command on this computer; return what it printed."""
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout
