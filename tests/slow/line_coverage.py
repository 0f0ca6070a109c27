"""Measures the share of a part's lines and branches that its own tests execute; the last measured share is the floor.

    python -m tests.slow.line_coverage [PART...] [--keep]

A part is a folder of the program that has a folder of tests with its name: `attendance`, `app/inbox`. Only those tests
run; tests of other folders may cover more. Separate processes (workers, the camera, shell commands) are not measured.
The floors are in benchmarks/results/coverage.json; --keep replaces them by the measured shares. The exit code is 1 if a
part is more than a percentage point below its floor. This is no part of the gate, because it makes the tests slower.
`coverage` is in the extra `test`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "benchmarks/results/coverage.json"
_SLACK_POINTS = 1.0


def parts() -> list[str]:
    """Return every folder of the program with tests of its own, with each folder of `app` as a part."""
    program, tests = ROOT / "edge_daemon", ROOT / "tests"
    folders = [path for place in (program, program / "app") for path in sorted(place.iterdir()) if path.is_dir()]
    names = (str(path.relative_to(program)) for path in folders)
    return [name for name in names if name != "app" and any((tests / name).glob("**/test_*.py"))]


def measure(part: str, *, counted: bool = True) -> tuple[float, float]:
    """Run the tests of a part; return the percentage of its lines and branches, and the CPU-seconds.

    Raises:
        SystemExit: a test failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        data, out = f"--data-file={folder}/data", Path(folder, "out.json")
        tool = [sys.executable, "-m", "coverage", "run", "--branch", f"--source=edge_daemon/{part}", data]
        tests = ["-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", f"tests/{part}"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        completed = subprocess.run([*(tool if counted else tool[:1]), *tests], cwd=ROOT, env=os.environ, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if completed.returncode:
            raise SystemExit(f"{part}: a test failed; nothing is measured")
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if not counted:
            return 0.0, cpu_s
        subprocess.run([*tool[:3], "json", data, "-q", "-o", str(out)], check=True, cwd=ROOT)
        return float(json.loads(out.read_text("utf-8"))["totals"]["percent_covered"]), cpu_s


def main() -> int:
    """Measure what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", metavar="PART", help=", ".join(parts()))
    parser.add_argument("--keep", action="store_true", help="write what was measured as the new floors")
    given = parser.parse_args()
    result = _stored()
    below = []
    for part in given.part or parts():
        percent, cpu_s = measure(part)
        floor = max(0.0, result["parts"].get(part, {}).get("percent", 0.0) - _SLACK_POINTS)
        if percent < floor:
            below.append(part)
        print(f"{percent:5.1f} %  {part}, {cpu_s:.0f} CPU-seconds; the floor is {floor:.1f} %", flush=True)
        if given.keep:
            result = _stored()  # other parts may be measured at the same time
            at = datetime.now(timezone.utc).strftime("%Y-%m-%d")
            result["parts"][part] = {"percent": round(percent, 1), "cpu_s": round(cpu_s, 1), "at": at}
            result["python"] = platform.python_version()
            result["not_measured"] = [name for name in parts() if name not in result["parts"]]
            RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    if below:
        print(f"below the floor: {', '.join(below)}")
    return 1 if below else 0


def _stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {"parts": {}}
    return found


if __name__ == "__main__":
    sys.exit(main())
