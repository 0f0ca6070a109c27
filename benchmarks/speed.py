"""Measures the cost of a capture, compared with two other programs on the same pictures, and of each model file.

    python -m benchmarks.speed --data DIR --json OUT [--yunet ONNX] [--peer-python PYTHON] [--captures N] [--rounds 25]
        [--hall DIR]

DIR is a lesson as benchmarks/lesson.py takes it. Each program has one thread and a separate process. They take turns
picture by picture, so that a busy moment of the machine affects all alike. The times do not include decoding. --hall
is another lesson, of a large room, that the program runs as a user runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks import command, folder, lesson, lesson_verdicts, machine, process, speed_models, speed_threads
from benchmarks.lesson_truth import read_truth
from edge_daemon.device import journal

_SLOW_EVERY = 5
"""face_recognition runs only on one of this many pictures."""
PEER = Path(__file__).with_name("peer_face_recognition.py")


@dataclass(frozen=True, slots=True)
class Took:
    """Times and number of faces of one program for one picture."""

    wall_s: float
    cpu_s: float
    faces: int


class Contender:
    """A process that works on pictures, one at a time.

    Args:
        command: the command to start.
    """

    def __init__(self, command: Sequence[str]) -> None:
        environment = {**os.environ, **process.ONE_THREAD, "PYTHONPATH": str(lesson.ROOT)}
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._watch = process.MemoryWatch(self._process.pid)
        self.took: dict[Path, Took] = {}
        self.greeting = self._line().removeprefix("ready").strip()

    def work(self, picture: Path) -> None:
        """Make the contender work on a picture."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{picture}\n")
        self.took[picture] = Took(**json.loads(self._line()))

    def end(self) -> Took | None:
        """Let the process end; return its result for the work at the end, None if it reports none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        rest = self._process.stdout.read()
        self._process.wait()
        return Took(**json.loads(rest)) if rest.strip() else None

    def json(self) -> dict[str, object]:
        """Return the contender's figures."""
        peak = self._watch.stop()
        took = list(self.took.values())
        return {
            "captures": len(took),
            "seconds_mean": round(mean(t.wall_s for t in took), 4),
            "seconds_median": round(median(t.wall_s for t in took), 4),
            "cpu_seconds_mean": round(mean(t.cpu_s for t in took), 4),
            "peak_pss_mib": peak.pss,
            "peak_rss_mib": peak.rss,
        }

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise lesson.ProgramError("a contender ended early", " ".join(map(str, self._process.args)))  # type: ignore[arg-type]
        return line


