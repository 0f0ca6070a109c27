"""The cost of masks in a lesson: processor time of captures with and without the analyser, in turns.

    python -m benchmarks.mask_cost --data DIR --json OUT

DIR is a lesson folder as `benchmarks.lesson` takes it, or a folder of them. The benchmark reads at most 6 pictures of
`frames/` twice in each way, as a lesson does: known places first, full sweeps from time to time.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import command, folder, machine
from edge_daemon.device import journal
from edge_daemon.types import Picture
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.pipeline import Detector, RoomDetector

CAPTURES, ROUNDS = 6, 2


def main() -> int:
    """Run the command."""
    parser = command.parser("benchmarks.mask_cost", "Processor time of a lesson with masks on.", "a lesson folder")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the processor seconds with and without masks, and their ratio."""
    models = command.models(arguments)
    pictures = [folder.picture(path) for path in frames(arguments.data)]
    seconds = {"off": 0.0, "on": 0.0}
    faces = measured = 0
    for turn in range(ROUNDS):
        for way in ("off", "on") if turn % 2 == 0 else ("on", "off"):
            spent_s, found, with_mask = lesson_s(models, pictures, ("mask",) if way == "on" else ())
            seconds[way] += spent_s
            faces, measured = found, measured if way == "off" else with_mask
    return {
        "captures": len(pictures),
        "faces": faces,
        "measured_faces": measured,
        "cpu_s_a_capture": {way: round(s / ROUNDS / len(pictures), 4) for way, s in seconds.items()},
        "ratio": round(seconds["on"] / seconds["off"], 4),
        "measured": machine.described(models),
    }


def frames(data: Path) -> list[Path]:
    """Return the first pictures in a lesson folder; raises DataError if there are none."""
    found = [path for path in sorted(data.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    inside = [path for path in found if path.parent.name == "frames"] or found
    if not inside:
        raise folder.DataError("has no pictures", str(data))
    return inside[:CAPTURES]


def lesson_s(models: ModelSet, pictures: list[Picture], traits: tuple[str, ...]) -> tuple[float, int, int]:
    """Return the processor seconds of one lesson, its faces, and its faces with mask probabilities."""
    look = RoomDetector(Detector(models, threads=1, traits=traits))
    begun_s = time.process_time()
    found = [face for picture in pictures for face in look(picture)]
    return time.process_time() - begun_s, len(found), sum(face.traits.mask is not None for face in found)


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
