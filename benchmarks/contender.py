"""One of the compared programs, run in a separate process for timing.

    python -m benchmarks.contender program HOME PICTURES | sweep | yunet ONNX [--models DIR]

The process reads the path of a picture from each line, works on it, and answers with a line of JSON: {"wall_s",
"cpu_s", "faces"}. The times do not include decoding. `program` takes the pictures as the captures of one lesson (as
`rehearse` does). At the end of the input it writes the register and reports the time of that, too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2

from benchmarks.folder import picture
from benchmarks.yunet import YuNet
from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.opening.models_and_gallery import load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.device import journal
from edge_daemon.home import Home
from edge_daemon.lesson.lesson_ids import rehearsal_lesson_id
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store.database import open_register
from edge_daemon.types import Frame, Lesson, Picture
from edge_daemon.vision import align
from edge_daemon.vision.mobilefacenet import MobileFaceNet
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector

_LESSON_S = 2700.0


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contender", description=__doc__)
    parser.add_argument("kind", choices=("program", "sweep", "yunet"))
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--models", type=Path)
    arguments = parser.parse_args()
    journal.silence_libraries()
    cv2.setNumThreads(1)
    models = ModelSet.load(arguments.models or default_models_dir())
    if arguments.kind == "program":
        lesson = ProgramLesson(Path(arguments.rest[0]), int(arguments.rest[1]))
        serve(lesson.take)
        _answer(lambda: lesson.finalise())
    elif arguments.kind == "sweep":
        detector = Detector(models, threads=1)
        serve(lambda seen: len(detector(seen)))
    else:
        serve(peer(YuNet(Path(arguments.rest[0])), MobileFaceNet(models.card("embedder_float32"))))
    return 0


def serve(work: Callable[[Picture], int]) -> None:
    """Answer each line of the input; `work` returns the number of faces that it found."""
    print("ready", flush=True)
    for line in sys.stdin:
        seen = picture(Path(line.strip()))
        _answer(lambda seen=seen: work(seen))  # type: ignore[misc]


def _answer(work: Callable[[], int]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    faces = work()
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "faces": faces}
    print(json.dumps(took), flush=True)


def peer(detect: YuNet, embed: MobileFaceNet) -> Callable[[Picture], int]:
    """Return a pipeline of YuNet on the whole picture, five-point alignment, and an embedder."""

    def work(seen: Picture) -> int:
        _, points = detect(seen)
        for five in points:
            embed(align.warp(seen, align.similarity(five, align.FIVE_POINTS)))
        return len(points)

    return work


class ProgramLesson:
    """The program's own lesson, one capture after another.

    Args:
        home: an installation with enrolled students.
        captures: the number of captures.
    """

    def __init__(self, home: Path, captures: int) -> None:
        place = Home(home)
        now = datetime.now(timezone.utc)
        start = now - timedelta(seconds=_LESSON_S)
        lesson_id = rehearsal_lesson_id("benchmark", "", now)
        self._lesson = Lesson(lesson_id, "benchmark", "", start, now, "rehearsal")
        self._plan = make_plan(lesson_id, _LESSON_S, captures)
        models, gallery = load_models(place.config), open_gallery_store(place)
        register_db = open_register(place.register_db_path)
        self._run = LessonRun(
            place.config,
            register_db,
            gallery,
            models,
            self._lesson,
            self._plan,
            captures,
            "synchronised",
            open_signer(place),
        )
        self._slot = 0

    def take(self, seen: Picture) -> int:
        """Work on the next capture and return 0; the number of faces is known only at the end."""
        taken_at = self._lesson.start + timedelta(seconds=self._plan.offsets_s[self._slot])
        self._run.take(Frame(self._slot, f"{self._slot + 1:04d}", seen, taken_at))
        self._slot += 1
        return 0

    def finalise(self) -> int:
        """Write the register; return the number of faces that the register counts."""
        _, sightings = self._run.finalise()
        return len(sightings)


if __name__ == "__main__":
    sys.exit(main())