def main() -> int:
    """Run the command."""
    text = "Time and memory of a capture beside two peers; milliseconds of every model file."
    parser = command.parser("benchmarks.speed", text, "a lesson (frames/, photos/, roster.csv, truth.csv, boxes.csv)")
    parser.add_argument("--yunet", type=Path, metavar="ONNX", help="YuNet's model; without it this peer is skipped")
    parser.add_argument("--peer-python", type=Path, metavar="PYTHON", help="interpreter that has face_recognition")
    parser.add_argument("--hall", type=Path, metavar="DIR", help="also run this lesson of a large room")
    parser.add_argument("--captures", type=int, help="number of captures to use (default: all)")
    parser.add_argument("--rounds", type=int, default=25, help="rounds over the model files (default 25)")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, and return the results for the JSON file."""
    read_truth(arguments.data)  # raises DataError unless it is a lesson
    models = command.models(arguments)
    load = os.getloadavg()[0]
    found = _captures(arguments)
    first = folder.picture(min(_frames(arguments.data)))
    found["ratios"]["wall"]["threads_2_1"] = speed_threads.speedup(models, first)
    hall = {"hall": _hall(arguments.hall, arguments.models)} if arguments.hall else {}
    return {
        "load_at_start": round(load, 1),
        "models": speed_models.timed(models, arguments.rounds),
        **found,
        **hall,
        "measured": machine.described(models),
    }


def _frames(data: Path) -> list[Path]:
    return sorted(p for p in (data / "frames").iterdir() if not p.name.startswith("."))


def _hall(data: Path, models: Path | None) -> dict[str, object]:
    ran = lesson.run_lesson(data, 1, models)
    return {
        "students": len(ran.truth.students),
        "captures": len(ran.truth.faces),
        "picture_pixels": _pixels(_frames(data)[0]),
        "seconds_a_capture": ran.seconds_per_capture,
        "cpu_seconds_a_capture": ran.cpu_seconds_per_capture,
        "peak_pss_mib": ran.rehearse_peak.pss,
        "verdicts_right": lesson_verdicts.scored([(ran.truth, ran.outcome)])["verdicts_right"],
    }


def _captures(arguments: argparse.Namespace) -> dict[str, Any]:
    frames = _frames(arguments.data)[: arguments.captures]
    with tempfile.TemporaryDirectory(prefix="edge-daemon-speed-") as temporary:
        home = Path(temporary) / "home"
        lesson.enrol(arguments.data, home, 1, arguments.models)
        contenders = _contenders(arguments, home, len(frames))
        for done, frame in enumerate(frames):
            for name, contender in contenders.items():
                if name != "face_recognition" or done % _SLOW_EVERY == 0:
                    contender.work(frame)
            command.progress(done + 1, len(frames), "captures")
        at_end = {name: contender.end() for name, contender in contenders.items()}
    return report(contenders, at_end["program"], len(frames), _pixels(frames[0]))


def report(contenders: dict[str, Contender], finalising: Took | None, captures: int, pixels: int) -> dict[str, Any]:
    """Return the figures of all contenders, and the ratios for the project's targets."""
    extra_s = finalising.wall_s / captures if finalising else 0.0
    extra_cpu_s = finalising.cpu_s / captures if finalising else 0.0
    found: dict[str, Any] = {
        "picture_pixels": pixels,
        "contenders": {name: contender.json() for name, contender in contenders.items()},
        "register_seconds_a_capture": round(extra_s, 4),
        "skipped": [name for name in ("yunet_and_float32", "face_recognition") if name not in contenders],
        "peer_versions": [c.greeting for c in contenders.values() if c.greeting],
    }
    return {
        **found,
        "ratios": {"wall": _ratios(contenders, extra_s, "wall_s"), "cpu": _ratios(contenders, extra_cpu_s, "cpu_s")},
    }


def _ratios(contenders: dict[str, Contender], extra_s: float, clock: str) -> dict[str, float]:
    """Return the ratios by one clock. A busy machine increases wall time, but hardly processor time."""
    program, sweep = ({p: getattr(t, clock) for p, t in contenders[n].took.items()} for n in ("program", "sweep"))
    lesson_s = mean(program.values()) + extra_s
    ratios: dict[str, float] = {}
    if yunet := contenders.get("yunet_and_float32"):
        theirs = {p: getattr(t, clock) for p, t in yunet.took.items()}
        ratios["lesson_mean_to_yunet"] = round(lesson_s / mean(theirs.values()), 3)
        ratios["full_sweep_to_yunet"] = round(median(sweep[p] / theirs[p] for p in theirs), 3)
    if dlib := contenders.get("face_recognition"):
        theirs = {p: getattr(t, clock) for p, t in dlib.took.items()}
        ratios["face_recognition_to_lesson_mean"] = round(mean(theirs.values()) / lesson_s, 2)
        ratios["face_recognition_to_full_sweep"] = round(median(theirs[p] / sweep[p] for p in theirs), 2)
    return ratios


def _contenders(arguments: argparse.Namespace, home: Path, captures: int) -> dict[str, Contender]:
    python = [sys.executable, "-m", "benchmarks.contender"]
    models = ["--models", str(arguments.models)] if arguments.models else []
    found = {
        "program": Contender([*python, "program", str(home), str(captures), *models]),
        "sweep": Contender([*python, "sweep", *models]),
    }
    if arguments.yunet:
        found["yunet_and_float32"] = Contender([*python, "yunet", str(arguments.yunet), *models])
    if arguments.peer_python:
        if not arguments.peer_python.exists():
            raise folder.DataError("no such interpreter", str(arguments.peer_python))
        found["face_recognition"] = Contender([str(arguments.peer_python), str(PEER)])
    return found


def _pixels(frame: Path) -> int:
    height, width = folder.picture(frame).shape[:2]
    return height * width


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
