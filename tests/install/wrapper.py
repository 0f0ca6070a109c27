"""The `attendance` command that install.sh installs, with a systemd-run and a sudo that record their arguments."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "provisioning" / "device" / "attendance"
NOBODY, DAEMON = 65534, 1
"""Replacements for the user who sees faces and the one who has the network; every system has these users."""

_SYSTEMD_RUN = """#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$@" >"$here/line"
for word; do
    case $word in
    LoadCredential=arguments:*) tr '\\0' '\\n' <"${word#*:}" >"$here/words" ;;
    LoadCredential=network-checks:*) cp "${word#*:}" "$here/network-checks" ;;
    --unit=*-network) mv "$here/line" "$here/line-network"; echo '[{"name": "mail"}]'; exit 0 ;;
    esac
done
cat >"$here/stdin"
exit "$(cat "$here/code" 2>/dev/null || echo 0)"
"""
_SUDO = """#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$@" >"$here/sudo-line"
cat >"$here/sudo-stdin"
"""


@dataclass(frozen=True)
class Wrapper:
    """One `attendance` in a folder of its own.

    Args:
        folder: a folder that everybody may enter; it contains the tools and the caller's home.
    """

    folder: Path

    def prepare(self) -> None:
        """Write the script, and replacements for the system's tools."""
        text = SCRIPT.read_text(encoding="utf-8")
        for old, new in (
            ("FACES=edge-daemon NETWORK=edge-daemon-sync", f"FACES={NOBODY} NETWORK={DAEMON}"),
            ("KEYS=/etc/credstore", f"KEYS={self.folder}/keys"),
            ("RUN=/run\n", f"RUN={self.folder}/run\n"),
            ("JETSON=/etc/systemd/system/edge-daemon.service.d/jetson.conf", f"JETSON={self.folder}/jetson.conf"),
        ):
            assert old in text
            text = text.replace(old, new)
        (self.folder / "attendance").write_text(text, encoding="utf-8")
        for name in ("tools", "run", "keys", "home"):
            (self.folder / name).mkdir()
        (self.folder / "tools").chmod(0o777)
        (self.folder / "keys/edge-daemon.device-key").write_bytes(bytes(32))
        for name, tool in (("systemd-run", _SYSTEMD_RUN), ("sudo", _SUDO)):
            (self.folder / "tools" / name).write_text(tool)
            (self.folder / "tools" / name).chmod(0o755)

    def call(
        self, *arguments: str, typed: str = "", user: int | None = None, folder: str = "home", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Call the command in the caller's folder, as root unless another user is given."""
        return subprocess.run(
            ["sh", self.folder / "attendance", *arguments],
            cwd=self.folder / folder,
            env={"PATH": f"{self.folder}/tools:{os.environ['PATH']}", "TMPDIR": str(self.folder), **environment},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            timeout=30,
        )

    def recorded(self, name: str) -> str:
        """Return what a tool has recorded: `line`, `words`, `stdin`, `sudo-line`, `sudo-stdin`."""
        return (self.folder / "tools" / name).read_text(encoding="utf-8")

    def words(self) -> list[str]:
        """Return the arguments that the program would have received."""
        return self.recorded("words").splitlines()

    def properties(self, name: str = "line") -> list[str]:
        """Return the settings of the unit that would have been started."""
        line = self.recorded(name).splitlines()
        return [line[at + 1] for at, word in enumerate(line) if word == "-p"]

    def values(self, key: str, name: str = "line") -> list[str]:
        """Return the values of one setting, in their order."""
        return [line.partition("=")[2] for line in self.properties(name) if line.startswith(f"{key}=")]
