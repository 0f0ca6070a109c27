"""The peer `face_recognition`, run by a separate interpreter that has it. The module imports nothing of the program.

It uses the protocol of benchmarks/contender.py. The peer runs a HOG detector on the picture, upsampled once, and
dlib's embedder with 128 numbers.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import face_recognition


def _version(*names: str) -> str:
    for name in names:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return ""


def main() -> None:
    """Answer each line of the input."""
    print(
        "ready " + ", ".join((_version("face_recognition", "face-recognition"), _version("dlib-bin", "dlib"))),
        flush=True,
    )
    for line in sys.stdin:
        seen = face_recognition.load_image_file(line.strip())
        wall, cpu = time.perf_counter(), time.process_time()
        boxes = face_recognition.face_locations(seen, number_of_times_to_upsample=1)
        face_recognition.face_encodings(seen, boxes)
        took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "faces": len(boxes)}
        print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main()
