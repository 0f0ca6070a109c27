"""Another process: its peak of memory, and talking to it."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_EVERY_S = 0.05

ONE_THREAD = {
    name: "1" for name in ("OPENCV_FOR_THREADS_NUM", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}
"""Environment in which no library starts threads of its own."""


class MemoryWatch:
    """Samples the proportional set size (PSS) of a process from outside until it ends or `stop` is called.

    Args:
        pid: the process.
    """

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/smaps_rollup")
        self._peak_kib = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float | None:
        """Return the peak in MiB; None where the system does not tell."""
        self._done.set()
        self._thread.join()
        return round(self._peak_kib / 1024, 1) if self._peak_kib else None

    def _watch(self) -> None:
        while not self._done.is_set():
            try:
                found = _PSS.search(self._path.read_text())
            except OSError:  # it has ended, or the system has no such file
                return
            if found:
                self._peak_kib = max(self._peak_kib, int(found[1]))
            self._done.wait(_EVERY_S)


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has run."""

    code: int
    output: str
    errors: str
    peak_pss_mib: float | None


def run(command: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Run a command to its end and watch its memory."""
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    watch = MemoryWatch(process.pid)
    output, errors = process.communicate()
    return Ended(process.returncode, output, errors, watch.stop())
