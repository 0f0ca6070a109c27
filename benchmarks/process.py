"""Other processes: their peak memory, and communication with them."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SIZES = re.compile(r"^(Pss|Rss):\s+(\d+) kB", re.MULTILINE)
_EVERY_S = 0.1

ONE_THREAD = dict.fromkeys(
    ("OPENCV_FOR_THREADS_NUM", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Environment in which no library starts its own threads."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Peaks of a process in MiB; None if the system does not report them."""

    pss: float | None
    """Proportional set size: a library loaded by k processes counts as 1/k."""
    rss: float | None
    """Resident set size: every library counts in full."""


class MemoryWatch:
    """Samples the memory of a process from outside until it ends or `stop` is called.

    Args:
        pid: the process.
    """

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/smaps_rollup")
        self._peaks_kib = {"Pss": 0, "Rss": 0}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> Memory:
        """Stop sampling, and return the peaks."""
        self._done.set()
        self._thread.join()
        pss, rss = (round(kib / 1024, 1) if kib else None for kib in self._peaks_kib.values())
        return Memory(pss, rss)

    def _watch(self) -> None:
        while not self._done.is_set():
            try:
                found = _SIZES.findall(self._path.read_text())
            except OSError:  # it has ended, or the system has no such file
                return
            for name, kib in found:
                self._peaks_kib[name] = max(self._peaks_kib[name], int(kib))
            self._done.wait(_EVERY_S)


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has finished."""

    code: int
    output: str
    errors: str
    peak: Memory


def run(command: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Run a command to its end and measure its memory."""
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    watch = MemoryWatch(process.pid)
    output, errors = process.communicate()
    return Ended(process.returncode, output, errors, watch.stop())
