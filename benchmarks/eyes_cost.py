"""Cost of measuring eyes in a lesson: memory, and processor time of captures with and without the analyser, in turns.

    python -m benchmarks.eyes_cost --data DIR --json OUT

DIR is a lesson folder as `benchmarks.mask_cost` takes it. A lesson looks at eyes in 20 of its 100 captures only.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import command, folder, machine
from benchmarks.mask_cost import frames
from edge_daemon.attendance.attention import CAPTURES_A_MOMENT, MOMENTS
from edge_daemon.device import journal
from edge_daemon.device.heap import return_large_blocks
from edge_daemon.types import Picture
from edge_daemon.vision.pipeline import Detector, RoomDetector

ROUNDS = 2
_LESSON_CAPTURES = 100
_SHARE = MOMENTS * CAPTURES_A_MOMENT / _LESSON_CAPTURES


def main() -> int:
    """Run the command, with the memory settings of the program."""
    return_large_blocks()
    parser = command.parser("benchmarks.eyes_cost", "Cost of a lesson with shut eyes looked for.", "a lesson folder")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the processor seconds with and without the analyser, their ratios, and the memory that it adds."""
    models = command.models(arguments)
    pictures = [folder.picture(path) for path in frames(arguments.data)]
    detectors = {"off": Detector(models, threads=1)}
    _lesson(detectors["off"], pictures[:1])
    before = _pss_mib()
    detectors["on"] = Detector(models, threads=1, traits=("eyes",))
    _lesson(detectors["on"], pictures[:1])
    detector_mib = _pss_mib() - before
    second = Detector(models, threads=1)
    _lesson(second, pictures[:1])
    plain_mib = _pss_mib() - before - detector_mib
    seconds = {"off": 0.0, "on": 0.0}
    faces = measured = 0
    for turn in range(ROUNDS):
        for way in ("off", "on") if turn % 2 == 0 else ("on", "off"):
            spent_s, faces, with_eyes = _lesson(detectors[way], pictures)
            seconds[way] += spent_s
            measured = max(measured, with_eyes)
    ratio = seconds["on"] / seconds["off"]
    return {
        "captures": len(pictures),
        "faces": faces,
        "measured_faces": measured,
        "cpu_s_a_capture": {way: round(s / ROUNDS / len(pictures), 4) for way, s in seconds.items()},
        "ratio": round(ratio, 4),
        "lesson_ratio": round(1 + _SHARE * (ratio - 1), 4),
        "pss_more_mib": round(detector_mib - plain_mib, 1),
        "measured": machine.described(models),
    }


def _lesson(detector: Detector, pictures: list[Picture]) -> tuple[float, int, int]:
    """Return processor seconds, the number of faces, and the number of faces whose eyes were measured."""
    look = RoomDetector(detector)
    begun_s = time.process_time()
    found = [face for picture in pictures for face in look(picture)]
    return time.process_time() - begun_s, len(found), sum(face.traits.eyes is not None for face in found)


def _pss_mib() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
