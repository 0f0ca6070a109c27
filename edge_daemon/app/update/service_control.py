"""The service as an update sees it: started anew, and watched until it is believed."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_daemon.errors import UpdateFailedError

UNIT = "edge-daemon.service"
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class ServiceControl:
    """The service under systemd; where systemd does not run (a container, a chroot) there is nothing to do."""

    root: Path
    ready_s: float
    """READY has to come within it."""
    settle_s: float
    """So long it has to stay up then, in one and the same process."""

    def restart_and_watch(self) -> None:
        """Start the units of the release in effect, and wait until the service is up and stays up.

        Raises:
            UpdateFailedError: it did not start, or went down again.
        """
        if not self._systemd_runs():
            return
        self._renew()
        # Type=notify: this ends when the service says READY, and fails when it does not.
        self._systemctl("restart", UNIT, timeout_s=self.ready_s)
        pid = self._shown("MainPID")
        until_s = time.monotonic() + self.settle_s
        while True:
            if self._shown("ActiveState") != "active" or self._shown("MainPID") != pid:
                raise UpdateFailedError("came up and went down again", UNIT, f"journalctl -u {UNIT} says why")
            if time.monotonic() >= until_s:
                return
            time.sleep(min(_POLL_S, self.settle_s))

    def restart(self) -> None:
        """Start the units of the release in effect without waiting: there is none to go back to."""
        if self._systemd_runs():
            self._renew()
            self._systemctl("restart", "--no-block", UNIT, timeout_s=60)

    def _renew(self) -> None:
        """Let systemd read the units again, and forget failed starts: they count against the release that comes now."""
        self._systemctl("daemon-reload", timeout_s=60)
        with suppress(UpdateFailedError):  # it never failed
            self._systemctl("reset-failed", UNIT, timeout_s=60)

    def _systemd_runs(self) -> bool:
        return (self.root / "run/systemd/system").is_dir()

    def _shown(self, what: str) -> str:
        return self._systemctl("show", "--property", what, "--value", UNIT, timeout_s=30).strip()

    @staticmethod
    def _systemctl(*arguments: str, timeout_s: float) -> str:
        where = f"systemctl {' '.join(arguments)}"
        try:
            result = subprocess.run(
                ["systemctl", *arguments], capture_output=True, text=True, check=False, timeout=timeout_s
            )
        except subprocess.TimeoutExpired as error:
            raise UpdateFailedError(f"took longer than {timeout_s:.0f} s", where) from error
        if result.returncode:
            raise UpdateFailedError(" ".join(result.stderr.split()) or "failed", where)
        return result.stdout
