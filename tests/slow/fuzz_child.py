"""The process that feeds one parser: `python -m tests.slow.fuzz_child PARSER SEED FIRST FOLDER`.

Input NUMBER follows from parser, seed and number alone. Each input is in FOLDER/input while it is read. One line of
JSON on stdout reports that the process begins it, a second one the outcome. If FIRST is negative, the process reads the
undamaged inputs instead.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edge_daemon.errors import EdgeError
from tests.slow import fuzz_documents as documents
from tests.slow import fuzz_parsers as parsers
from tests.slow.fuzz_mutators import Files

PARSERS: Final[Mapping[str, Callable[[], parsers.Parser]]] = {
    "calendar": parsers.CalendarParser,
    "roster": parsers.RosterParser,
    "oneroster": parsers.OneRosterParser,
    "configuration": parsers.ConfigurationParser,
    "register": documents.RegisterParser,
    "corrections": documents.CorrectionsParser,
    "bundle": documents.BundleParser,
    "photographs": documents.PhotographParser,
    "card": documents.CardParser,
}
MOST_CPU_S: Final = 10.0
MOST_MB: Final = 300.0
LONGEST_LINE: Final = 4000
_RESET_PEAK: Final = "5"  # proc(5), /proc/pid/clear_refs: resets VmHWM


def main() -> int:
    """Read inputs until the pipe is closed."""
    name, seed, first, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    say = _apart_from_stdout()
    parser = PARSERS[name]()
    for number, files in _seeds(parser) if first < 0 else _damaged(parser, name, seed, first):
        _lay(files, folder / "input")
        say({"begins": number})
        result = _read(parser, folder / "input")
        say({"number": number, **result})
        if "fault" in result:
            break  # the input stays where it lies, to be kept
    return 0


def _seeds(parser: parsers.Parser) -> Iterator[tuple[int, Files]]:
    yield from enumerate(parser.seeds)


def _damaged(parser: parsers.Parser, name: str, seed: str, first: int) -> Iterator[tuple[int, Files]]:
    number = first
    while True:
        yield number, parser.mutated(number, random.Random(f"{name} {seed} {number}"))
        number += 1


def _lay(files: Files, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _read(parser: parsers.Parser, folder: Path) -> dict[str, Any]:
    """Return the outcome of an input: its cost in this process and its helpers, and a fault if there was one."""
    for process in (os.getpid(), *parser.processes()):
        _reset_peak(process)
    before_s, before = _cpu_s(parser), time.monotonic()
    result: dict[str, Any] = {"accepted": False}
    try:
        result["read"] = parser.read(folder)
        result["accepted"] = True
    except EdgeError as error:
        line = error.line()
        result["line"] = line[:200]
        if not line or len(line) > LONGEST_LINE or not line.isprintable():
            result["fault"], result["where"] = "a refusal that is no line to be read", type(error).__name__
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "edge_daemon" in frame.filename]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside"
        result["fault"], result["where"] = f"traceback: {type(error).__name__}", where
        result["traceback"] = traceback.format_exc()[-4000:]
    result["process_cpu_s"] = _cpu_s(parser)
    result["cpu_s"] = max(0.0, result["process_cpu_s"] - before_s)
    result["wall_s"] = time.monotonic() - before
    result["peak_mb"] = max(_peak_mb(process) for process in (os.getpid(), *parser.processes()))
    if "fault" not in result and result["cpu_s"] > MOST_CPU_S:
        result |= {"fault": f"more than {MOST_CPU_S:.0f} s", "where": ""}
    if "fault" not in result and result["peak_mb"] > MOST_MB:
        result |= {"fault": f"more than {MOST_MB:.0f} MB", "where": ""}
    return result


def _cpu_s(parser: parsers.Parser) -> float:
    """Return the CPU time of this process, of its children that ended, and of those that work for the parser."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total_s = sum(one.ru_utime + one.ru_stime for one in both)
    for process in parser.processes():
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        total_s += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total_s


def _reset_peak(process: int) -> None:
    Path(f"/proc/{process}/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def _peak_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def _apart_from_stdout() -> Callable[[Mapping[str, Any]], None]:
    """Return a function that writes a line to the pipe. The output of libraries goes to stderr from then on."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(words: Mapping[str, Any]) -> None:
        print(json.dumps(words), file=pipe, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())
