"""The report of a slow test: a line for each promise when it is checked, and JSON at the end."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise, and whether it was kept."""

    check: str
    passed: bool
    detail: str


class Report:
    """Collects findings and figures; prints as it goes."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._figures: dict[str, float] = {}
        self._not_checked: dict[str, str] = {}
        self._load = round(os.getloadavg()[0], 1)

    @property
    def failed(self) -> int:
        """Number of broken promises."""
        return sum(not finding.passed for finding in self._findings)

    def check(self, promise: str, passed: bool, detail: object = "") -> bool:
        """Record and print whether a promise was kept; return `passed`."""
        self._findings.append(Finding(promise, bool(passed), str(detail)))
        print(f"{'PASS' if passed else 'FAIL'} {promise}{f': {detail}' if detail != '' else ''}", flush=True)
        return bool(passed)

    def not_checked(self, promise: str, why: str) -> None:
        """Record a promise that can't be checked on this machine, and why."""
        self._not_checked[promise] = why
        print(f"NOT CHECKED {promise}: {why}", flush=True)

    def figure(self, name: str, value: float) -> float:
        """Record a measured figure, whose name ends with its unit; return the figure."""
        self._figures[name] = round(value, 3)
        return value

    def write(self, path: Path, **about: object) -> None:
        """Write the findings and figures as JSON."""
        document = {
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": _commit(),
            "kernel": platform.release(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "load_at_start": self._load,
            **about,
            "passed": len(self._findings) - self.failed,
            "failed": self.failed,
            "not_checked": self._not_checked,
            "figures": self._figures,
            "checks": [asdict(finding) for finding in self._findings],
        }
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def wait_for(condition: Callable[[], bool], timeout_s: float, every_s: float = 0.25) -> float | None:
    """Return the seconds until a condition held; None if it did not hold within `timeout_s`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout_s:
            return None
        time.sleep(every_s)
    return time.monotonic() - started


def _commit() -> str:
    if commit := os.environ.get("COMMIT"):  # in a machine without the repository
        return commit
    completed = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return completed.stdout.strip()
