"""The checks of arm64.sh: install, make the same register as on this computer, and uninstall."""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from tests.slow.userland import CHECKOUT, REPOSITORY, Userland, run

TOLERANCE = 0.02
"""Tolerance for similarities: processors round differently, and 1 % of a cosine decides nothing."""
DATA = ("etc/edge-daemon", "etc/credstore", "var/lib/edge-daemon")
OURS = ("edge-daemon", "attendance")
PROGRAM = "/opt/edge-daemon/venv/bin/edge-daemon"


class Checks:
    """The results, in the order of the checks."""

    def __init__(self) -> None:
        self.found: list[dict[str, object]] = []
        self.times_s: dict[str, float] = {}

    def check(self, what: str, holds: bool, detail: object = "") -> None:
        self.found.append({"check": what, "holds": holds, **({"found": detail} if detail != "" else {})})
        print(f"{'ok  ' if holds else 'FAIL'} {what} {detail}", flush=True)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        begun_s = time.monotonic()
        yield
        self.times_s[what] = round(time.monotonic() - begun_s, 1)


def install(there: Userland, checks: Checks) -> None:
    """Install from nothing to an enabled service, and once more."""
    with checks.timed("install_s"):
        result = there.call("./install.sh")
    checks.check("install.sh ends well", result.returncode == 0, result.stderr[-500:] if result.returncode else "")
    checks.check("it names three next commands", result.stdout.count("\n    sudo") == 3)
    enabled = there.call("systemctl", "is-enabled", "edge-daemon.service", "edge-daemon-backup.timer")
    checks.check("systemd calls the units enabled", enabled.stdout.split() == ["enabled", "enabled"], enabled.stdout)
    with checks.timed("install_again_s"):
        again = there.call("./install.sh")
    checks.check("a second time does nothing", again.returncode == 0 and "installing" not in again.stdout)
    python = "/opt/edge-daemon/venv/bin/python"
    seen = there.call(python, "-c", "import systemd.journal, cv2, numpy, ai_edge_litert; print(numpy.__version__)")
    checks.check(
        "the program's Python sees the system's systemd", seen.returncode == 0, seen.stdout.strip() or seen.stderr
    )
    _extension_of_the_system(there, checks, python)


def _extension_of_the_system(there: Userland, checks: Checks, python: str) -> None:
    """Import a module that apt built with apt's NumPy: simplejpeg, which picamera2 needs, or a stand-in for it.

    Raspberry Pi's archive has simplejpeg, Debian's has not; bottleneck is bound to NumPy in the same way.
    """
    for name in ("simplejpeg", "bottleneck"):
        if there.call("apt-get", "install", "--yes", "--no-install-recommends", f"python3-{name}").returncode == 0:
            line = f"import {name}, numpy; assert '/usr/lib/python3' in {name}.__file__; print(numpy.__file__)"
            seen = there.call(python, "-c", line)
            own = "/opt/edge-daemon/" in seen.stdout
            checks.check(f"apt's {name} works with the NumPy of the list", own, seen.stderr[-300:])
            return
    checks.check("there is a module of the system that is bound to NumPy", False)


