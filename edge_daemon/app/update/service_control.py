"""Restarts the service for an update, and watches whether it stays up."""

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
    """The service under systemd; without systemd (in a container or chroot) nothing is done."""

    root: Path
    ready_s: float
    """Time limit for READY."""
    settle_s: float
    """How long the service has to stay up after READY, in the same process."""

    def restart_and_watch(self) -> None:
        """Start the units of the release in effect, and wait until the service is up and has stayed up.

        Raises:
            UpdateFailedError: the service did not start, or stopped again.
        """
        if not self._systemd_runs():
            return
        self._renew()
        # With Type=notify this command ends when the service reports READY, and fails if it does not.
        self._systemctl("restart", UNIT, timeout_s=self.ready_s)
        pid = self._shown("MainPID")
        until_s = time.monotonic() + self.settle_s
        while True:
            if self._shown("ActiveState") != "active" or self._shown("MainPID") != pid:
                raise UpdateFailedError("started and then stopped again", UNIT, f"journalctl -u {UNIT} says why")
            if time.monotonic() >= until_s:
                return
            time.sleep(min(_POLL_S, self.settle_s))

    def restart(self) -> None:
        """Start the units of the release in effect without waiting, because there is no other release to return to."""
        if self._systemd_runs():
            self._renew()
            self._systemctl("restart", "--no-block", UNIT, timeout_s=60)

    def _renew(self) -> None:
        """Make systemd read the units again and forget failed starts, which would count against the new release."""
        self._systemctl("daemon-reload", timeout_s=60)
        with suppress(UpdateFailedError):  # the unit has never failed
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
