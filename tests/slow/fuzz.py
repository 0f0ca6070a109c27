"""Damaged inputs for every parser: each is read, or refused in one line, within 10 s of CPU and 300 MB.

    python -m tests.slow.fuzz [PARSER...] [--cpu-minutes 10] [--seed 1] [--keep DIR] [--json OUT]

Parsers: calendar roster oneroster configuration register corrections bundle photographs card; without a name, all.

First each parser gets its undamaged inputs, made by the project's own code. If it refuses one, it is not fuzzed and the
command fails. Then it gets as many damaged inputs as the CPU minutes allow, for the processes that make and read them.

Memory is VmHWM of the process and of its helpers (the decoder of photographs), reset before each input. An input that
causes a fault is kept in DIR. Exit code 1 means that there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any, Final

PARSERS: Final = (
    *("calendar", "roster", "oneroster", "configuration", "register", "corrections", "bundle", "photographs", "card"),
)
_HANGS_S: Final = 120.0
"""Wall-clock time after which an input's process is killed; it is long because the machine may be busy."""
_OF_A_PROCESS: Final = 2000
"""Number of inputs for one process. Then a fresh process starts, so that leaked memory is not counted for an input."""
_KEPT: Final = 3


@dataclass
class Result:
    """The results of one parser."""

    seeds: int = 0
    inputs: int = 0
    accepted: int = 0
    refused_in_one_line: int = 0
    cpu_s: float = 0.0
    slowest_cpu_s: float = 0.0
    highest_peak_mb: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    refusals: set[str] = field(default_factory=set)

    def document(self) -> dict[str, object]:
        """Return the results for the file."""
        return {
            "date": datetime.now(timezone.utc).date().isoformat(),
            "cpu_minutes": round(self.cpu_s / 60, 1),
            "undamaged_inputs_accepted": self.seeds,
            "inputs": self.inputs,
            "accepted": self.accepted,
            "refused_in_one_line": self.refused_in_one_line,
            "different_refusals": len(self.refusals),
            "slowest_cpu_s": round(self.slowest_cpu_s, 2),
            "highest_peak_mb": round(self.highest_peak_mb),
            "faults": dict(self.faults),
        }


