"""Whole lessons, run by the program as a user runs it: verdicts, names, strangers, time and memory.

    python -m benchmarks.lesson --data DIR --json OUT [--threads 1] [--cache CACHE]

DIR is a lesson as a lesson maker writes it (frames/, photos/, roster.csv, truth.csv, boxes.csv), or a folder of such
lessons, which are pooled. Lessons with a scenario.json (written by `benchmarks.scenarios.make`) are also reported by
scenario. With CACHE, the benchmark reuses faces that the same networks and the same code found before. A run
after a change of naming then takes seconds only, but time and memory are not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks import command, folder, lesson_faces, lesson_replay, lesson_scenarios, lesson_verdicts, machine, process
from benchmarks.lesson_truth import Outcome, Truth, read_outcome, read_truth
from edge_daemon.device import journal
from edge_daemon.errors import EdgeError

ROOT = Path(__file__).resolve().parents[1]


class ProgramError(EdgeError):
    """The program itself did not finish."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class LessonResult:
    """A lesson that the program ran."""

    truth: Truth
    outcome: Outcome
    seconds_per_capture: float | None
    """Wall-clock time of a capture; None: it was not measured."""
    cpu_seconds_per_capture: float | None
    """Processor time of all threads together."""
    rehearse_peak: process.Memory
    enrol_peak: process.Memory


def main() -> int:
    """Run the command."""
    data = "a lesson (frames/, photos/, roster.csv, truth.csv, boxes.csv), or a folder of lessons"
    parser = command.parser("benchmarks.lesson", "Whole lessons: verdicts, names, time, memory.", data)
    parser.add_argument("--threads", type=int, default=1, help="vision.threads (default 1; 0: all cores)")
    parser.add_argument("--jobs", type=int, default=1, help="lessons at a time (default 1; more distorts the times)")
    parser.add_argument("--cache", type=Path, help="folder for found faces; turns timing off")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the results, pooled over all lessons."""
    models = command.models(arguments)
    paths = lessons(arguments.data)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        runs = list(pool.map(lambda path: _run(path, arguments), paths))
    return {**pooled(runs), "threads": arguments.threads, "measured": machine.described(models)}


def _run(path: Path, arguments: argparse.Namespace) -> LessonResult:
    if arguments.cache is None:
        return run_lesson(path, arguments.threads, arguments.models)
    truth = read_truth(path)
    text = settings(arguments.threads, arguments.models)
    outcome = lesson_replay.replay(path, text, arguments.cache, enrol_with)
    return LessonResult(truth, outcome, None, None, process.Memory(None, None), process.Memory(None, None))


def pooled(runs: Sequence[LessonResult]) -> dict[str, object]:
    """Return the figures of all lessons together, and the mistakes in each."""
    both = [(run.truth, run.outcome) for run in runs]
    return {
        "lessons": [run.truth.name for run in runs],
        **lesson_verdicts.scored(both),
        "scenarios": lesson_scenarios.scored(both),
        **lesson_faces.scored(both),
        "seconds_per_capture": _seconds({run.truth.name: run.seconds_per_capture for run in runs}),
        "cpu_seconds_per_capture": _seconds({run.truth.name: run.cpu_seconds_per_capture for run in runs}),
        "peak_pss_mib": {
            "rehearse": _most([run.rehearse_peak.pss for run in runs]),
            "enrol import": _most([run.enrol_peak.pss for run in runs]),
        },
        "peak_rss_mib": {
            "rehearse": _most([run.rehearse_peak.rss for run in runs]),
            "enrol import": _most([run.enrol_peak.rss for run in runs]),
        },
        "mistakes": [m for truth, outcome in both for m in lesson_verdicts.mistakes(truth, outcome)],
    }


def _seconds(by_lesson: Mapping[str, float | None]) -> dict[str, object]:
    timed = [one for one in by_lesson.values() if one is not None]
    return {"mean": round(sum(timed) / len(timed), 4) if timed else None, "by_lesson": dict(by_lesson)}


def lessons(data: Path) -> list[Path]:
    """Return the lesson, or the lessons in the folder; raises DataError if there is none."""
    if (data / "truth.csv").is_file():
        return [data]
    found = sorted(path.parent for path in data.glob("*/truth.csv"))
    if not found:
        raise folder.DataError("is not a lesson and contains none", str(data), "truth.csv is missing")
    return found


def run_lesson(path: Path, threads: int, models: Path | None) -> LessonResult:
    """Enrol and rehearse one lesson in a fresh home."""
    truth = read_truth(path)
    with tempfile.TemporaryDirectory(prefix="edge-daemon-lesson-") as temporary:
        home = Path(temporary) / "home"
        enrolled = enrol(path, home, threads, models)
        sightings = Path(temporary) / "sightings.csv"
        asked = ("rehearse", "--frames", str(path / "frames"), "--json", "--sightings", str(sightings))
        rehearsed = edge_daemon(home, *asked)
        document = json.loads(rehearsed.output)
        outcome = read_outcome(document, sightings)
    seconds, cpu_seconds = (float(document[key]) for key in ("seconds_per_capture", "cpu_seconds_per_capture"))
    return LessonResult(truth, outcome, seconds, cpu_seconds, rehearsed.peak, enrolled.peak)


def enrol(path: Path, home: Path, threads: int, models: Path | None) -> process.Ended:
    """Make a home and enrol the lesson's students in it."""
    return enrol_with(path, home, settings(threads, models))


def enrol_with(path: Path, home: Path, text: str) -> process.Ended:
    """Do the same as `enrol`, with the text of a config.toml."""
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(text, encoding="utf-8")
    return edge_daemon(home, "enrol", "import", str(path / "roster.csv"), "--photos", str(path / "photos"))


def edge_daemon(home: Path, *arguments: str) -> process.Ended:
    """Run the program in a separate process; raises ProgramError if it does not exit with 0."""
    environment = {**os.environ, **process.ONE_THREAD, "PYTHONPATH": str(ROOT)}
    ended = process.run([sys.executable, "-m", "edge_daemon", "--home", str(home), *arguments], environment)
    if ended.code:
        last = (ended.errors.strip().splitlines() or [""])[-1]
        raise ProgramError(f"edge-daemon {arguments[0]} exited {ended.code} ({last})", arguments[-1])
    return ended


def settings(threads: int, models: Path | None) -> str:
    """Return the text of the config.toml for the measurement."""
    text = f"[vision]\nthreads = {threads}\n"
    return text + f"[models]\ndir = {json.dumps(str(models.resolve()))}\n" if models else text


def _most(values: Sequence[float | None]) -> float | None:
    return max((v for v in values if v is not None), default=None)


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
