"""A clock for tests: time passes only while a process waits, or when a test sets it.

One file of a few numbers is the time of all processes of a simulation. A worker that waits moves it on; the service
moves it on only while it has no worker. A test that needs time to look makes it stand still at an instant.
"""

from __future__ import annotations

import math
import mmap
import os
import select
import struct
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this file is also a program: the worker of a simulation

from edge_daemon.device.clock import Reading  # noqa: E402

STATES = ("synchronised", "rtc", "unsynchronised")
LAYOUT = struct.Struct("<ddqqd")
VARIABLE = "EDGE_DAEMON_SIMULATION"
WORKER = (sys.executable, str(Path(__file__)))


class SimulatedClock:
    """Wall time, time since boot, trust, boot id, and the instant of a stop, in a file that processes share."""

    def __init__(self, path: Path, *, leads: bool = False) -> None:
        if not path.exists():
            path.write_bytes(LAYOUT.pack(0.0, 0.0, 0, 0, math.inf))
        self._leads = leads
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), LAYOUT.size)

    def set(self, *, utc: datetime | None = None, state: str | None = None, boot: int | None = None) -> None:
        utc_s, boottime_s, state_index, boot_number, stop_s = self._get()
        if boot is not None and boot != boot_number:
            boottime_s, boot_number = 10.0, boot
        if utc is not None:
            utc_s = utc.timestamp()
        if state is not None:
            state_index = STATES.index(state)
        self._put(utc_s, boottime_s, state_index, boot_number, stop_s)

    def stop_at(self, utc: datetime | None) -> None:
        """Stop the time at an instant, however many processes wait; None: let it pass again."""
        self._put(*self._get()[:4], math.inf if utc is None else utc.timestamp())

    @property
    def boot(self) -> int:
        return self._get()[3]

    def pass_s(self, seconds: float) -> None:
        utc_s, boottime_s, state_index, boot_number, stop_s = self._get()
        seconds = max(0.0, min(seconds, stop_s - utc_s))
        self._put(utc_s + seconds, boottime_s + seconds, state_index, boot_number, stop_s)

    def reading(self) -> Reading:
        utc_s, boottime_s, state_index, boot_number, _ = self._get()
        utc = datetime.fromtimestamp(utc_s, timezone.utc)
        return Reading(utc, boottime_s, STATES[state_index], f"boot-{boot_number}")

    def wait(self, seconds: float, wake: Sequence[int] = ()) -> bool:
        follows = not self._leads and len(wake) > 1
        stands = self._get()[0] >= self._get()[4]
        ready = select.select(list(wake), [], [], 1.0 if follows else 0.05 if stands else 0.0)[0]
        if not ready and not follows:
            self.pass_s(max(seconds, 0.001))
        return bool(ready)

    def _get(self) -> tuple[float, float, int, int, float]:
        return LAYOUT.unpack(self._map[:])

    def _put(self, *values: float) -> None:
        self._map[:] = LAYOUT.pack(*values)


def main() -> None:
    from edge_daemon.app.service import worker
    from edge_daemon.camera.process import CameraProcess

    # Deadlines of a camera pass with the time of this computer, which may be busier than any device.
    CameraProcess.__init__.__kwdefaults__["deadline_s"] = 120.0
    worker.main(SimulatedClock(Path(os.environ[VARIABLE]), leads=True))


if __name__ == "__main__":
    main()