def lesson(there: Userland, checks: Checks, work: Path, captures: int) -> None:
    """Compare the demo's lesson on arm64 with that on this computer, with the same pictures and package versions."""
    home = work / "native"
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home / "venv", with_pip=True)
    here = str(home / "venv/bin/python")
    run(here, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(REPOSITORY / "requirements-arm.txt"))
    run(here, str(REPOSITORY / "demo/make_lesson.py"), str(home / "all"))
    drawn = sorted((home / "all").iterdir())
    (home / "frames").mkdir()
    for path in drawn[:: max(1, len(drawn) // captures)][:captures]:
        shutil.copy(path, home / "frames")
    shutil.copytree(home / "frames", there.root / "srv/frames")
    ours = _take([here, "-m", "edge_daemon"], str(home), REPOSITORY, lambda line: _native(line))
    with checks.timed("lesson_s"):
        theirs = _take([PROGRAM], "/srv", Path(CHECKOUT), lambda line: there.call(*line))
    compare(checks, ours, theirs, home / "sightings.csv", there.root / "srv/sightings.csv")


def _native(line: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=REPOSITORY)


def _take(program, folder, checkout, call) -> dict:
    roster, photos = str(checkout / "demo/roster.csv"), str(checkout / "demo/pictures/enrolment")
    for line in (
        ["enrol", "import", roster, "--photos", photos],
        ["rehearse", "--frames", f"{folder}/frames", "--sightings", f"{folder}/sightings.csv", "--json"],
    ):
        result = call([*program, "--home", f"{folder}/home", *line])
        if result.returncode:
            raise SystemExit(result.stderr)
    return json.loads(result.stdout)


def compare(checks: Checks, ours: dict, theirs: dict, here: Path, there: Path) -> None:
    """Check that registers are equal, and that similarities of the same sighting are close."""
    keys = ("student_id", "verdict", "frames_seen", "frames_attentive", "flags")
    mine, other = ([{key: s[key] for key in keys} for s in document["students"]] for document in (ours, theirs))
    checks.check("the register is the same: counts, verdicts, flags", mine == other, other)
    a, b = _similarities(here), _similarities(there)
    worst = max((abs(a[key] - b[key]) for key in a.keys() & b.keys()), default=1.0)
    checks.check("the same sightings", a.keys() == b.keys(), f"{len(a)} and {len(b)}")
    checks.check(f"similarities within {TOLERANCE}", worst <= TOLERANCE, f"at most {worst:.6f} apart")
    checks.times_s["seconds_per_capture_emulated"] = theirs["seconds_per_capture"]
    checks.times_s["seconds_per_capture_here"] = ours["seconds_per_capture"]


def _similarities(path: Path) -> dict[tuple[str, str], float]:
    with path.open(encoding="utf-8", newline="") as file:
        return {(r["frame"], r["student_id"]): float(r["similarity"]) for r in csv.DictReader(file) if r["student_id"]}


def uninstall(there: Userland, checks: Checks) -> None:
    """Check that an uninstallation leaves only data, and one with its data leaves nothing."""
    with checks.timed("uninstall_s"):
        result = there.call("./install.sh", "--uninstall")
    left = ours_in(there.layer)
    checks.check("uninstall ends well", result.returncode == 0, result.stderr[-300:] if result.returncode else "")
    checks.check("uninstall leaves only data", all(p.startswith(DATA) for p in left) and bool(left), left)
    there.call("./install.sh", "--uninstall", "--purge")
    checks.check("purge leaves nothing", ours_in(there.layer) == [], ours_in(there.layer))


def ours_in(layer: Path) -> list[str]:
    """Return the program's files in the layer, except those of the checkout and of the lesson."""
    found = []
    for folder, folders, names in os.walk(layer):
        at = os.path.relpath(folder, layer)
        if at == "srv":
            folders.clear()
        paths = [os.path.normpath(f"{at}/{name}") for name in names]
        found += [p for p in paths if any(word in p for word in OURS) and not _whiteout(layer / p)]
    return sorted(found)


def _whiteout(path: Path) -> bool:
    """Return whether overlayfs has marked a file of the lower layer as deleted: a device 0, 0."""
    return path.is_char_device()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rootfs", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--captures", type=int, default=8)
    given = parser.parse_args()
    work = Path(os.environ["WORK"])
    checks, there = Checks(), Userland(given.rootfs, work)
    install(there, checks)
    if given.captures:
        lesson(there, checks, work, given.captures)
    uninstall(there, checks)
    document = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "system": there.version(),
        "emulated_on": f"{platform.machine()}, qemu-user, {os.cpu_count()} cores; times say nothing of a board",
        "captures": given.captures,
        "similarity_tolerance": TOLERANCE,
        "checks": checks.found,
        "times_s": checks.times_s,
    }
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(c["holds"] for c in checks.found) else 1


if __name__ == "__main__":
    sys.exit(main())
