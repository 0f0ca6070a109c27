"""Measures the whole check-in, from face videos to the answer, on videos of talking people.

    python -m benchmarks.phrase_faces --data VIDEOS --json OUT [--enrolled N] [--tried N]

VIDEOS has videos of one sentence each, with all frames (GRID corpus: 360 by 288, 75 frames). There is one clip of each
sentence. **The repetitions are perturbed copies of this clip** (another pace, light, place and size, grain), so a right
clip is easier here than at a door. The trials are further copies of the clip, copies of other people's clips, one frame
held still, and the clip in reverse.

The report has the program's answer (face and movement, each at its threshold) and each part alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks import command, machine
from benchmarks.folder import DataError
from benchmarks.rates import Rate
from edge_daemon.app.checkin.clips import ClipReader, ReadClip, mean_face
from edge_daemon.checkin.decision import SAME_FACE, CheckinScores, checkin_scores
from edge_daemon.checkin.phrase_codec import EnrolledPhrase
from edge_daemon.types import Picture

_VIDEOS: Final = (".mpg", ".mp4", ".avi", ".mkv", ".webm")
_KINDS: Final = ("own", "other", "other_sentence", "still", "reversed")
_ONE_PERSON: Final = 0.8
"""Least cosine of two clips' faces at which they count as one person with another sentence."""


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.phrase_faces", "The check-in, from whole faces.", "a folder of videos")
    arguments.add_argument("--enrolled", type=int, default=5, help="number of enrolled repetitions (default: 5)")
    arguments.add_argument("--tried", type=int, default=3, help="number of further copies of each clip (default: 3)")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return how many clips of each kind were accepted or refused, with their total."""
    videos = _videos(arguments.data)
    reader = ClipReader(command.models(arguments))
    random = np.random.default_rng(0)
    people: list[EnrolledPhrase] = []
    tried: list[dict[str, list[ReadClip]]] = []
    frames = 0
    begin_s = time.process_time()
    for number, path in enumerate(videos, 1):
        pictures = _pictures(path)
        copies = [reader.read(_copy(pictures, random)) for _ in range(arguments.enrolled + arguments.tried)]
        people.append(_enrolled(copies[: arguments.enrolled], path))
        attacks = {
            "still": [reader.read(_copy([pictures[len(pictures) // 2]] * len(pictures), random))],
            "reversed": [reader.read(_copy(pictures[::-1], random))],
        }
        tried.append({"own": copies[arguments.enrolled :], **attacks})
        frames += len(pictures) * (len(copies) + 2)
        command.progress(number, len(videos), "video")
    cpu_s = time.process_time() - begin_s
    return {
        "answers": _answers(people, tried),
        "videos": len(videos),
        "repetitions_are_perturbed_copies": True,
        "enrolled": arguments.enrolled,
        "cpu_ms_a_frame": round(1000 * cpu_s / frames, 2),
        "measured": machine.described(command.models(arguments)),
    }


def _answers(people: Sequence[EnrolledPhrase], tried: Sequence[dict[str, list[ReadClip]]]) -> dict[str, object]:
    """Return the rates of right answers for each kind of clip, by the program and by each threshold alone."""
    found: dict[str, dict[str, Rate]] = {kind: {} for kind in _KINDS}
    for i, person in enumerate(people):
        for j, clips in enumerate(tried):
            same = float(person.face @ people[j].face) >= _ONE_PERSON
            kinds = clips if i == j else {"other_sentence" if same else "other": clips["own"]}
            for kind, each in kinds.items():
                for clip in each:
                    for system, accepted in _decisions(person, clip).items():
                        right = Rate(int(accepted == (kind == "own")), 1)
                        found[kind][system] = found[kind].get(system, Rate(0, 0)) + right
    return {kind: {system: one.json() for system, one in each.items()} for kind, each in found.items() if each}


def _decisions(person: EnrolledPhrase, clip: ReadClip) -> dict[str, bool]:
    if clip.movement is None:
        return dict.fromkeys(("program", "face_alone", "movement_alone"), False)
    scores: CheckinScores = checkin_scores(person, clip.movement, clip.face)
    return {
        "program": scores.accepted and not clip.problem,
        "face_alone": scores.face >= SAME_FACE,
        "movement_alone": scores.total >= scores.threshold,
    }


def _enrolled(clips: Sequence[ReadClip], path: Path) -> EnrolledPhrase:
    movements = tuple(clip.movement for clip in clips if clip.movement is not None and not clip.problem)
    if len(movements) < len(clips):
        problem = next((clip.problem for clip in clips if clip.problem), "no face")
        raise DataError(f"can't be enrolled: {problem}", str(path))
    return EnrolledPhrase(movements, mean_face(clip.face for clip in clips))


def _copy(pictures: Sequence[Picture], random: np.random.Generator) -> list[Picture]:
    """Return a perturbed repetition of a clip: another pace, light, place and size, and grain."""
    count = round(len(pictures) * random.uniform(0.9, 1.1))
    pace = np.cumsum(1 + 0.25 * np.sin(np.linspace(0, 2 * np.pi, count) + random.uniform(0, 2 * np.pi)))
    at = np.round((pace - pace[0]) / (pace[-1] - pace[0]) * (len(pictures) - 1)).astype(int)
    height, width = pictures[0].shape[:2]
    scale, shift = random.uniform(0.95, 1.05), random.uniform(-8, 8, 2)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    light, gain = random.uniform(-12, 12), random.uniform(0.9, 1.1)
    copies = []
    for i in at:
        moved = cv2.warpAffine(pictures[i], matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        worn = moved.astype(np.float32) * gain + light + random.normal(0, 2.5, moved.shape)
        copies.append(np.clip(worn, 0, 255).astype(np.uint8))
    return copies


def _videos(root: Path) -> list[Path]:
    videos = sorted(path for path in root.glob("*") if path.suffix.lower() in _VIDEOS)
    if len(videos) < 2:
        raise DataError(f"has {len(videos)} videos; two people or more are needed", str(root))
    return videos


def _pictures(path: Path) -> list[Picture]:
    video = cv2.VideoCapture(str(path))
    found: list[Picture] = []
    while True:
        decoded, picture = video.read()
        if not decoded:
            break
        found.append(np.asarray(picture, np.uint8))
    video.release()
    if len(found) < 10:
        raise DataError("is not a video of ten frames or more", str(path))
    return found


if __name__ == "__main__":
    sys.exit(main())