class Child:
    """The process that reads inputs."""

    def __init__(self, parser: str, seed: int, first: int, folder: Path) -> None:
        line = [sys.executable, "-m", "tests.slow.fuzz_child", parser, str(seed), str(first), str(folder)]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            line,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        self._rest = b""
        self.has_begun = False
        """Whether the process has begun an input and has not answered yet."""

    def line(self, longest_s: float) -> dict[str, Any] | None:
        """Return the next line of the process; None if it ended.

        Raises:
            TimeoutError: the process is silent.
        """
        assert self.process.stdout is not None
        while b"\n" not in self._rest:
            if not select.select([self.process.stdout], [], [], longest_s)[0]:
                raise TimeoutError
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                return None
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        self.has_begun = "begins" in answer
        return answer

    def last_words(self) -> str:
        """Return the end of the process's stderr."""
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode("utf-8", "replace")

    def end(self) -> None:
        """Kill the process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def check_seeds(parser: str, folder: Path) -> int:
    """Return how many undamaged inputs there are; fail if one is refused or gives no result."""
    child, taken = Child(parser, 0, -1, folder), 0
    try:
        while (answer := child.line(_HANGS_S)) is not None:
            if "begins" in answer:
                continue
            if not answer["accepted"] or not answer["read"] or "fault" in answer:
                sys.exit(f"{parser}: undamaged input {answer['number']} is not taken: {json.dumps(answer, indent=1)}")
            taken += 1
        if child.process.wait() or not taken:
            sys.exit(f"{parser}: its inputs could not be made\n{child.last_words()}")
    finally:
        child.end()
    return taken


def fuzz(parser: str, cpu_s: float, seed: int, folder: Path, keep: Path) -> Result:
    """Give a parser damaged inputs until the processes that make and read them have used this much CPU time."""
    result, first = Result(seeds=check_seeds(parser, folder)), 0
    while result.cpu_s < cpu_s:
        child = Child(parser, seed, first, folder)
        try:
            first = _feed(child, result, first, cpu_s, folder, keep / parser)
        finally:
            child.end()
    return result


def _feed(child: Child, result: Result, first: int, cpu_s: float, folder: Path, keep: Path) -> int:
    """Read the answers of one process until a fault, its last input, or the time limit; return the next number."""
    number, before_s = first - 1, result.cpu_s
    while result.cpu_s < cpu_s and number < first + _OF_A_PROCESS:
        answer = _answer(child, number)
        if "begins" in answer:
            number = answer["begins"]
            continue
        result.cpu_s = max(result.cpu_s, before_s + answer["process_cpu_s"])
        if _count(result, answer, folder, keep):
            break
    return number + 1


def _answer(child: Child, number: int) -> dict[str, Any]:
    """Return the next answer of the process, or an answer that says that it hangs or crashed."""
    lost = {"number": number, "accepted": False, "cpu_s": 0.0, "process_cpu_s": 0.0, "peak_mb": 0.0}
    try:
        answer = child.line(_HANGS_S)
    except TimeoutError:
        return {**lost, "fault": f"took more than {_HANGS_S:.0f} s", "where": ""}
    if answer is None and not child.has_begun:
        sys.exit(f"the process that makes inputs failed\n{child.last_words()}")
    if answer is None:
        return {
            **lost,
            "fault": "crashed",
            "where": f"exit code {child.process.wait()}",
            "traceback": child.last_words(),
        }
    return answer


def _count(result: Result, answer: dict[str, Any], folder: Path, keep: Path) -> bool:
    """Add the outcome of one input; return whether it is a fault."""
    result.inputs += 1
    result.slowest_cpu_s = max(result.slowest_cpu_s, answer["cpu_s"])
    result.highest_peak_mb = max(result.highest_peak_mb, answer["peak_mb"])
    fault = answer.get("fault", "")
    if not fault:
        result.accepted += answer["accepted"]
        result.refused_in_one_line += not answer["accepted"]
        result.refusals.add("".join(c for c in answer.get("line", "") if c.isalpha())[-60:])
        return False
    name = f"{fault} {answer['where']}".strip()
    result.faults[name] += 1
    if result.faults[name] <= _KEPT:
        place = keep / f"{answer['number']}"
        shutil.copytree(folder / "input", place, dirs_exist_ok=True)
        (place.parent / f"{place.name}.json").write_text(json.dumps(answer, indent=1), encoding="utf-8")
        print(f"\nFAULT: {name}: {place}", flush=True)
    return True


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("parsers", nargs="*", choices=[[], *PARSERS], metavar="PARSER")
    arguments.add_argument("--cpu-minutes", type=float, default=10.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--keep", type=Path, default=Path("fuzz-faults"))
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    faults = 0
    for parser in given.parsers or PARSERS:
        begun_s = time.monotonic()
        with tempfile.TemporaryDirectory(
            prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None
        ) as folder:
            result = fuzz(parser, given.cpu_minutes * 60, given.seed, Path(folder), given.keep)
        print(f"{parser}: {json.dumps(result.document())}, {time.monotonic() - begun_s:.0f} s", flush=True)
        faults += result.faults.total()
        if given.json:
            _keep(given.json, parser, given.seed, result)
    return 1 if faults else 0


def _keep(path: Path, parser: str, seed: int, result: Result) -> None:
    """Write the result of one parser into the file, which keeps those of other parsers and seeds."""
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    document["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    document["limits"] = {"cpu_s": 10, "peak_mb": 300}
    runs = document.get("parsers", {})
    runs[parser] = [one for one in runs.get(parser, ()) if one["seed"] != seed] + [{"seed": seed, **result.document()}]
    document["parsers"] = {name: runs[name] for name in PARSERS if name in runs}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
