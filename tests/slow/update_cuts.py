"""Tests power cuts during updates; update.sh starts this module."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

from tests.app.update.bundles import Device, bundle

_SYSTEMCTL = '#!/bin/sh\ncase "$*" in restart*) sleep 0.2 ;; *MainPID*) echo 17 ;; *ActiveState*) echo active ;; esac\n'
_WHOLE_S = 60.0


class Trial:
    """A device that is updated again and again, with power cuts."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.device, self.chance, self.folder = Device(folder), random.Random(seed), folder
        (self.device.root / "run/systemd/system").mkdir(parents=True)
        stub = folder / "bin/systemctl"
        stub.parent.mkdir()
        stub.write_text(_SYSTEMCTL)
        stub.chmod(0o755)
        path = f"{stub.parent}:{os.environ['PATH']}"
        self.environment = {**self.device.environment(), "PATH": path}
        self.steps: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.boots_cut = 0
        self.number = 1

    def update(self, release: Path) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "edge_daemon", "--home", str(self.folder / "home"), "update", "--settle", "0.3"]
        return subprocess.Popen(
            [*line, str(release)], env=self.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def cut(self, whole_s: float) -> None:
        """Begin an update to a new release, kill all of it, and boot."""
        self.number += 1
        old, new = self.device.says(), f"{self.number}.0"
        units = ("edge-daemon-odd.timer",) if self.number % 2 else ()
        release = bundle(self.folder, self.device.key, new, units=units)
        process = self.update(release)
        step = self._wait(process, whole_s)
        self._kill(process)
        self.steps[step] += 1
        if self.chance.random() < 0.4:
            self._cut_boot()
        self.device.tool("recover")
        self._look(old, new)
        release.unlink()

    def _wait(self, process: subprocess.Popen[bytes], whole_s: float) -> str:
        """Wait for a random moment of the update, or until shortly after a step began; return the step that was cut."""
        wanted = self.chance.choice(["", "preparing", "switching", "switching", "confirmed"])
        if wanted:
            until_s = time.monotonic() + 3 * whole_s
            while self._step() != wanted and process.poll() is None and time.monotonic() < until_s:
                time.sleep(0.0005)
            longest_s = {"preparing": whole_s / 2, "switching": 0.8, "confirmed": 0.02}[wanted]
            time.sleep(self.chance.uniform(0, longest_s))
        else:
            time.sleep(self.chance.uniform(0, whole_s))
        return self._step() or ("after" if process.poll() is not None else "before")

    def _step(self) -> str:
        try:
            return (self.device.journal.read_text().split() or [""])[0]
        except FileNotFoundError:
            return ""

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _cut_boot(self) -> None:
        line = [str(self.device.base / "bin/edge-daemon-release"), "recover"]
        process = subprocess.Popen(line, env=self.environment, start_new_session=True, stdout=subprocess.DEVNULL)
        time.sleep(self.chance.uniform(0, 0.05))
        self.boots_cut += process.poll() is None
        self._kill(process)

    def _look(self, old: str, new: str) -> None:
        """Check that the device runs one of the two releases completely."""
        device = self.device
        says = device.says()
        assert says in (old, new), f"{says} works, neither {old} nor {new}"
        assert device.unit() == says, f"program {says} with the units of {device.unit()}"
        assert (device.base / "current").readlink().name == says
        assert not device.journal.exists(), "the journal was not ended"
        for name in device.releases():
            assert (device.base / "releases" / name / ".complete").exists(), f"{name} is half a release"
        there = {path.name for path in (device.base / "current/systemd").iterdir()}
        linked = {path.name for path in (device.root / "usr/local/lib/systemd/system").iterdir()}
        assert linked == there, f"systemd sees {linked}, the release has {there}"
        left = [path.name for path in device.base.iterdir() if path.name.endswith(".new")]
        assert left == [], left
        self.outcomes["new" if says == new else "old"] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), given.seed)
        begun_s = time.monotonic()
        process = trial.update(bundle(Path(folder), trial.device.key, "1.5"))
        assert process.wait(_WHOLE_S) == 0, "an update that nobody cuts fails"
        whole_s = time.monotonic() - begun_s
        assert trial.device.says() == "1.5"
        for number in range(given.cuts):
            trial.cut(whole_s)
            print(f"\r{number + 1} cuts, {dict(trial.outcomes)}", end="", flush=True)
    document = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "cuts": given.cuts,
        "seed": given.seed,
        "whole_update_s": round(whole_s, 1),
        "cut_in_step": dict(trial.steps),
        "boots_cut_too": trial.boots_cut,
        "in_effect_after": dict(trial.outcomes),
        "mixed_or_broken": 0,
    }
    print(f"\n{json.dumps(document, indent=1)}")
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
